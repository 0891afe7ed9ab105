/* OpenSSL's EVP_MAC. It has to be given the key for each number: armed without one, SipHash would go
 * on from where it ended. */
#include "uic/keyed_number.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 8

struct keyed_number {
    EVP_MAC_CTX *mac;
    unsigned char key[KEYED_NUMBER_KEY_SIZE];
};

struct keyed_number *keyed_number_create(const unsigned char key[KEYED_NUMBER_KEY_SIZE])
{
    size_t size = NUMBER_SIZE;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
        OSSL_PARAM_construct_end(),
    };
    struct keyed_number *keyed = calloc(1, sizeof *keyed);
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

    if (keyed != NULL && algorithm != NULL)
        keyed->mac = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    if (keyed == NULL || keyed->mac == NULL ||
        EVP_MAC_init(keyed->mac, key, KEYED_NUMBER_KEY_SIZE, parameters) != 1) {
        keyed_number_free(keyed);
        return NULL;
    }
    memcpy(keyed->key, key, sizeof keyed->key);
    return keyed;
}

void keyed_number_free(struct keyed_number *keyed)
{
    if (keyed == NULL)
        return;
    EVP_MAC_CTX_free(keyed->mac);
    OPENSSL_cleanse(keyed->key, sizeof keyed->key);
    free(keyed);
}

static bool update_lengths(EVP_MAC_CTX *mac, const struct uic_text *texts, size_t count)
{
    uint64_t lengths[KEYED_NUMBER_TEXTS_MAX];

    if (count > KEYED_NUMBER_TEXTS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        lengths[i] = htobe64(texts[i].length);
    return EVP_MAC_update(mac, (const unsigned char *)lengths, count * sizeof *lengths) == 1;
}

int keyed_number(struct keyed_number *keyed, const struct uic_text *texts, size_t count,
                 uint64_t *number)
{
    unsigned char hash[NUMBER_SIZE];
    size_t size;
    bool good = EVP_MAC_init(keyed->mac, keyed->key, sizeof keyed->key, NULL) == 1 &&
                update_lengths(keyed->mac, texts, count);

    *number = 0;
    for (size_t i = 0; good && i < count; i++)
        good =
            EVP_MAC_update(keyed->mac, (const unsigned char *)texts[i].bytes, texts[i].length) == 1;
    if (!good || EVP_MAC_final(keyed->mac, hash, &size, sizeof hash) != 1 || size != sizeof hash)
        return UIC_CRYPTO;
    for (size_t i = 0; i < sizeof hash; i++)
        *number = *number << 8 | hash[i];
    return UIC_OK;
}
