/*
 * Sealing: AES-256-GCM, bound to a label (the name under which the value is kept), so that a value
 * copied to another name does not open.
 *
 *     sealed value = version byte, key (4), time (4), nonce (12), ciphertext, tag (16)
 *
 * The key is named by 20 bits that tell the salt and 12 that tell which of its subkeys. The time is
 * seconds since 1970; 0: not told. Whatever stands before the ciphertext is authenticated too, and
 * the nonce is random, so that the first SEAL_HEAD_SIZE bytes differ with every sealing. Numbers
 * are big-endian.
 *
 *     struct seal_keys *keys = seal_keys_create(key);      once for the process
 *     struct seal *seal = seal_create(keys);               in each thread
 *     seal_wrap(seal, &(struct seal_terms){label, SEAL_ANY_SUBKEY, now_s}, clear, length, sealed);
 *     seal_unwrap(seal, label, sealed, length, clear, clear_max, &opened);
 *     seal_free(seal); seal_keys_free(keys);
 */
#ifndef STORE_BASE_SEAL_H
#define STORE_BASE_SEAL_H

#include "store/base/seal_keys.h"

#include <stddef.h>

#define SEAL_HEAD_SIZE 21
#define SEAL_TAG_SIZE 16
#define SEAL_OVERHEAD (SEAL_HEAD_SIZE + SEAL_TAG_SIZE)
#define SEAL_LABEL_MAX 48

/* One is drawn for each value. */
#define SEAL_ANY_SUBKEY SEAL_SUBKEYS

/* Belongs to one thread. */
struct seal;

/* The keys are borrowed. Returns NULL when the cryptographic library fails. */
struct seal *seal_create(const struct seal_keys *keys);
void seal_free(struct seal *seal);

struct seal_terms {
    const char *label; /* SEAL_LABEL_MAX characters at most */
    unsigned subkey;   /* by the first 12 bits of the label's own part, or any */
    int64_t time_s;    /* told in front of the value; 0: none */
};

/* Writes length + SEAL_OVERHEAD bytes to sealed. Returns 0, or -1 when the library fails. */
int seal_wrap(struct seal *seal, const struct seal_terms *terms, const unsigned char *clear,
              size_t length, unsigned char *sealed);

struct seal_opened {
    size_t length;
    int64_t time_s; /* 0: not told */
};

/* Sealed under another salt, or by a later program: nothing is known of what it holds. */
#define SEAL_OTHER_KEY (-2)

/* Opens it, also what the program sealed before it had subkeys. Returns 0; SEAL_OTHER_KEY; or -1
 * when the value was not sealed under this label, is damaged, or holds more than clear_max bytes.
 * After a failure nothing is left in clear. */
int seal_unwrap(struct seal *seal, const char *label, const unsigned char *sealed, size_t length,
                unsigned char *clear, size_t clear_max, struct seal_opened *opened);

#endif
