/*
 * Private to the counters: what a link has gathered and not yet handed on.
 *
 * Things that move are kept by the bucket of time in which they moved last: a bucket is `width`
 * minutes, chosen so that all that can hold a living thing are fewer than COUNTERS_BUCKETS.
 */
#ifndef STORE_COUNTERS_BATCH_H
#define STORE_COUNTERS_BATCH_H

#include "store/counters.h"

#define COUNTERS_BUCKETS 64
/* Buckets beyond the present one that are read, for clocks that are ahead of ours. */
#define COUNTERS_BUCKETS_AHEAD 2

struct counters_bucket {
    int64_t number; /* of minute / width */
    int64_t here[COUNTERS_PLACES_MAX];
};

struct counters_batch {
    bool empty;
    int64_t day; /* of the counts, when there are any */
    int64_t counts[COUNTERS_FIELDS_MAX];
    struct counters_bucket buckets[COUNTERS_BUCKETS]; /* number n stands at n % COUNTERS_BUCKETS */
};

void counters_batch_clear(struct counters_batch *batch);

/* The buckets that may hold living things at a time. */
struct counters_window {
    int64_t first, last;
};
unsigned counters_width(unsigned life_minutes);
struct counters_window counters_window(unsigned life_minutes, int64_t now_s);

/* The place of a bucket with this number: its own, or one that is taken from an older one. NULL
 * when a later one stands there. */
struct counters_bucket *counters_bucket_at(struct counters_bucket buckets[COUNTERS_BUCKETS],
                                           int64_t number);

#endif
