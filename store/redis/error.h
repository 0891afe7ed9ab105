/* What Redis's errors say. */
#ifndef STORE_REDIS_ERROR_H
#define STORE_REDIS_ERROR_H

#include "store/health.h"

struct redisReply;

/* Of a WAIT that was answered in vain. */
#define REDIS_TOO_FEW "too few replicas in time"

/* Whether a reply is the error of this code, its first word. */
bool redis_error_is(const struct redisReply *reply, const char *code);

/* Whether another server than this one is the master now, or this one is loading: then all commands
 * fail. */
bool redis_error_is_elsewhere(const struct redisReply *reply);

/* Why a command was refused. */
enum redis_refusal redis_error_refusal(const char *error);

/* An error's words without the arguments that it may repeat and the place in a script, and what
 * stands for whom before them. */
void redis_error_write(char words[ERROR_MAX], const char *what, const char *error);

/* Notes why what was asked for was not answered as it should be. Returns whether that is news. */
bool redis_error_note(char told[ERROR_MAX], const char *what, const struct redisReply *reply);

#endif
