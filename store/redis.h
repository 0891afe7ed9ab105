/*
 * Redis, as everything on one thread shares it: two connections, so that what may wait holds up
 * nobody who is being answered.
 *
 *     struct redis_links links;
 *     redis_links_open(&links, base, &url, error);     in each thread; url NULL: there is no Redis
 *     session_attach(sessions, links.prompt, ...); outbox_attach(&settings, links.patient, ...);
 *     redis_links_close(&links);                       after what was attached was detached
 *
 * and, for the command line, one that blocks.
 */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "store/ticket.h"
#include <stdbool.h>

struct event_base;
struct redis_call;
struct redis_link;
struct redis_url;

/* Both are NULL without Redis. */
struct redis_links {
    /* For short commands that Redis answers at once; and, where sessions ask for replicas, for as
     * long as those need to have what was written. */
    struct redis_link *prompt;
    struct redis_link *patient; /* for those that may wait, or whose replies are long */
};

/* Begins to connect once the loop runs, and goes on trying. url outlives the links. Returns 0, or
 * -1 with error; redis_links_close is due in both cases. */
int redis_links_open(struct redis_links *links, struct event_base *base,
                     const struct redis_url *url, char error[ERROR_MAX]);
void redis_links_close(struct redis_links *links);

/* Connects, waiting at most deadline_ms, which is also for each command. Returns NULL with error
 * when the URL is wrong or Redis cannot be reached. */
struct redis_call *redis_call_open(const char *url, unsigned deadline_ms, char error[ERROR_MAX]);
void redis_call_close(struct redis_call *call);
/* Its link, for a store to attach to, and a turn of its loop, which may wait for an event. Returns
 * whether there was something to wait for. */
struct redis_link *redis_call_link(struct redis_call *call);
bool redis_call_turn(struct redis_call *call);

#endif
