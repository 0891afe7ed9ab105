/*
 * Private to the counters: what a link has gathered and not yet handed on, and to whom it is: to the
 * memory of the process, or to Redis.
 *
 * Things that move are kept by the bucket of time in which they moved last: a bucket is `width`
 * minutes, chosen so that all that can hold a living thing are fewer than COUNTERS_BUCKETS.
 */
#ifndef STORE_COUNTERS_BACKEND_H
#define STORE_COUNTERS_BACKEND_H

#include "store/counters.h"

#define COUNTERS_BUCKETS 64
/* Buckets beyond the present one that are read, for clocks that are ahead of ours. */
#define COUNTERS_BUCKETS_AHEAD 2

struct counters_bucket {
    int64_t number; /* of minute / width */
    int64_t here[COUNTERS_STEPS_MAX];
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

/* The slot of a bucket with this number: its own, or one that is taken from an older one. NULL
 * when a later one stands there. */
struct counters_bucket *counters_bucket_at(struct counters_bucket buckets[COUNTERS_BUCKETS],
                                           int64_t number);

/* All links' counts, where there is no Redis. Any thread. */
struct counters_memory;

/* Returns NULL when memory is out. */
struct counters_memory *counters_memory_create(const struct counters_settings *settings);
void counters_memory_free(struct counters_memory *memory);
void counters_memory_take(struct counters_memory *memory, const struct counters_batch *batch);
void counters_memory_read(struct counters_memory *memory, struct counters_reading *reading,
                          int64_t now_s);

/* A link's share of Redis. */
struct counters_redis;

/* confirmed is called, on the loop, when a batch that was sent has been counted. Returns NULL with
 * error. */
struct counters_redis *counters_redis_open(const struct counters_settings *settings,
                                           struct redis_link *link, const struct store_watch *watch,
                                           void (*confirmed)(void *arg), void *arg,
                                           char error[STORE_ERROR_MAX]);
void counters_redis_close(struct counters_redis *redis);
/* Whether there is a connection. */
bool counters_redis_up(const struct counters_redis *redis);
/* Sends a batch (NULL: only the sign of life) unless one is under way. */
void counters_redis_send(struct counters_redis *redis, const struct counters_batch *batch,
                         uint64_t sequence);
enum store_status counters_redis_read(struct counters_redis *redis,
                                      struct counters_reading *reading, int64_t now_s);

#endif
