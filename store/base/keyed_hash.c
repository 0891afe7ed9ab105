/* OpenSSL's EVP_MAC, re-armed for each hash. */
#include "store/base/keyed_hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

struct keyed_hash {
    EVP_MAC_CTX *mac;
};

EVP_MAC_CTX *hmac_context_create(const void *key, size_t length, const char *digest)
{
    char name[16]; /* which OpenSSL wants to be no constant */
    snprintf(name, sizeof name, "%s", digest);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);

    EVP_MAC_free(algorithm);
    if (context != NULL && EVP_MAC_init(context, key, length, parameters) == 1)
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

struct keyed_hash *keyed_hash_create(const unsigned char key[KEYED_HASH_KEY_SIZE])
{
    struct keyed_hash *keyed = calloc(1, sizeof *keyed);

    if (keyed != NULL &&
        (keyed->mac = hmac_context_create(key, KEYED_HASH_KEY_SIZE, "SHA256")) != NULL)
        return keyed;
    free(keyed);
    return NULL;
}

void keyed_hash_free(struct keyed_hash *keyed)
{
    if (keyed == NULL)
        return;
    EVP_MAC_CTX_free(keyed->mac);
    free(keyed);
}

int keyed_hash(struct keyed_hash *keyed, const void *bytes, size_t length,
               unsigned char hash[KEYED_HASH_SIZE])
{
    size_t size;

    if (EVP_MAC_init(keyed->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(keyed->mac, bytes, length) != 1 ||
        EVP_MAC_final(keyed->mac, hash, &size, KEYED_HASH_SIZE) != 1)
        return -1;
    return 0;
}

int keyed_hash_number(struct keyed_hash *keyed, const void *bytes, size_t length, uint64_t *number)
{
    unsigned char hash[KEYED_HASH_SIZE];

    *number = 0;
    if (keyed_hash(keyed, bytes, length, hash) != 0)
        return -1;
    for (size_t i = 0; i < sizeof *number; i++)
        *number = *number << 8 | hash[i];
    return 0;
}
