/*
 * Sealing: AES-256-GCM under one key, bound to a label (the name under which the value is kept), so
 * that a value copied to another name does not open.
 *
 *     sealed value = version byte, nonce (12), ciphertext, tag (16)
 *
 * The nonce is random, so that the first SEAL_HEAD_SIZE bytes differ with every sealing.
 */
#ifndef STORE_BASE_SEAL_H
#define STORE_BASE_SEAL_H

#include <stddef.h>

#define SEAL_KEY_SIZE 32
#define SEAL_HEAD_SIZE 13
#define SEAL_TAG_SIZE 16
#define SEAL_OVERHEAD (SEAL_HEAD_SIZE + SEAL_TAG_SIZE)

/* Belongs to one thread. */
struct seal;

/* Returns NULL when the cryptographic library fails. */
struct seal *seal_create(const unsigned char key[SEAL_KEY_SIZE]);
void seal_free(struct seal *seal);

/* Writes length + SEAL_OVERHEAD bytes to sealed. Returns 0, or -1 when the library fails. */
int seal_wrap(struct seal *seal, const char *label, const unsigned char *clear, size_t length,
              unsigned char *sealed);

/* Returns 0 with *clear_length, or -1, with nothing left in clear, when the value was not sealed
 * here under this label or holds more than clear_max bytes. */
int seal_unwrap(struct seal *seal, const char *label, const unsigned char *sealed, size_t length,
                unsigned char *clear, size_t clear_max, size_t *clear_length);

#endif
