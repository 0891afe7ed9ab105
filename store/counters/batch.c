/* Buckets of time, as every backend reads them. */
#include "store/counters/backend.h"

unsigned counters_width(unsigned life_minutes)
{
    const unsigned most = COUNTERS_BUCKETS - COUNTERS_BUCKETS_AHEAD - 4;

    return (life_minutes + most - 1) / most;
}

/* What moved in a minute can live until the end of the minute that is life_minutes later. */
struct counters_window counters_window(const struct counters *counters, int64_t now_s)
{
    const int64_t width = counters->width;
    const int64_t minute = now_s / 60;

    return (struct counters_window){(minute - counters->settings.life_minutes) / width,
                                    minute / width + COUNTERS_BUCKETS_AHEAD};
}

struct counters_bucket *counters_bucket_at(struct counters_bucket buckets[COUNTERS_BUCKETS],
                                           int64_t number)
{
    struct counters_bucket *bucket = &buckets[number % COUNTERS_BUCKETS];

    if (bucket->number > number)
        return NULL;
    if (bucket->number < number)
        *bucket = (struct counters_bucket){.number = number};
    return bucket;
}
