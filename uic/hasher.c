/* OpenSSL's contexts, armed again for each hash. */
#include "uic/hasher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct uic_hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *mac; /* with its key; NULL: without one */
};

static EVP_MAC_CTX *mac_create(const unsigned char *key, size_t key_length)
{
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);

    EVP_MAC_free(algorithm);
    if (mac != NULL && EVP_MAC_init(mac, key, key_length, parameters) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

struct uic_hasher *uic_hasher_create(const unsigned char *key, size_t key_length)
{
    struct uic_hasher *hasher = calloc(1, sizeof *hasher);

    if (hasher == NULL)
        return NULL;
    hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher->digest = EVP_MD_CTX_new();
    hasher->mac = key == NULL ? NULL : mac_create(key, key_length);
    if (hasher->sha256 != NULL && hasher->digest != NULL && (key == NULL || hasher->mac != NULL))
        return hasher;
    uic_hasher_free(hasher);
    return NULL;
}

void uic_hasher_free(struct uic_hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MAC_CTX_free(hasher->mac);
    EVP_MD_CTX_free(hasher->digest);
    EVP_MD_free(hasher->sha256);
    free(hasher);
}

int uic_hasher_code_hash(struct uic_hasher *hasher, const struct uic_text *fields, size_t count,
                         struct uic_text salt, unsigned char hash[UIC_CODE_HASH_SIZE])
{
    EVP_MD_CTX *digest = hasher->digest;
    bool good = EVP_DigestInit_ex(digest, hasher->sha256, NULL) == 1;

    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(digest, fields[i].bytes, fields[i].length) == 1;
    good = good && EVP_DigestUpdate(digest, salt.bytes, salt.length) == 1 &&
           EVP_DigestFinal_ex(digest, hash, NULL) == 1;
    return good ? UIC_OK : UIC_CRYPTO;
}

static bool update_length(EVP_MAC_CTX *mac, size_t length)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((unsigned long long)length >> (56 - 8 * i));
    return EVP_MAC_update(mac, bytes, sizeof bytes) == 1;
}

int uic_hasher_input_hash(struct uic_hasher *hasher, const struct uic_text *fields, size_t count,
                          unsigned char hash[UIC_INPUT_HASH_SIZE])
{
    EVP_MAC_CTX *mac = hasher->mac;
    bool good = mac != NULL && EVP_MAC_init(mac, NULL, 0, NULL) == 1;

    for (size_t i = 0; good && i < count; i++)
        good = update_length(mac, fields[i].length) &&
               EVP_MAC_update(mac, (const unsigned char *)fields[i].bytes, fields[i].length) == 1;
    good = good && EVP_MAC_final(mac, hash, NULL, UIC_INPUT_HASH_SIZE) == 1;
    return good ? UIC_OK : UIC_CRYPTO;
}
