/*
 * Private to the counters: what all threads have together, what a link has gathered and not yet
 * handed on, and to whom it is: to the memory of the process, or to Redis.
 *
 * Things that move are kept by the bucket of time in which they moved last: a bucket is `width`
 * minutes, chosen so that all that can hold a living thing are fewer than COUNTERS_BUCKETS.
 */
#ifndef STORE_COUNTERS_BACKEND_H
#define STORE_COUNTERS_BACKEND_H

#include "store/counters.h"
#include "store/redis/link.h"

#include <pthread.h>

#define COUNTERS_BUCKETS 64
/* Buckets beyond the present one that are read, for clocks that are ahead of ours. */
#define COUNTERS_BUCKETS_AHEAD 2
#define COUNTERS_LINK_BYTES 8

struct counters_bucket {
    int64_t number; /* of minute / width */
    int64_t here[COUNTERS_STEPS_MAX];
};

/* All zero: empty. */
struct counters_batch {
    bool filled;
    int64_t day; /* of the counts, when there are any */
    int64_t counts[COUNTERS_FIELDS_MAX];
    struct counters_bucket buckets[COUNTERS_BUCKETS]; /* number n stands at n % COUNTERS_BUCKETS */
};

struct counters_day {
    int64_t number;
    uint64_t counts[COUNTERS_FIELDS_MAX];
};

struct counters {
    struct counters_settings settings;
    unsigned width;
    /* All links' counts, where there is no Redis: */
    pthread_mutex_t lock;
    struct counters_day days[COUNTERS_DAYS_MAX]; /* number n stands at n % COUNTERS_DAYS_MAX */
    struct counters_bucket buckets[COUNTERS_BUCKETS];
};

struct counters_link {
    struct counters *counters;
    struct event *timer;
    int64_t day; /* today */
    struct counters_batch *filling, *sending;
    struct counters_batch batches[2];
    struct redis_lane lane; /* in memory on no link */
    bool unconfirmed;       /* sending was sent, or is to be */
    bool flushing;          /* it is under way */
    uint64_t sequence;
    char name[2 * COUNTERS_LINK_BYTES + 1];
};

/* The buckets that may hold living things at a time. */
struct counters_window {
    int64_t first, last;
};
unsigned counters_width(unsigned life_minutes);
struct counters_window counters_window(const struct counters *counters, int64_t now_s);

/* The slot of a bucket with this number: its own, or one that is taken from an older one. NULL
 * when a later one stands there. */
struct counters_bucket *counters_bucket_at(struct counters_bucket buckets[COUNTERS_BUCKETS],
                                           int64_t number);

/* Any thread. */
void counters_memory_take(struct counters *counters, const struct counters_batch *batch);
void counters_memory_read(struct counters *counters, struct counters_reading *reading,
                          int64_t now_s);

/* Sends the unconfirmed batch, or only the sign of life, unless one is under way. */
void counters_redis_send(struct counters_link *link);
enum store_status counters_redis_read(struct counters_link *link, struct counters_reading *reading,
                                      int64_t now_s);

#endif
