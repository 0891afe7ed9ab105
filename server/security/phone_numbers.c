/* A context is armed with the key once and copied for each number: AES-SIV takes a context for one
 * text only, and arming one takes six times as long. */
#include "server/security/phone_numbers.h"

#include "server/security/keys.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TAG_SIZE 16
#define BYTES_MAX (TAG_SIZE + PHONE_NUMBER_MAX - 1)
#define SEAL_LENGTH (sizeof PHONE_NUMBER_SEAL - 1)
/* Four characters of base64 hold three bytes, and the last ones what is left. */
#define TEXT_LENGTH(bytes) (((bytes)*4 + 2) / 3)

_Static_assert(SEAL_LENGTH + TEXT_LENGTH(BYTES_MAX) < RECORD_PHONE_MAX, "every sealed number fits");
_Static_assert(PHONE_NUMBER_MAX <= RECORD_PHONE_MAX, "every clear number fits");
_Static_assert(sizeof((struct keys *)NULL)->phone_number == 64, "AES-256-SIV has two keys");

struct phone_numbers {
    bool sealed;
    EVP_CIPHER_CTX *sealing, *opening; /* armed */
    EVP_CIPHER_CTX *at_work;
};

struct phone_numbers *phone_numbers_create(const struct keys *keys, bool sealed)
{
    struct phone_numbers *numbers = calloc(1, sizeof *numbers);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);

    if (numbers != NULL) {
        numbers->sealed = sealed;
        numbers->sealing = EVP_CIPHER_CTX_new();
        numbers->opening = EVP_CIPHER_CTX_new();
        numbers->at_work = EVP_CIPHER_CTX_new();
    }
    const bool good =
        numbers != NULL && cipher != NULL && numbers->sealing != NULL && numbers->opening != NULL &&
        numbers->at_work != NULL &&
        EVP_EncryptInit_ex2(numbers->sealing, cipher, keys->phone_number, NULL, NULL) == 1 &&
        EVP_DecryptInit_ex2(numbers->opening, cipher, keys->phone_number, NULL, NULL) == 1;
    EVP_CIPHER_free(cipher);
    if (good)
        return numbers;
    phone_numbers_free(numbers);
    return NULL;
}

void phone_numbers_free(struct phone_numbers *numbers)
{
    if (numbers == NULL)
        return;
    EVP_CIPHER_CTX_free(numbers->sealing);
    EVP_CIPHER_CTX_free(numbers->opening);
    EVP_CIPHER_CTX_free(numbers->at_work);
    free(numbers);
}

bool phone_number_is_sealed(const char *kept)
{
    return strncmp(kept, PHONE_NUMBER_SEAL, SEAL_LENGTH) == 0;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64url_write(const unsigned char *bytes, size_t length, char *text)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            *text++ = alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *text++ = alphabet[bits << (6 - held) & 63];
    *text = '\0';
}

/* Takes nothing but what base64url_write makes, or two texts would be one number. Returns the
 * length, or 0. */
static size_t base64url_read(const char *text, unsigned char bytes[BYTES_MAX])
{
    const size_t characters = strlen(text);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t length = 0;

    if (characters > TEXT_LENGTH(BYTES_MAX) || characters % 4 == 1)
        return 0;
    for (; *text != '\0'; text++) {
        const char *at = strchr(alphabet, *text);
        if (at == NULL)
            return 0;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[length++] = (unsigned char)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0 ? length : 0;
}

int phone_number_seal(struct phone_numbers *numbers, const char *clear,
                      char sealed[RECORD_PHONE_MAX])
{
    const size_t length = strlen(clear);
    unsigned char bytes[BYTES_MAX];
    int written;

    sealed[0] = '\0';
    if (length == 0)
        return 0;
    if (length >= PHONE_NUMBER_MAX ||
        EVP_CIPHER_CTX_copy(numbers->at_work, numbers->sealing) != 1 ||
        EVP_EncryptUpdate(numbers->at_work, bytes + TAG_SIZE, &written,
                          (const unsigned char *)clear, (int)length) != 1 ||
        EVP_EncryptFinal_ex(numbers->at_work, bytes + TAG_SIZE + written, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(numbers->at_work, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, bytes) != 1)
        return -1;
    memcpy(sealed, PHONE_NUMBER_SEAL, SEAL_LENGTH);
    base64url_write(bytes, TAG_SIZE + length, sealed + SEAL_LENGTH);
    return 0;
}

int phone_number_open(struct phone_numbers *numbers, const char *kept, char clear[RECORD_PHONE_MAX])
{
    unsigned char bytes[BYTES_MAX];
    int written = 0;

    clear[0] = '\0';
    if (!phone_number_is_sealed(kept)) {
        const size_t length = strlen(kept);
        if (length >= RECORD_PHONE_MAX)
            return -1;
        memcpy(clear, kept, length + 1);
        return 0;
    }
    const size_t size = base64url_read(kept + SEAL_LENGTH, bytes);
    if (size <= TAG_SIZE || EVP_CIPHER_CTX_copy(numbers->at_work, numbers->opening) != 1 ||
        EVP_CIPHER_CTX_ctrl(numbers->at_work, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, bytes) != 1 ||
        EVP_DecryptUpdate(numbers->at_work, (unsigned char *)clear, &written, bytes + TAG_SIZE,
                          (int)(size - TAG_SIZE)) != 1 ||
        (size_t)written != size - TAG_SIZE || memchr(clear, '\0', size - TAG_SIZE) != NULL) {
        OPENSSL_cleanse(clear, RECORD_PHONE_MAX);
        return -1;
    }
    clear[written] = '\0';
    return 0;
}

int phone_number_keep(struct phone_numbers *numbers, const char *clear, char kept[RECORD_PHONE_MAX])
{
    const size_t length = strlen(clear);

    if (numbers->sealed || phone_number_is_sealed(clear))
        return phone_number_seal(numbers, clear, kept);
    kept[0] = '\0';
    if (length >= RECORD_PHONE_MAX)
        return -1;
    memcpy(kept, clear, length + 1);
    return 0;
}
