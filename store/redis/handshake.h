/*
 * What is said on each new connection before it counts as up: who we are, which database, whether
 * this is a master, and of our salt; each after the one before was accepted.
 */
#ifndef STORE_REDIS_HANDSHAKE_H
#define STORE_REDIS_HANDSHAKE_H

#include "store/redis/command.h"
#include "store/redis/url.h"

struct redisReply;

struct redis_handshake {
    const struct redis_url *url;
    const char *master; /* a sentinel is asked last where it is; NULL: this is no sentinel */
    bool foreign;       /* the Redis belongs to another mark */
    size_t step;        /* 0 before the first command */
    struct redis_words words;
    const char *argv[3];
    char db[16];
};

/* Fills in the next command. Returns false when there is none: all is said. */
bool redis_handshake_next(struct redis_handshake *handshake);

/* Whether the reply to the last command lets us go on; if not, why. */
bool redis_handshake_accepts(struct redis_handshake *handshake, const struct redisReply *reply,
                             char why[ERROR_MAX]);

#endif
