/*
 * Begins, rests and ends a drain, and keeps its time: the tick of the leases, the looks for new
 * replies, the wait for a hand-out. Which partitions it holds is left to replies_leases.c, the way
 * of each reply to replies_walk.c.
 */
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/random_name.h"
#include "store/replies/drain_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct replies_drain_pace production_pace = {
    .tick_ms = 1000, .life_ms = 6000, .look_ms = 50};

/* Timers */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct replies_drain *drain = arg;

    (void)fd;
    (void)what;
    timer_set(drain->tick, backoff_jitter_ms(drain->pace.tick_ms));
    leases_check(drain);
    replies_drain_remove_again(drain);
    leases_ask(drain);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    replies_drain_look(arg);
}

static void on_pour(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    replies_drain_hand_out(arg);
}

static void on_rested(void *arg)
{
    replies_drain_hand_out(arg);
}

/* Life */

struct replies_drain *replies_drain_start(struct replies_link *link, struct event_base *base,
                                          const struct replies_sender *sender,
                                          const struct replies_watch *watch)
{
    struct replies_drain *drain = calloc(1, sizeof(*drain));

    if (drain == NULL)
        return NULL;
    drain->link = link;
    drain->sender = *sender;
    if (watch != NULL)
        drain->watch = *watch;
    drain->pace = production_pace;
    STAILQ_INIT(&drain->to_remove);
    drain->people = people_create(base, on_rested, drain);
    drain->tick = evtimer_new(base, on_tick, drain);
    drain->look = evtimer_new(base, on_look, drain);
    drain->pour = evtimer_new(base, on_pour, drain);
    if (drain->people == NULL || drain->tick == NULL || drain->look == NULL ||
        drain->pour == NULL || random_name(drain->owner, sizeof drain->owner) < 0) {
        replies_drain_free(drain);
        return NULL;
    }
    drain->tokens_at = clock_monotonic_ms();
    timer_set(drain->tick, 0);
    return drain;
}

void replies_drain_set_pace(struct replies_drain *drain, const struct replies_drain_pace *pace)
{
    drain->pace = *pace;
    timer_set(drain->tick, 0);
}

void replies_drain_trouble(struct replies_drain *drain, const char *why)
{
    if (strcmp(why, drain->told) == 0)
        return;
    snprintf(drain->told, sizeof(drain->told), "%s", why);
    if (drain->watch.trouble != NULL)
        drain->watch.trouble(drain->watch.arg, why);
}

void replies_drain_wake(struct replies_drain *drain)
{
    if (!drain->stopped)
        event_active(drain->tick, EV_TIMEOUT, 0);
}

/* In memory nobody else sends what waits: so all goes on until nothing does. */
void replies_drain_rest(struct replies_drain *drain)
{
    if (!backend_of(drain)->lasting || drain->resting)
        return;
    drain->resting = true;
    leases_limit(drain, 0);
    event_active(drain->tick, EV_TIMEOUT, 0);
}

bool replies_drain_at_rest(const struct replies_drain *drain)
{
    if (drain->out > 0)
        return false;
    if (!backend_of(drain)->lasting) {
        for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
            if (drain->partitions[n].loaded > 0)
                return false;
        }
        return true;
    }
    return drain->told_to_rest || !backend_of(drain)->up(drain->link);
}

void replies_drain_stop(struct replies_drain *drain)
{
    drain->stopped = true;
    leases_drop(drain);
    event_del(drain->tick);
    event_del(drain->look);
    event_del(drain->pour);
}

void replies_drain_free(struct replies_drain *drain)
{
    struct replies_item *item;

    while ((item = STAILQ_FIRST(&drain->to_remove)) != NULL) {
        STAILQ_REMOVE_HEAD(&drain->to_remove, next);
        replies_item_free(item);
    }
    people_free(drain->people);
    if (drain->tick != NULL)
        event_free(drain->tick);
    if (drain->look != NULL)
        event_free(drain->look);
    if (drain->pour != NULL)
        event_free(drain->pour);
    free(drain);
}
