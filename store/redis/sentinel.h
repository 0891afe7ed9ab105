/*
 * Asks sentinels where a master is, one after the other until one knows: each over a connection of
 * its own and with its own deadlines.
 */
#ifndef STORE_REDIS_SENTINEL_H
#define STORE_REDIS_SENTINEL_H

#include "store/redis/url.h"

struct event_base;
struct redis_place;
struct redis_question;

/* Begins with the sentinel number first, counted round. done is called once, on the loop, and frees
 * the question: with the place, or with NULL and why the last sentinel did not tell it; both live
 * during the call. url outlives the question. Returns NULL when memory is out. */
struct redis_question *redis_sentinel_ask(
    struct event_base *base, const struct redis_url *url, unsigned first, unsigned deadline_ms,
    void (*done)(const struct redis_place *place, const char *why, void *arg), void *arg);
/* done is not called any more. */
void redis_sentinel_cancel(struct redis_question *question);

#endif
