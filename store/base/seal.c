/*
 * Sealing by AES-256-GCM. One context serves both ways, and takes another key when the next value
 * has another subkey, which costs less than to keep a context for each.
 */
#include "store/base/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 2
#define KEY_AT 1
#define TIME_AT 5
#define NONCE_AT 9
#define NONCE_SIZE (SEAL_HEAD_SIZE - NONCE_AT)
#define SUBKEY_BITS 12

/* What was sealed before there were subkeys: version byte, nonce, ciphertext, tag. */
#define OLD_VERSION 1
#define OLD_HEAD_SIZE (1 + NONCE_SIZE)

/* Random bytes are drawn for so many values at a time: a nonce, and which subkey. */
#define DRAWN 64
#define DRAWN_SIZE (NONCE_SIZE + 2)

struct seal {
    const struct seal_keys *keys;
    EVP_CIPHER_CTX *context;
    const unsigned char *armed; /* the context's key */
    unsigned char drawn[DRAWN][DRAWN_SIZE];
    size_t drawn_left;
};

struct seal *seal_create(const struct seal_keys *keys)
{
    struct seal *seal = calloc(1, sizeof *seal);

    if (seal == NULL)
        return NULL;
    seal->keys = keys;
    seal->context = EVP_CIPHER_CTX_new();
    if (seal->context != NULL &&
        EVP_EncryptInit_ex(seal->context, EVP_aes_256_gcm(), NULL, NULL, NULL) == 1)
        return seal;
    seal_free(seal);
    return NULL;
}

void seal_free(struct seal *seal)
{
    if (seal == NULL)
        return;
    EVP_CIPHER_CTX_free(seal->context);
    free(seal);
}

static const unsigned char *draw(struct seal *seal)
{
    if (seal->drawn_left == 0) {
        if (RAND_bytes(&seal->drawn[0][0], sizeof seal->drawn) != 1)
            return NULL;
        seal->drawn_left = DRAWN;
    }
    return seal->drawn[--seal->drawn_left];
}

static void write_number(unsigned char at[4], uint32_t number)
{
    for (int i = 3; i >= 0; i--, number >>= 8)
        at[i] = (unsigned char)number;
}

static uint32_t read_number(const unsigned char at[4])
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The direction, the key where it is another one, the nonce, and what is authenticated beside the
 * value: the label and what stands before the nonce. */
static int arm(struct seal *seal, int encrypts, const unsigned char *key,
               const unsigned char *nonce, const char *label, const unsigned char *head,
               size_t head_size)
{
    const size_t label_length = strlen(label);
    unsigned char beside[SEAL_LABEL_MAX + NONCE_AT];
    int written;

    if (label_length > SEAL_LABEL_MAX)
        return -1;
    memcpy(beside, label, label_length);
    memcpy(beside + label_length, head, head_size);
    const unsigned char *other = key != seal->armed ? key : NULL;
    seal->armed = NULL;
    if (EVP_CipherInit_ex(seal->context, NULL, NULL, other, nonce, encrypts) != 1 ||
        EVP_CipherUpdate(seal->context, NULL, &written, beside, (int)(label_length + head_size)) !=
            1)
        return -1;
    seal->armed = key;
    return 0;
}

int seal_wrap(struct seal *seal, const struct seal_terms *terms, const unsigned char *clear,
              size_t length, unsigned char *sealed)
{
    unsigned char *ciphertext = sealed + SEAL_HEAD_SIZE;
    int written;

    const unsigned char *drawn = draw(seal);
    if (drawn == NULL)
        return -1;
    const unsigned any = (unsigned)drawn[NONCE_SIZE] << 8 | drawn[NONCE_SIZE + 1];
    const unsigned subkey = (terms->subkey == SEAL_ANY_SUBKEY ? any : terms->subkey) % SEAL_SUBKEYS;
    sealed[0] = FORMAT_VERSION;
    write_number(sealed + KEY_AT, seal->keys->id << SUBKEY_BITS | subkey);
    write_number(sealed + TIME_AT, (uint32_t)terms->time_s);
    memcpy(sealed + NONCE_AT, drawn, NONCE_SIZE);
    if (arm(seal, 1, seal->keys->subkeys[subkey], drawn, terms->label, sealed, NONCE_AT) != 0 ||
        EVP_CipherUpdate(seal->context, ciphertext, &written, clear, (int)length) != 1 ||
        EVP_CipherFinal_ex(seal->context, ciphertext + written, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(seal->context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE,
                            ciphertext + length) != 1)
        return -1;
    return 0;
}

/* The context is armed. */
static int unwrap_armed(struct seal *seal, const unsigned char *ciphertext, size_t size,
                        unsigned char *clear)
{
    unsigned char tag[SEAL_TAG_SIZE];
    int written;

    memcpy(tag, ciphertext + size, sizeof tag);
    if (EVP_CipherUpdate(seal->context, clear, &written, ciphertext, (int)size) == 1 &&
        EVP_CIPHER_CTX_ctrl(seal->context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) == 1 &&
        EVP_CipherFinal_ex(seal->context, clear + size, &written) == 1)
        return 0;
    OPENSSL_cleanse(clear, size);
    return -1;
}

static int unwrap_old(struct seal *seal, const char *label, const unsigned char *sealed,
                      size_t length, unsigned char *clear, size_t clear_max,
                      struct seal_opened *opened)
{
    const size_t overhead = OLD_HEAD_SIZE + SEAL_TAG_SIZE;

    if (length < overhead || length - overhead > clear_max)
        return -1;
    *opened = (struct seal_opened){.length = length - overhead};
    if (arm(seal, 0, seal->keys->old, sealed + 1, label, sealed, 0) != 0)
        return -1;
    return unwrap_armed(seal, sealed + OLD_HEAD_SIZE, opened->length, clear);
}

int seal_unwrap(struct seal *seal, const char *label, const unsigned char *sealed, size_t length,
                unsigned char *clear, size_t clear_max, struct seal_opened *opened)
{
    if (length > 0 && sealed[0] == OLD_VERSION)
        return unwrap_old(seal, label, sealed, length, clear, clear_max, opened);
    if (length < SEAL_OVERHEAD)
        return -1;
    const uint32_t key = read_number(sealed + KEY_AT);
    if (sealed[0] > FORMAT_VERSION ||
        (sealed[0] == FORMAT_VERSION && key >> SUBKEY_BITS != seal->keys->id))
        return SEAL_OTHER_KEY;
    if (sealed[0] != FORMAT_VERSION || length - SEAL_OVERHEAD > clear_max)
        return -1;
    *opened = (struct seal_opened){length - SEAL_OVERHEAD, read_number(sealed + TIME_AT)};
    if (arm(seal, 0, seal->keys->subkeys[key % SEAL_SUBKEYS], sealed + NONCE_AT, label, sealed,
            NONCE_AT) != 0)
        return -1;
    return unwrap_armed(seal, sealed + SEAL_HEAD_SIZE, opened->length, clear);
}
