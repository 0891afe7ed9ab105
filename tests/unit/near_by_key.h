/* What is near answers, for who has a key and no hasher. */
#ifndef TEST_NEAR_BY_KEY_H
#define TEST_NEAR_BY_KEY_H

#include "flow/flow.h"
#include "uic/keyed_number.h"

/* Near by a key that is used once. */
static inline int near_by_key(const struct flow *flow, const struct uic_text *answers,
                              const struct uic_text *read, const void *key,
                              unsigned char near[FLOW_NEAR_SIZE])
{
    struct keyed_number *keyed = keyed_number_create(key);
    const int result = keyed != NULL ? flow_near(flow, answers, read, keyed, near) : -1;

    keyed_number_free(keyed);
    return result;
}

#endif
