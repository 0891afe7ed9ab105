/*
 * One connection to one Redis, on one event loop: it looks the name up, connects, says who it is,
 * and carries commands until it ends. Whoever has it begins each attempt.
 *
 *     struct redis_connection *connection = redis_connection_create(&settings, error);
 *     redis_connection_start(connection, &url, NULL, &endpoint, 0);   up or down is told
 *     redis_connection_send(connection, &words, done, owner);
 *     redis_connection_stop(connection);                           for another start
 *     redis_connection_free(connection);                           not from a callback of this one
 */
#ifndef STORE_REDIS_CONNECTION_H
#define STORE_REDIS_CONNECTION_H

#include "store/redis/command.h"
#include "store/redis/url.h"

struct event_base;
struct redis_connection;

struct redis_endpoint {
    char host[REDIS_HOST_MAX];
    unsigned port;
};

struct redis_connection_settings {
    struct event_base *base;
    bool tls;
    unsigned deadline_ms; /* for one command, and for an attempt to connect */
    /* After the handshake, with its last reply, which lives during the call. */
    void (*up)(void *arg, const struct redisReply *reply);
    /* The attempt, or the connection, came to its end; the commands under way end after this. */
    void (*down)(void *arg, const char *why);
    void *arg;
};

/* Returns NULL with error. */
struct redis_connection *redis_connection_create(const struct redis_connection_settings *settings,
                                                 char error[ERROR_MAX]);
/* Commands under way end without a reply, from here; down is not called. */
void redis_connection_free(struct redis_connection *connection);

/* Begins an attempt, when there is none and no connection. The url is for handshake and path; it
 * and the master (see the handshake) outlive the connection; the endpoint is not used with a path.
 * Of several addresses the turn-th is tried first, lest one that swallows packets hide the others.
 */
void redis_connection_start(struct redis_connection *connection, const struct redis_url *url,
                            const char *master, const struct redis_endpoint *endpoint,
                            unsigned turn);
/* As redis_connection_free, but another attempt may begin; also from `up` and a command's `done`.
 */
void redis_connection_stop(struct redis_connection *connection);

/* Whether the last attempt ended because the Redis belongs to another mark than url->mark. */
bool redis_connection_foreign(const struct redis_connection *connection);

/* Only while it is up. Returns the command on its way, or NULL when it cannot be sent; `done`,
 * which owns it from then on, comes later. */
struct redis_command *
redis_connection_send(struct redis_connection *connection, const struct redis_words *words,
                      void (*done)(struct redis_command *command, const struct redisReply *reply),
                      void *owner);
/* The same for a command that is done. Returns 0, or -1 when it cannot be sent. */
int redis_connection_resend(struct redis_connection *connection, struct redis_command *command);

/* The oldest command under way; the others follow by `next`. */
struct redis_command *redis_connection_first(struct redis_connection *connection);

#endif
