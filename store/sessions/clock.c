/* TIME on the sessions' own link. */
#include "store/sessions/clock.h"
#include "store/base/clock.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

/* Clocks that are set drift no further in it than a session's life can bear. */
static const struct timeval ask_every = {5, 0};

void session_clock_set(struct session_clock *clock, const struct redisReply *reply)
{
    clock->known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                   reply->element[0]->type == REDIS_REPLY_STRING;
    if (clock->known)
        clock->ahead_ms = strtoll(reply->element[0]->str, NULL, 10) * 1000 - clock_monotonic_ms();
}

int64_t session_clock_now_s(const struct session_clock *clock)
{
    return clock->known ? (clock_monotonic_ms() + clock->ahead_ms) / 1000 : 0;
}

static void on_time(const struct redisReply *reply, void *arg)
{
    if (reply != NULL)
        session_clock_set(arg, reply);
}

static void clock_ask(struct session_clock *clock)
{
    static const char *const argv[] = {"TIME"};

    (void)redis_lane_send(&clock->lane, 1, argv, NULL, on_time, clock);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    clock_ask(arg);
}

/* Another Redis may have another clock. */
static void on_link(void *arg, bool up, const char *line)
{
    struct session_clock *clock = arg;

    (void)line;
    clock->known = false;
    if (up)
        clock_ask(clock);
}

int session_clock_start(struct session_clock *clock, struct redis_link *link)
{
    *clock = (struct session_clock){0};
    redis_lane_join(&clock->lane, link, 2, &(struct store_watch){on_link, clock});
    clock->timer = event_new(redis_link_base(link), -1, EV_PERSIST, on_timer, clock);
    if (clock->timer == NULL)
        return -1;
    clock_ask(clock);
    return event_add(clock->timer, &ask_every);
}

void session_clock_stop(struct session_clock *clock)
{
    redis_lane_leave(&clock->lane);
    if (clock->timer != NULL)
        event_free(clock->timer);
}
