/* store/base/seal.h without sealing: what is kept stays in clear. Only so that the tests which look
 * for answers at rest can show that they would find one. */
#include "store/base/seal.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct seal {
    char unused;
};

struct seal *seal_create(const struct seal_keys *keys)
{
    (void)keys;
    return calloc(1, sizeof(struct seal));
}

void seal_free(struct seal *seal)
{
    free(seal);
}

int seal_wrap(struct seal *seal, const struct seal_terms *terms, const unsigned char *clear,
              size_t length, unsigned char *sealed)
{
    (void)seal;
    (void)terms;
    if (RAND_bytes(sealed, SEAL_HEAD_SIZE) != 1)
        return -1;
    memcpy(sealed + SEAL_HEAD_SIZE, clear, length);
    memset(sealed + SEAL_HEAD_SIZE + length, 0, SEAL_TAG_SIZE);
    return 0;
}

/* All are as if sealed just now. */
int seal_unwrap(struct seal *seal, const char *label, const unsigned char *sealed, size_t length,
                unsigned char *clear, size_t clear_max, struct seal_opened *opened)
{
    (void)seal;
    (void)label;
    if (length < SEAL_OVERHEAD || length - SEAL_OVERHEAD > clear_max)
        return -1;
    *opened = (struct seal_opened){length - SEAL_OVERHEAD, INT32_MAX};
    memcpy(clear, sealed + SEAL_HEAD_SIZE, opened->length);
    return 0;
}
