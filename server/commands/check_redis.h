/* For `check`: Redis, tried for real. */
#ifndef SERVER_COMMANDS_CHECK_REDIS_H
#define SERVER_COMMANDS_CHECK_REDIS_H

struct setup;

/* Prints what is found about the Redis of REDIS_URL. Returns 0, or -1 when something is bad. */
int check_redis(const struct setup *setup);

#endif
