/* What is said to a sentinel, which knows where a master is. */
#ifndef STORE_REDIS_SENTINEL_H
#define STORE_REDIS_SENTINEL_H

#include "store/redis/connection.h"

struct redisReply;

/* The question where this master is; as redis_command_create. */
struct redis_command *redis_sentinel_question(const char *master);

/* Returns 0 with the place, or -1 when the reply is none. */
int redis_sentinel_read(struct redis_place *place, const struct redisReply *reply);

#endif
