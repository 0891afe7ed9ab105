/* Doubling, and dice. */
#include "store/base/backoff.h"

#include <event2/util.h>

/* From low to high, both included. */
static int64_t random_between(int64_t low, int64_t high)
{
    uint32_t random;

    evutil_secure_rng_get_bytes(&random, sizeof random);
    return low + (int64_t)random % (high - low + 1);
}

int64_t backoff_ms(unsigned failures, int64_t first_ms, int64_t max_ms)
{
    int64_t pause = first_ms;

    for (; failures > 1 && pause < max_ms; failures--)
        pause *= 2;
    if (pause > max_ms)
        pause = max_ms;
    return random_between(pause / 2, pause);
}

int64_t backoff_jitter_ms(int64_t ms)
{
    return random_between(ms, ms + ms / 4);
}
