/*
 * Private to the figures: what a link has gathered and not yet handed on, the memory that takes it
 * without Redis, and the scripts' arguments with it.
 *
 * Things that move are kept by the bucket of time in which they moved last: a bucket is `width`
 * minutes, chosen so that all that can hold a living thing are fewer than FIGURES_BUCKETS.
 */
#ifndef STORE_FIGURES_BATCH_H
#define STORE_FIGURES_BATCH_H

#include "store/figures.h"

#define FIGURES_BUCKETS 64
/* Buckets beyond the present one that are read, for clocks that are ahead of ours. */
#define FIGURES_BUCKETS_AHEAD 2

struct figures_bucket {
    int64_t number; /* of minute / width */
    int64_t here[FIGURES_PLACES_MAX];
};

struct figures_batch {
    bool empty;
    int64_t day; /* of the counts, when there are any */
    uint32_t counts[FIGURES_FIELDS_MAX];
    struct figures_bucket buckets[FIGURES_BUCKETS]; /* number n stands at n % FIGURES_BUCKETS */
};

/* The buckets that may hold living things at a time. */
struct figures_window {
    int64_t first, last;
};
unsigned figures_width(unsigned life_minutes);
struct figures_window figures_window(unsigned life_minutes, int64_t now_s);

/* The place of a bucket with this number: its own, or one that is taken from an older one. NULL
 * when a later one stands there. */
struct figures_bucket *figures_bucket_at(struct figures_bucket buckets[FIGURES_BUCKETS],
                                         int64_t number);

/* All links' counts, where there is no Redis. Any thread. */
struct figures_memory;
struct figures_memory *figures_memory_create(const struct figures_settings *settings);
void figures_memory_free(struct figures_memory *memory);
void figures_memory_take(struct figures_memory *memory, const struct figures_batch *batch);
void figures_memory_read(struct figures_memory *memory, struct figures_reading *reading,
                         int64_t now_s);

/* A link's connection to Redis. */
struct figures_redis;
struct redis_url;
/* confirmed is called, on the loop, when a batch that was sent has been counted. */
struct figures_redis *figures_redis_open(const struct figures_settings *settings,
                                         const struct redis_url *url, struct event_base *base,
                                         const struct store_watch *watch,
                                         void (*confirmed)(void *arg), void *arg,
                                         char error[STORE_ERROR_MAX]);
void figures_redis_close(struct figures_redis *redis);
/* Whether there is a connection. */
bool figures_redis_up(const struct figures_redis *redis);
/* Sends a batch (NULL: only the sign of life) unless one is under way. */
void figures_redis_send(struct figures_redis *redis, const struct figures_batch *batch,
                        uint64_t sequence);
enum store_status figures_redis_read(struct figures_redis *redis, struct figures_reading *reading,
                                     int64_t now_s);

#endif
