/*
 * One connection to Redis, on one event loop: it connects, says who it is, loads scripts, pipelines
 * commands, and comes back by itself after any failure.
 *
 *     struct redis_link *link = redis_link_open(base, &settings, error);
 *     redis_link_command(link, 2, (const char *[]){"GET", "key"}, lengths, on_reply, arg);
 *     redis_link_close(link);
 *
 * Writing to a connection that is gone raises SIGPIPE: the program ignores that signal.
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis/url.h"
#include "store/ticket.h"
#include <stddef.h>

struct event_base;
struct redisReply;
struct redis_link;

struct redis_script {
    const char *text;
    size_t length;
};

struct redis_link_settings {
    const struct redis_url *url;        /* outlives the link, as scripts do */
    const struct redis_script *scripts; /* loaded on each connection */
    size_t script_count;
    unsigned deadline_ms;   /* for one command, and for an attempt to connect */
    unsigned in_flight_max; /* commands under way */
    struct store_watch watch;
};

/* Begins to connect once the loop runs. The watch is told of each change between up and down, and
 * of each new reason for staying down. Returns NULL with error. */
struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_settings *settings,
                                   char error[STORE_ERROR_MAX]);
/* Commands under way get their callback, with NULL, from here; the watch is not called. Not to be
 * called from a callback of this link. */
void redis_link_close(struct redis_link *link);
bool redis_link_up(const struct redis_link *link);

/*
 * Sends a command; its arguments are copied. Returns STORE_LATER, and then callback is called once,
 * on the loop: with the reply, which may be Redis's error and lives during the call, or with NULL
 * when the connection was lost or the deadline passed (the command may have been carried out).
 * Returns STORE_DOWN or STORE_FULL, and callback is not called, when there is no connection or too
 * much under way.
 */
enum store_status redis_link_command(struct redis_link *link, int argc, const char *const *argv,
                                     const size_t *argvlen,
                                     void (*callback)(const struct redisReply *reply, void *arg),
                                     void *arg);

#endif
