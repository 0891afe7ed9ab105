/*
 * Sealing by AES-256-GCM. The key schedules are made once and the contexts re-armed with a nonce,
 * which costs a fraction of setting them up for each value.
 */
#include "store/base/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 1
#define NONCE_SIZE (SEAL_HEAD_SIZE - 1)
/* Random bytes are drawn for so many values at a time. */
#define NONCES 64

struct seal {
    EVP_CIPHER_CTX *wrapping;
    EVP_CIPHER_CTX *unwrapping;
    unsigned char nonces[NONCES][NONCE_SIZE];
    size_t nonces_left;
};

struct seal *seal_create(const unsigned char key[SEAL_KEY_SIZE])
{
    struct seal *seal = calloc(1, sizeof *seal);
    if (seal == NULL)
        return NULL;
    seal->wrapping = EVP_CIPHER_CTX_new();
    seal->unwrapping = EVP_CIPHER_CTX_new();
    if (seal->wrapping == NULL || seal->unwrapping == NULL ||
        EVP_EncryptInit_ex(seal->wrapping, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(seal->unwrapping, EVP_aes_256_gcm(), NULL, key, NULL) != 1) {
        seal_free(seal);
        return NULL;
    }
    return seal;
}

void seal_free(struct seal *seal)
{
    if (seal == NULL)
        return;
    EVP_CIPHER_CTX_free(seal->wrapping);
    EVP_CIPHER_CTX_free(seal->unwrapping);
    free(seal);
}

static const unsigned char *next_nonce(struct seal *seal)
{
    if (seal->nonces_left == 0) {
        if (RAND_bytes(&seal->nonces[0][0], sizeof seal->nonces) != 1)
            return NULL;
        seal->nonces_left = NONCES;
    }
    return seal->nonces[--seal->nonces_left];
}

int seal_wrap(struct seal *seal, const char *label, const unsigned char *clear, size_t length,
              unsigned char *sealed)
{
    EVP_CIPHER_CTX *context = seal->wrapping;
    unsigned char *ciphertext = sealed + SEAL_HEAD_SIZE;
    int written;

    const unsigned char *nonce = next_nonce(seal);
    if (nonce == NULL)
        return -1;
    sealed[0] = FORMAT_VERSION;
    memcpy(sealed + 1, nonce, NONCE_SIZE);
    if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *)label,
                          (int)strlen(label)) != 1 ||
        EVP_EncryptUpdate(context, ciphertext, &written, clear, (int)length) != 1 ||
        EVP_EncryptFinal_ex(context, ciphertext + written, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, ciphertext + length) !=
            1)
        return -1;
    return 0;
}

int seal_unwrap(struct seal *seal, const char *label, const unsigned char *sealed, size_t length,
                unsigned char *clear, size_t clear_max, size_t *clear_length)
{
    EVP_CIPHER_CTX *context = seal->unwrapping;
    unsigned char tag[SEAL_TAG_SIZE];
    int written;

    if (length < SEAL_OVERHEAD || length - SEAL_OVERHEAD > clear_max || sealed[0] != FORMAT_VERSION)
        return -1;
    const unsigned char *ciphertext = sealed + SEAL_HEAD_SIZE;
    size_t size = length - SEAL_OVERHEAD;
    memcpy(tag, ciphertext + size, sizeof tag);
    if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, sealed + 1) != 1 ||
        EVP_DecryptUpdate(context, NULL, &written, (const unsigned char *)label,
                          (int)strlen(label)) != 1 ||
        EVP_DecryptUpdate(context, clear, &written, ciphertext, (int)size) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) != 1 ||
        EVP_DecryptFinal_ex(context, clear + size, &written) != 1) {
        OPENSSL_cleanse(clear, size);
        return -1;
    }
    *clear_length = size;
    return 0;
}
