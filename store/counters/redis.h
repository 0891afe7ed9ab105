/* Private to the counters: a link's share of Redis. */
#ifndef STORE_COUNTERS_REDIS_H
#define STORE_COUNTERS_REDIS_H

#include "store/counters/batch.h"

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
