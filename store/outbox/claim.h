/*
 * A claim as bytes on their way through the outbox: sealed under the stream's name.
 *
 *     clear = version byte, input hash (32), time (8, big-endian microseconds),
 *             event id, phone number, code: each a length byte and its bytes;
 *             from version 2 on who asks: which of the two is known (bits 0 and 1), hash of the user
 *             id (16), of the number (5, from version 3 on 16);
 *             from version 3 on whether near is known (a byte) and near (25); what was said (a byte), and
 *             of which answers (32)
 */
#ifndef STORE_OUTBOX_CLAIM_H
#define STORE_OUTBOX_CLAIM_H

#include "store/base/seal.h"
#include "store/records.h"

#define OUTBOX_STREAM "uic:outbox"
/* Entries that can never be written. */
#define OUTBOX_REFUSED_STREAM OUTBOX_STREAM ":refused"

/* How many entries of the stream each group has put there, a hash. */
#define OUTBOX_OWN_COUNTS OUTBOX_STREAM ":own"

/* The consumer group of those who have these keys and this layout: each group sees every entry once,
 * and leaves those that it cannot read to the others, and to a later program. */
#define OUTBOX_GROUP_MAX 24
void outbox_group_name(const struct seal_keys *keys, char group[OUTBOX_GROUP_MAX]);

#define OUTBOX_PERSON_SIZE (1 + RECORD_PERSON_HASH_SIZE + RECORD_PERSON_HASH_SIZE)
#define OUTBOX_NEAR_SIZE (1 + RECORD_NEAR_SIZE + 1 + RECORD_HASH_SIZE)
#define OUTBOX_CLEAR_MAX                                                                   \
    (1 + RECORD_HASH_SIZE + 8 + RECORD_EVENT_ID_MAX + RECORD_PHONE_MAX + RECORD_CODE_MAX + \
     OUTBOX_PERSON_SIZE + OUTBOX_NEAR_SIZE)
#define OUTBOX_SEALED_MAX (OUTBOX_CLEAR_MAX + SEAL_OVERHEAD)

/* As of a time, in seconds since 1970, which may be another than the claim's. Returns the length of
 * sealed, or 0 when the cryptographic library fails. */
size_t outbox_claim_seal_at(struct seal *seal, const struct record_claim *claim, int64_t time_s,
                            unsigned char sealed[OUTBOX_SEALED_MAX]);

/* Fills in what a claim asks for, and as of when it was sealed, in seconds since 1970: not before it
 * was made, also where that is not told, or past what the seal can tell. Returns 0, SEAL_OTHER_KEY, or
 * -1 when the bytes were not sealed here. */
int outbox_claim_open(struct seal *seal, const unsigned char *sealed, size_t length,
                      struct record_claim *claim, int64_t *sealed_s);

#endif
