/* Claims to sealed bytes and back. */
#include "store/outbox/claim.h"

#include <endian.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define LAYOUT_VERSION 2
/* Without the person, whom the number tells: what an earlier release has put. */
#define LAYOUT_WITHOUT_PERSON 1
#define HAS_USER_ID 1
#define HAS_NUMBER 2
#define HEAD_SIZE (1 + RECORD_HASH_SIZE + 8)

_Static_assert(RECORD_EVENT_ID_MAX <= 256 && RECORD_PHONE_MAX <= 256 && RECORD_CODE_MAX <= 256,
               "a length fits a byte");

void outbox_group_name(const struct seal_keys *keys, char group[OUTBOX_GROUP_MAX])
{
    snprintf(group, OUTBOX_GROUP_MAX, "writers:%05" PRIx32, keys->id);
}

static unsigned char *put_text(unsigned char *at, const char *text, size_t capacity)
{
    size_t length = strnlen(text, capacity - 1);

    *at++ = (unsigned char)length;
    memcpy(at, text, length);
    return at + length;
}

static unsigned char *put_person(unsigned char *at, const struct record_person *person)
{
    *at++ = (unsigned char)((person->has_user_id ? HAS_USER_ID : 0) |
                            (person->has_number ? HAS_NUMBER : 0));
    at = mempcpy(at, person->user_id, sizeof person->user_id);
    return mempcpy(at, person->number, sizeof person->number);
}

size_t outbox_claim_seal(struct seal *seal, const struct record_claim *claim,
                         unsigned char sealed[OUTBOX_SEALED_MAX])
{
    return outbox_claim_seal_at(seal, claim, claim->now_us / 1000000, sealed);
}

size_t outbox_claim_seal_at(struct seal *seal, const struct record_claim *claim, int64_t time_s,
                            unsigned char sealed[OUTBOX_SEALED_MAX])
{
    unsigned char clear[OUTBOX_CLEAR_MAX];
    unsigned char *at = clear;
    const uint64_t now_us = htobe64((uint64_t)claim->now_us);

    *at++ = LAYOUT_VERSION;
    at = mempcpy(at, claim->input_hash, RECORD_HASH_SIZE);
    at = mempcpy(at, &now_us, sizeof now_us);
    at = put_text(at, claim->event_id, sizeof claim->event_id);
    at = put_text(at, claim->phone_number, sizeof claim->phone_number);
    at = put_text(at, claim->code, sizeof claim->code);
    at = put_person(at, &claim->person);

    size_t length = (size_t)(at - clear);
    const struct seal_terms terms = {OUTBOX_STREAM, SEAL_ANY_SUBKEY, time_s};
    int status = seal_wrap(seal, &terms, clear, length, sealed);
    OPENSSL_cleanse(clear, sizeof clear);
    return status == 0 ? length + SEAL_OVERHEAD : 0;
}

/* Returns what follows the text, or NULL when it does not fit. */
static const unsigned char *get_text(const unsigned char *at, const unsigned char *end, char *text,
                                     size_t capacity)
{
    if (at == NULL || at == end)
        return NULL;
    size_t length = *at++;
    if (length >= capacity || length > (size_t)(end - at) || memchr(at, '\0', length) != NULL)
        return NULL;
    memcpy(text, at, length);
    text[length] = '\0';
    return at + length;
}

static const unsigned char *get_person(const unsigned char *at, const unsigned char *end,
                                       struct record_person *person)
{
    if (at == NULL || end - at != OUTBOX_PERSON_SIZE)
        return NULL;
    person->has_user_id = (*at & HAS_USER_ID) != 0;
    person->has_number = (*at & HAS_NUMBER) != 0;
    memcpy(person->user_id, at + 1, sizeof person->user_id);
    memcpy(person->number, at + 1 + sizeof person->user_id, sizeof person->number);
    return end;
}

static int claim_read(struct record_claim *claim, const unsigned char *at, size_t length)
{
    const unsigned char *end = at + length;
    uint64_t now_us;

    if (length < HEAD_SIZE || (*at != LAYOUT_VERSION && *at != LAYOUT_WITHOUT_PERSON))
        return -1;
    const bool has_person = *at++ != LAYOUT_WITHOUT_PERSON;
    memcpy(claim->input_hash, at, RECORD_HASH_SIZE);
    at += RECORD_HASH_SIZE;
    memcpy(&now_us, at, sizeof now_us);
    at += sizeof now_us;
    claim->now_us = (int64_t)be64toh(now_us);
    at = get_text(at, end, claim->event_id, sizeof claim->event_id);
    at = get_text(at, end, claim->phone_number, sizeof claim->phone_number);
    at = get_text(at, end, claim->code, sizeof claim->code);
    claim->person = (struct record_person){0};
    if (has_person)
        at = get_person(at, end, &claim->person);
    return at == end ? 0 : -1;
}

int outbox_claim_open(struct seal *seal, const unsigned char *sealed, size_t length,
                      struct record_claim *claim, int64_t *sealed_s)
{
    unsigned char clear[OUTBOX_CLEAR_MAX];
    struct seal_opened opened;

    int status = seal_unwrap(seal, OUTBOX_STREAM, sealed, length, clear, sizeof clear, &opened);
    if (status != 0)
        return status;
    status = claim_read(claim, clear, opened.length);
    OPENSSL_cleanse(clear, sizeof clear);
    if (status == 0)
        *sealed_s =
            opened.time_s > claim->now_us / 1000000 ? opened.time_s : claim->now_us / 1000000;
    return status;
}
