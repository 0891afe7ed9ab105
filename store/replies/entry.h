/*
 * A reply as bytes at rest, sealed.
 *
 *     clear = version byte, time (8, big-endian milliseconds), length of address, address, body
 */
#ifndef STORE_REPLIES_ENTRY_H
#define STORE_REPLIES_ENTRY_H

#include "store/base/seal.h"
#include "store/replies.h"

#define REPLIES_PREFIX "uic:replies"

#define REPLY_CLEAR_MAX (1 + 8 + 1 + REPLY_ADDRESS_MAX + REPLY_BODY_MAX)
#define REPLY_SEALED_MAX (REPLY_CLEAR_MAX + SEAL_OVERHEAD)

/* Returns the length of sealed, or 0 when address or body are too long, or the cryptographic
 * library fails. */
size_t replies_entry_seal(struct seal *seal, const struct replies_entry *entry,
                          unsigned char sealed[REPLY_SEALED_MAX]);

/* Fills in address, body and created_ms; replies_entry_wipe is due. Returns 0, or -1 when the bytes
 * were not sealed here or memory is out. */
int replies_entry_open(struct seal *seal, const unsigned char *sealed, size_t length,
                       struct reply *reply);
/* Forgets address and body. */
void replies_entry_wipe(struct reply *reply);

#endif
