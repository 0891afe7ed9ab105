/* What is near answers, for who has a key and no hasher. */
#ifndef TEST_NEAR_BY_KEY_H
#define TEST_NEAR_BY_KEY_H

#include "flow/flow.h"
#include "uic/hasher.h"

/* Near by a key that is used once. */
static inline int near_by_key(const struct flow *flow, const struct uic_text *answers,
                              const struct uic_text *read, const void *key, size_t length,
                              unsigned char near[FLOW_NEAR_SIZE])
{
    struct uic_hasher *hasher = uic_hasher_create(key, length);
    const int result = hasher != NULL ? flow_near(flow, answers, read, hasher, near) : -1;

    uic_hasher_free(hasher);
    return result;
}

#endif
