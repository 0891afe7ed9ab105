/* For `check`: Redis, tried for real. */
#ifndef SERVER_COMMANDS_CHECK_REDIS_H
#define SERVER_COMMANDS_CHECK_REDIS_H

#include <stdint.h>

struct setup;

/* Prints what is found about the Redis of REDIS_URL. Returns 0, or -1 when something is bad;
 * *clock_s is what time it is there, 0 where it does not say. */
int check_redis(const struct setup *setup, int64_t *clock_s);

#endif
