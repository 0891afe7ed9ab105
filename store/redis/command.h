/*
 * A command as the bytes that Redis reads, so that it is written without the many small steps that
 * hiredis takes for each argument, and can be sent again.
 */
#ifndef STORE_REDIS_COMMAND_H
#define STORE_REDIS_COMMAND_H

#include "store/redis/script.h"
#include <stdint.h>
#include <sys/queue.h>

struct redisReply;
struct redis_lane;

/* Belongs to the connection until `done`. */
struct redis_command {
    TAILQ_ENTRY(redis_command) next; /* the connection's, as the deadline */
    int64_t deadline;
    /* The reply, which may be Redis's error and lives during the call, or NULL when there is none;
     * `owner` is for `done` alone. */
    void (*done)(struct redis_command *command, const struct redisReply *reply);
    void *owner;
    /* What the link keeps about it: */
    struct redis_lane *lane; /* NULL: nobody waits for the reply */
    void (*callback)(const struct redisReply *reply, void *arg);
    void *arg;
    const struct redis_script *script; /* to be loaded if Redis does not know it; NULL: none */
    size_t length;
    char bytes[];
};

/* What a command says. `script` NULL: argv is all of it. Else EVALSHA, and argv is the keys, of
 * which there are key_count, and then the arguments. `lengths` NULL: all are texts. */
struct redis_words {
    const struct redis_script *script;
    unsigned key_count;
    int argc;
    const char *const *argv;
    const size_t *lengths;
};

/* Copies the words; all else is zero. Returns NULL when memory is out; free() is due. */
struct redis_command *redis_command_create(const struct redis_words *words);

#endif
