/*
 * Redis commands that block, each until its reply or the deadline: for the command line.
 *
 *     struct redis_call *call = redis_call_open(url, deadline_ms, error);
 *     redis_call(call, argc, argv, lengths, on_reply, arg, error);
 *     redis_call_close(call);
 */
#ifndef STORE_REDIS_CALL_H
#define STORE_REDIS_CALL_H

#include "store/redis.h"
#include "store/redis/script.h"

struct redisReply;

/* Hands the reply, which is no error of Redis's, to on_reply (which may be NULL). Returns 0, or -1
 * with error. */
int redis_call(struct redis_call *call, int argc, const char *const *argv, const size_t *lengths,
               void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
               char error[ERROR_MAX]);
/* The same for a script with one key, whose reply is for nobody. */
int redis_call_run(struct redis_call *call, const struct redis_script *script, int argc,
                   const char *const *argv, const size_t *lengths, char error[ERROR_MAX]);

#endif
