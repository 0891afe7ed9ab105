/*
 * Private to sessions in Redis: what Redis's clock says, which all instances share, as no instance
 * believes its own. Asked for whenever Redis is connected, and every few seconds.
 */
#ifndef STORE_SESSIONS_CLOCK_H
#define STORE_SESSIONS_CLOCK_H

#include "store/redis/link.h"
#include <stdbool.h>
#include <stdint.h>

struct event;
struct redisReply;

struct session_clock {
    struct redis_lane lane;
    struct event *timer;
    bool known;
    int64_t ahead_ms; /* of our monotonic clock */
};

/* In place, and it stays there. Returns 0, or -1 without memory; session_clock_stop is due in both
 * cases. */
int session_clock_start(struct session_clock *clock, struct redis_link *link);
void session_clock_stop(struct session_clock *clock);

/* Takes the reply to TIME; one that says nothing leaves the clock unknown. */
void session_clock_set(struct session_clock *clock, const struct redisReply *reply);
/* Seconds since 1970; 0: not known. */
int64_t session_clock_now_s(const struct session_clock *clock);

#endif
