/* HMAC-SHA256 with a key for each use, of which the first bytes are used; for messages, which are known
 * again by a number, SipHash. The day's tags are made
 * of what a session's name leaves of its hash, by AES under a key of the day: a message needs no
 * other hash of the address. */
#include "server/security/keyed_hashes.h"

#include "server/security/keys.h"
#include "store/base/hex.h"
#include "store/base/keyed_hash.h"
#include "store/sessions.h"
#include "uic/hasher.h"
#include "uic/keyed_number.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

_Static_assert(KEYED_HASHES_WHO_SIZE == SESSION_WHO_SIZE, "who has a session is a block of AES");

struct keyed_hashes {
    struct keyed_hash *session_address;
    struct keyed_hash *log_day;
    EVP_CIPHER_CTX *day_cipher; /* armed for this day */
    int64_t day;                /* -1: for none yet */
    struct keyed_number *message_id;
    struct keyed_number *message_text;
    struct keyed_hash *record_asker;
    struct uic_hasher *answers;
    struct keyed_number *near;
};

struct keyed_hashes *keyed_hashes_create(const struct keys *keys)
{
    struct keyed_hashes *hashes = calloc(1, sizeof *hashes);

    if (hashes == NULL)
        return NULL;
    hashes->day = -1;
    hashes->day_cipher = EVP_CIPHER_CTX_new();
    hashes->session_address = keyed_hash_create(keys->session_address);
    hashes->log_day = keyed_hash_create(keys->log_day);
    hashes->message_id = keyed_number_create(keys->message_id);
    hashes->message_text = keyed_number_create(keys->message_text);
    hashes->record_asker = keyed_hash_create(keys->record_asker);
    hashes->answers = uic_hasher_create(keys->record_input, KEY_SIZE);
    hashes->near = keyed_number_create(keys->record_near);
    if (hashes->day_cipher != NULL && hashes->session_address != NULL && hashes->log_day != NULL &&
        hashes->message_id != NULL && hashes->message_text != NULL &&
        hashes->record_asker != NULL && hashes->answers != NULL && hashes->near != NULL)
        return hashes;
    keyed_hashes_free(hashes);
    return NULL;
}

void keyed_hashes_free(struct keyed_hashes *hashes)
{
    if (hashes == NULL)
        return;
    EVP_CIPHER_CTX_free(hashes->day_cipher);
    keyed_hash_free(hashes->session_address);
    keyed_hash_free(hashes->log_day);
    keyed_number_free(hashes->message_id);
    keyed_number_free(hashes->message_text);
    keyed_hash_free(hashes->record_asker);
    uic_hasher_free(hashes->answers);
    keyed_number_free(hashes->near);
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

void keyed_hashes_tag(struct keyed_hashes *hashes, const unsigned char who[KEYED_HASHES_WHO_SIZE],
                      int64_t now_s, char tag[KEYED_HASHES_TAG_MAX])
{
    unsigned char block[KEYED_HASHES_WHO_SIZE];
    int length = 0;

    if (day_arm(hashes, now_s / DAY_S) != 0 ||
        EVP_EncryptUpdate(hashes->day_cipher, block, &length, who, sizeof block) != 1)
        memset(block, 0, sizeof block);
    hex_write(block, KEYED_HASHES_TAG_MAX / 2, tag);
}

void keyed_hashes_address_tag(struct keyed_hashes *hashes, const char *address, size_t length,
                              int64_t now_s, char tag[KEYED_HASHES_TAG_MAX])
{
    unsigned char hash[KEYED_HASH_SIZE] = {0};

    keyed_hash(hashes->session_address, address, length, hash);
    keyed_hashes_tag(hashes, hash + KEYED_HASH_SIZE - KEYED_HASHES_WHO_SIZE, now_s, tag);
}

struct uic_hasher *keyed_hashes_answers(struct keyed_hashes *hashes)
{
    return hashes->answers;
}

struct keyed_number *keyed_hashes_near(struct keyed_hashes *hashes)
{
    return hashes->near;
}

uint64_t keyed_hashes_message_id(struct keyed_hashes *hashes, const char *id, size_t length)
{
    uint64_t number;

    if (keyed_number(hashes->message_id, &(struct uic_text){id, length}, 1, &number) != UIC_OK)
        return 0;
    return number != 0 ? number : 1;
}

uint64_t keyed_hashes_message_text(struct keyed_hashes *hashes, const char *text, size_t length)
{
    uint64_t number;

    keyed_number(hashes->message_text, &(struct uic_text){text, length}, 1, &number);
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
