/*
 * What was written counts only when so many replicas of Redis have it too, lest a failover loses it:
 * one WAIT at a time, for all that a link wrote before.
 *
 *     redis_replicas_join(&replicas, link, &(struct redis_replicas_settings){1, 700, on_told, arg});
 *     redis_replicas_await(&replicas, &ticket);     a write on that link was answered
 *     redis_replicas_leave(&replicas);
 *
 * While Redis waits it carries out nothing else on that link.
 */
#ifndef STORE_REDIS_REPLICAS_H
#define STORE_REDIS_REPLICAS_H

#include "store/redis/link.h"

struct event;

struct redis_replicas_settings {
    unsigned wanted;  /* at least 1 */
    unsigned wait_ms; /* less than a command's deadline on that link */
    /* So many writes are with them; or are not, and why, in Redis's words where it refused to wait.
     * Told before their tickets are finished, and not when the connection was lost. */
    void (*told)(void *arg, size_t writes, const char *why_not);
    void *arg;
};

/* Embedded in a store; zero: on no link, and not to be asked. */
struct redis_replicas {
    struct redis_replicas_settings settings;
    struct redis_lane lane;
    struct event *due;
    struct store_ticket *waiting;
    size_t count; /* of those waiting */
};

/* In place, and it stays there. Returns 0, or -1 without memory; redis_replicas_leave is due in both
 * cases. */
int redis_replicas_join(struct redis_replicas *replicas, struct redis_link *link,
                        const struct redis_replicas_settings *settings);
/* Tickets that wait finish with STORE_DOWN, from here. */
void redis_replicas_leave(struct redis_replicas *replicas);

/* Of a write whose answer, on this link, is being handled: its ticket is done later, STORE_OK;
 * STORE_UNREPLICATED when too few replicas had it within wait_ms, or Redis refused to wait; or
 * STORE_DOWN when there was no answer. */
void redis_replicas_await(struct redis_replicas *replicas, struct store_ticket *ticket);

#endif
