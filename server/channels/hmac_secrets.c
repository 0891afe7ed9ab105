/* Keyed contexts out of a setting. */
#include "server/channels/hmac_secrets.h"

#include "store/base/keyed_hash.h"
#include <string.h>

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
