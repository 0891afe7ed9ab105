/* HMAC-SHA256 with a key for each use, of which the first eight bytes are used. The day's tags are
 * made of the next ones by AES under a key of the day, which costs a message less than a hash. */
#include "server/security/keyed_hashes.h"

#include "server/security/keys.h"
#include "store/base/keyed_hash.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
#define BLOCK_SIZE 16

struct keyed_hashes {
    struct keyed_hash *log_tag;
    struct keyed_hash *log_day;
    EVP_CIPHER_CTX *day_cipher; /* armed for this day */
    int64_t day;                /* -1: for none yet */
    struct keyed_hash *message_id;
    struct keyed_hash *message_text;
    struct keyed_hash *record_asker;
};

struct keyed_hashes *keyed_hashes_create(const struct keys *keys)
{
    struct keyed_hashes *hashes = calloc(1, sizeof *hashes);

    if (hashes == NULL)
        return NULL;
    hashes->day = -1;
    hashes->day_cipher = EVP_CIPHER_CTX_new();
    hashes->log_tag = keyed_hash_create(keys->log_tag);
    hashes->log_day = keyed_hash_create(keys->log_day);
    hashes->message_id = keyed_hash_create(keys->message_id);
    hashes->message_text = keyed_hash_create(keys->message_text);
    hashes->record_asker = keyed_hash_create(keys->record_asker);
    if (hashes->day_cipher != NULL && hashes->log_tag != NULL && hashes->log_day != NULL &&
        hashes->message_id != NULL && hashes->message_text != NULL && hashes->record_asker != NULL)
        return hashes;
    keyed_hashes_free(hashes);
    return NULL;
}

void keyed_hashes_free(struct keyed_hashes *hashes)
{
    if (hashes == NULL)
        return;
    EVP_CIPHER_CTX_free(hashes->day_cipher);
    keyed_hash_free(hashes->log_tag);
    keyed_hash_free(hashes->log_day);
    keyed_hash_free(hashes->message_id);
    keyed_hash_free(hashes->message_text);
    keyed_hash_free(hashes->record_asker);
    free(hashes);
}

/* Returns 0, or -1 when the cryptographic library fails. */
static int day_arm(struct keyed_hashes *hashes, int64_t day)
{
    unsigned char key[KEYED_HASH_SIZE], bytes[8];

    if (day == hashes->day)
        return 0;
    hashes->day = -1;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)day >> (56 - 8 * i));
    if (keyed_hash(hashes->log_day, bytes, sizeof bytes, key) != 0)
        return -1;
    if (EVP_EncryptInit_ex(hashes->day_cipher, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(hashes->day_cipher, 0) == 1)
        hashes->day = day;
    OPENSSL_cleanse(key, sizeof key);
    return hashes->day == day ? 0 : -1;
}

/* A block of an address's hash, which nobody outside knows, as a block of the day. */
static int day_block(struct keyed_hashes *hashes, int64_t day, const unsigned char *block,
                     unsigned char out[BLOCK_SIZE])
{
    int length = 0;

    if (day_arm(hashes, day) != 0)
        return -1;
    return EVP_EncryptUpdate(hashes->day_cipher, out, &length, block, BLOCK_SIZE) == 1 ? 0 : -1;
}

uint64_t keyed_hashes_address(struct keyed_hashes *hashes, const char *address, size_t length,
                              int64_t now_s, char tag[KEYED_HASHES_TAG_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[KEYED_HASH_SIZE] = {0}, block[BLOCK_SIZE] = {0};
    uint64_t number = 0;

    if (keyed_hash(hashes->log_tag, address, length, hash) != 0 ||
        day_block(hashes, now_s / DAY_S, hash + sizeof number, block) != 0)
        memset(block, 0, sizeof block);
    for (size_t i = 0; i < sizeof number; i++)
        number = number << 8 | hash[i];
    for (int i = 0; i < KEYED_HASHES_TAG_MAX - 1; i++)
        tag[i] = digits[block[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    tag[KEYED_HASHES_TAG_MAX - 1] = '\0';
    return number;
}

uint64_t keyed_hashes_message_id(struct keyed_hashes *hashes, const char *id, size_t length)
{
    uint64_t number;

    if (keyed_hash_number(hashes->message_id, id, length, &number) != 0)
        return 0;
    return number != 0 ? number : 1;
}

uint64_t keyed_hashes_message_text(struct keyed_hashes *hashes, const char *text, size_t length)
{
    uint64_t number;

    keyed_hash_number(hashes->message_text, text, length, &number);
    return number;
}

int keyed_hashes_person(struct keyed_hashes *hashes, const char *who,
                        unsigned char person[KEYED_HASHES_PERSON_SIZE])
{
    unsigned char hash[KEYED_HASH_SIZE];

    if (keyed_hash(hashes->record_asker, who, strlen(who), hash) != 0)
        return -1;
    memcpy(person, hash, KEYED_HASHES_PERSON_SIZE);
    return 0;
}
