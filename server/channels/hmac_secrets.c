/* Keyed contexts out of a setting. */
#include "server/channels/hmac_secrets.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

/* Ready with its key: EVP_MAC_init without a key starts anew from it. NULL when out of memory. */
static EVP_MAC_CTX *hmac_context_create(const void *secret, size_t length, const char *digest)
{
    char name[16];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

    strncpy(name, digest, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    EVP_MAC_free(mac);
    if (context != NULL && EVP_MAC_init(context, secret, length, params) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

int hmac_secrets_init(struct hmac_secrets *secrets, const char *list, const char *digest)
{
    *secrets = (struct hmac_secrets){0};
    while (*list != '\0' && secrets->count < HMAC_SECRETS_MAX) {
        size_t length = strcspn(list, ",");
        if (length > 0) {
            EVP_MAC_CTX *context = hmac_context_create(list, length, digest);
            if (context == NULL)
                return -1;
            secrets->contexts[secrets->count++] = context;
        }
        list += length + (list[length] == ',');
    }
    return secrets->count > 0 && *list == '\0' ? 0 : -1;
}

void hmac_secrets_deinit(struct hmac_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        EVP_MAC_CTX_free(secrets->contexts[i]);
    secrets->count = 0;
}
