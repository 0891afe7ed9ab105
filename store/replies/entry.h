/*
 * A reply as bytes at rest, sealed, and behind them what changes from one attempt to the next.
 *
 *     kept = sealed (version byte, time (8, big-endian milliseconds), length of address, address,
 *            body), attempts (1), memo (1)
 *
 * The first bytes of what is sealed are no other reply's: its token.
 */
#ifndef STORE_REPLIES_ENTRY_H
#define STORE_REPLIES_ENTRY_H

#include "store/base/seal.h"
#include "store/replies.h"

#define REPLIES_PREFIX "uic:replies"

#define REPLY_TOKEN_SIZE SEAL_HEAD_SIZE
#define REPLY_TAIL_SIZE 2
#define REPLY_CLEAR_MAX (1 + 8 + 1 + REPLY_ADDRESS_MAX + REPLY_BODY_MAX)
#define REPLY_KEPT_MAX (REPLY_CLEAR_MAX + SEAL_OVERHEAD + REPLY_TAIL_SIZE)

/* Returns the length of kept, or 0 when address or body are too long, or the cryptographic library
 * fails. */
size_t replies_entry_seal(struct seal *seal, const struct replies_entry *entry,
                          unsigned char kept[REPLY_KEPT_MAX]);

/* Fills in address, body, which lie in clear (of length bytes) then, created_ms, attempts and memo.
 * Returns 0; SEAL_OTHER_KEY, with attempts and memo; or -1 when the bytes were not sealed here. */
int replies_entry_open(struct seal *seal, const unsigned char *kept, size_t length,
                       unsigned char *clear, struct reply *reply);

#endif
