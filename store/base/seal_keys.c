/* Derives the subkeys by HKDF-SHA256, 64 at a time: one derivation makes 8,160 bytes at most. */
#include "store/base/seal_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 64
#define ID_BITS 20

static int derive(EVP_KDF_CTX *context, const unsigned char key[SEAL_KEY_SIZE], const char *info,
                  unsigned char *out, size_t length)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, SEAL_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };

    EVP_KDF_CTX_reset(context);
    return EVP_KDF_derive(context, out, length, params) == 1 ? 0 : -1;
}

/* Changing an info makes every sealed value unreadable. */
static int derive_all(struct seal_keys *keys, EVP_KDF_CTX *context)
{
    unsigned char id[4];
    char info[32];

    if (derive(context, keys->old, "key id", id, sizeof id) != 0)
        return -1;
    keys->id = ((uint32_t)id[0] << 16 | (uint32_t)id[1] << 8 | id[2]) >> (24 - ID_BITS);
    for (size_t i = 0; i < SEAL_SUBKEYS; i += AT_ONCE) {
        snprintf(info, sizeof info, "subkeys from %zu", i);
        if (derive(context, keys->old, info, keys->subkeys[i], AT_ONCE * SEAL_KEY_SIZE) != 0)
            return -1;
    }
    return 0;
}

struct seal_keys *seal_keys_create(const unsigned char key[SEAL_KEY_SIZE])
{
    struct seal_keys *keys = calloc(1, sizeof *keys);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;

    if (keys != NULL)
        memcpy(keys->old, key, SEAL_KEY_SIZE);
    if (keys != NULL && (context == NULL || derive_all(keys, context) != 0)) {
        seal_keys_free(keys);
        keys = NULL;
    }
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return keys;
}

void seal_keys_free(struct seal_keys *keys)
{
    if (keys == NULL)
        return;
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}
