/* What a reply of Redis says about the server behind it. */
#ifndef STORE_REDIS_REPLY_H
#define STORE_REDIS_REPLY_H

struct redisReply;

enum redis_trouble {
    REDIS_FINE,
    REDIS_ELSEWHERE, /* another server than this one is the master now, or this one is loading */
    REDIS_UNKNOWN_SCRIPT,
};

/* Of an error that concerns all commands, or a script; errors of one command are fine. */
enum redis_trouble redis_reply_trouble(const struct redisReply *reply);

#endif
