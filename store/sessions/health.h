/*
 * Private to sessions in Redis: whether it serves them, which is more than to be connected.
 *
 *     session_health_start(&health, link, &replicas, &watch)
 *     session_health_refused(&health, reply->str)       from a command about a session
 *     session_health_stop(&health)
 *
 * Each time that Redis is connected a session is saved, loaded and deleted for real, with as many
 * replicas as sessions ask for; only then the watch hears "up". A refusal, here or of anybody's
 * session, is "down" with Redis's words, and what was refused is tried again each second until it
 * works; where replicas are missing the sentinels are asked first, since a master that a failover
 * has left has none.
 */
#ifndef STORE_SESSIONS_HEALTH_H
#define STORE_SESSIONS_HEALTH_H

#include "store/redis/probe.h"
#include "store/redis/replicas.h"

struct event;

struct session_health {
    struct redis_probe probe;
    struct store_watch watch;
    struct event *retry;
    struct redis_replicas *replicas;
    struct store_ticket replicated; /* what the probe wrote */
    bool waits;                     /* for that */
    struct redis_health found;
    bool serves;
    char told[ERROR_MAX];
};

/* In place, and it stays there; replicas, on the same link and not to be asked where none are
 * wanted, outlives it. Returns 0, or -1 without memory; session_health_stop is due in both cases.
 */
int session_health_start(struct session_health *health, struct redis_link *link,
                         struct redis_replicas *replicas, const struct store_watch *watch);
void session_health_stop(struct session_health *health);
void session_health_refused(struct session_health *health, const char *error);

#endif
