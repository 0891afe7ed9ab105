/*
 * A link: Redis as the stores of one thread have it together. It is connected, or tries to be, with
 * a pause that doubles, with jitter; it pipelines their commands, and gives Redis the scripts that
 * it does not know.
 *
 *     struct redis_link *link = redis_link_open(base, &url, deadline_ms, error);
 *     redis_lane_join(&lane, link, 4096, &watch);
 *     redis_lane_send(&lane, 2, (const char *[]){"GET", "key"}, lengths, on_reply, arg);
 *     redis_lane_run(&lane, &save_script, 1, 3, argv, lengths, on_reply, arg);
 *     redis_lane_leave(&lane);
 *     redis_link_close(link);
 *
 * Writing to a connection that is gone raises SIGPIPE: the program ignores that signal.
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis/script.h"
#include "store/redis/url.h"
#include "store/ticket.h"
#include <stddef.h>
#include <sys/queue.h>

struct event_base;
struct redisReply;
struct redis_link;

/* Begins to connect once the loop runs. url outlives the link; deadline_ms is for one command, and
 * for an attempt to connect. Returns NULL with error. */
struct redis_link *redis_link_open(struct event_base *base, const struct redis_url *url,
                                   unsigned deadline_ms, char error[ERROR_MAX]);
/* Lanes that are still on it leave it. Not to be called from a callback of this link. */
void redis_link_close(struct redis_link *link);

/* The base on whose loop it is. */
struct event_base *redis_link_base(const struct redis_link *link);
/* Which Redis it is, and what about it, which may be anything that a server said: one line. */
void redis_link_describe(const struct redis_link *link, const char *what, char line[ERROR_MAX]);

/* Whether this still is the master is in doubt: the sentinels are asked again, and the lanes told
 * what comes of it. Commands under way end without a reply, from here. Returns false, and does
 * nothing, where there are no sentinels or the link is not up. */
bool redis_link_doubt(struct redis_link *link);

/* Whether it is down because this Redis belongs to another salt or flow (see url->mark). */
bool redis_link_foreign(const struct redis_link *link);

/* One store's share of a link; embedded in the store. */
struct redis_lane {
    struct redis_link *link; /* NULL: on none, and as if Redis were away */
    unsigned in_flight_max;  /* commands under way at once */
    unsigned in_flight;
    struct store_watch watch;
    TAILQ_ENTRY(redis_lane) next;
};

/* The watch (NULL: none) is told of each change between up and down from now on, and of each new
 * reason for either; in it no lane joins or leaves. */
void redis_lane_join(struct redis_lane *lane, struct redis_link *link, unsigned in_flight_max,
                     const struct store_watch *watch);
/* The lane's commands under way get their callback, with NULL, from here. */
void redis_lane_leave(struct redis_lane *lane);
bool redis_lane_up(const struct redis_lane *lane);

/*
 * Sends a command; its arguments are copied, and texts where lengths is NULL. Returns STORE_LATER,
 * and then callback (NULL: none) is called once, on the loop: with the reply, which may be Redis's
 * error and lives during the call, or with NULL when the connection was lost or the deadline passed
 * (the command may have been carried out). Returns STORE_DOWN or STORE_FULL, and callback is not
 * called, when there is no connection or too much under way.
 */
enum store_status redis_lane_send(struct redis_lane *lane, int argc, const char *const *argv,
                                  const size_t *lengths,
                                  void (*callback)(const struct redisReply *reply, void *arg),
                                  void *arg);
/* The same for a script: argv is its keys, of which there are key_count, then its arguments. */
enum store_status redis_lane_run(struct redis_lane *lane, const struct redis_script *script,
                                 unsigned key_count, int argc, const char *const *argv,
                                 const size_t *lengths,
                                 void (*callback)(const struct redisReply *reply, void *arg),
                                 void *arg);

#endif
