/* Claims to sealed bytes and back. */
#include "store/outbox/claim.h"

#include <endian.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define LAYOUT_VERSION 3
/* What earlier releases have put: without the person, whom the number tells; and with the beginning
 * of the number's hash. */
#define LAYOUT_WITHOUT_PERSON 1
#define LAYOUT_WITHOUT_NEAR 2
#define HAS_USER_ID 1
#define HAS_NUMBER 2
#define NUMBER_IS_CUT 4
#define HEAD_SIZE (1 + RECORD_HASH_SIZE + 8)

_Static_assert(RECORD_EVENT_ID_MAX <= 256 && RECORD_PHONE_MAX <= 256 && RECORD_CODE_MAX <= 256,
               "a length fits a byte");

void outbox_group_name(const struct seal_keys *keys, char group[OUTBOX_GROUP_MAX])
{
    snprintf(group, OUTBOX_GROUP_MAX, "writers:%05" PRIx32 ":%d", keys->id, LAYOUT_VERSION);
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
                            (person->has_number ? HAS_NUMBER : 0) |
                            (person->number_is_cut ? NUMBER_IS_CUT : 0));
    at = mempcpy(at, person->user_id, sizeof person->user_id);
    return mempcpy(at, person->number, sizeof person->number);
}

static unsigned char *put_near(unsigned char *at, const struct record_claim *claim)
{
    *at++ = claim->has_near;
    at = mempcpy(at, claim->near, sizeof claim->near);
    *at++ = (unsigned char)claim->said;
    return mempcpy(at, claim->said_of, sizeof claim->said_of);
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
    at = put_near(at, claim);

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

/* number_size: so much of the number's hash is there. */
static const unsigned char *get_person(const unsigned char *at, const unsigned char *end,
                                       struct record_person *person, size_t number_size)
{
    if (at == NULL || (size_t)(end - at) < 1 + sizeof person->user_id + number_size)
        return NULL;
    person->has_user_id = (*at & HAS_USER_ID) != 0;
    person->has_number = (*at & HAS_NUMBER) != 0;
    person->number_is_cut =
        (*at & NUMBER_IS_CUT) != 0 || (person->has_number && number_size < sizeof person->number);
    at++;
    memcpy(person->user_id, at, sizeof person->user_id);
    memcpy(person->number, at + sizeof person->user_id, number_size);
    return at + sizeof person->user_id + number_size;
}

static const unsigned char *get_near(const unsigned char *at, const unsigned char *end,
                                     struct record_claim *claim)
{
    if (at == NULL || end - at != OUTBOX_NEAR_SIZE || *at > 1)
        return NULL;
    claim->has_near = *at++ == 1;
    memcpy(claim->near, at, sizeof claim->near);
    at += sizeof claim->near;
    if (*at > RECORD_SAID_DIFFERENT)
        return NULL;
    claim->said = *at++;
    memcpy(claim->said_of, at, sizeof claim->said_of);
    return end;
}

static int claim_read(struct record_claim *claim, const unsigned char *at, size_t length)
{
    const unsigned char *end = at + length;
    uint64_t now_us;

    if (length >= HEAD_SIZE && *at > LAYOUT_VERSION)
        return SEAL_OTHER_KEY;
    if (length < HEAD_SIZE || *at < LAYOUT_WITHOUT_PERSON)
        return -1;
    const unsigned char layout = *at++;
    memcpy(claim->input_hash, at, RECORD_HASH_SIZE);
    at += RECORD_HASH_SIZE;
    memcpy(&now_us, at, sizeof now_us);
    at += sizeof now_us;
    claim->now_us = (int64_t)be64toh(now_us);
    at = get_text(at, end, claim->event_id, sizeof claim->event_id);
    at = get_text(at, end, claim->phone_number, sizeof claim->phone_number);
    at = get_text(at, end, claim->code, sizeof claim->code);
    claim->person = (struct record_person){0};
    claim->has_near = claim->asks_near = false; /* whoever asked is not there any more */
    claim->said = RECORD_SAID_NOTHING;
    if (layout > LAYOUT_WITHOUT_PERSON)
        at = get_person(at, end, &claim->person,
                        layout > LAYOUT_WITHOUT_NEAR ? RECORD_PERSON_HASH_SIZE : RECORD_ASKER_SIZE);
    if (layout > LAYOUT_WITHOUT_NEAR)
        at = get_near(at, end, claim);
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
