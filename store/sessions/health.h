/*
 * Private to sessions in Redis: whether it serves them, which is more than to be connected.
 *
 *     session_health_start(&health, link, &watch)
 *     session_health_refused(&health, reply->str)       from a command about a session
 *     session_health_stop(&health)
 *
 * Each time that Redis is connected a session is saved, loaded and deleted for real; only then the
 * watch hears "up". A refusal, here or of anybody's session, is "down" with Redis's words, and what
 * was refused is tried again each second until it works.
 */
#ifndef STORE_SESSIONS_HEALTH_H
#define STORE_SESSIONS_HEALTH_H

#include "store/redis/probe.h"

struct event;

struct session_health {
    struct redis_probe probe;
    struct store_watch watch;
    struct event *retry;
    struct redis_health found;
    bool serves;
    char told[ERROR_MAX];
};

/* In place, and it stays there. Returns 0, or -1 without memory; session_health_stop is due in both
 * cases. */
int session_health_start(struct session_health *health, struct redis_link *link,
                         const struct store_watch *watch);
void session_health_stop(struct session_health *health);
void session_health_refused(struct session_health *health, const char *error);

#endif
