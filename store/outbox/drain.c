/*
 * Empties the outbox, one batch at a time:
 *
 *     RESTING --on_timer: look--> LOOKING --on_taken, nothing to write--> RESTING
 *                                  ^   |
 *                                  |   | on_taken: outbox_batch_start
 *                                  |   v
 *                                  |  WRITING --batch_settle, all stay: pause--> RESTING
 *                                  |   |
 *                                  |   | batch_settle, when the last claim is finished
 *                                  |   v
 *               on_settled: look --+- SETTLING --on_settled, some stay--> RESTING
 *
 * An entry stays in the stream, pending for its consumer, until it is settled: so it is written
 * again by whoever takes it over, and the claim's event id lets it count once. Its own pending
 * entries come first, then those of dead consumers, then new ones (take.lua). Each salt has a group
 * of its own: what another salt sealed is passed over once, and stays in the stream.
 *
 * WRITING and SETTLING are a batch's (batch.h).
 *
 * Invariant: the timer is pending in RESTING only.
 */
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/random_name.h"
#include "store/outbox/batch.h"
#include "store/redis/error.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>

extern const struct redis_script outbox_take_script, outbox_forget_script;

static const struct outbox_pace production_pace = {
    .look_ms = 1000,
    .dead_ms = 20 * 1000,
    .forget_ms = 60 * 60 * 1000,
    .pause_ms = 250,
    .pause_max_ms = 10 * 1000,
};

void outbox_drain_rest(struct outbox_link *link)
{
    const int64_t delay = backoff_jitter_ms(link->pace.look_ms);
    const int64_t left = link->resume_at - clock_monotonic_ms();
    const struct timeval wait = clock_timeval(left > 0 && left < delay ? left : delay);

    event_add(link->timer, &wait);
}

/* Looking */

static void length_tell(struct outbox_link *link, uint64_t length, int64_t age_ms)
{
    if (length == 0 && link->length == 0)
        return;
    link->length = length;
    link->watch.length(link->watch.arg, length, age_ms);
}

/* redis_ms: its time. */
static void look_tell(struct outbox_link *link, long long redis_ms, long long length,
                      long long age_ms)
{
    link->told[0] = '\0';
    emptiness_note(&link->empty, redis_ms, length == 0);
    length_tell(link, (uint64_t)length, age_ms);
}

/* Told when it changes; a negative number says nothing. */
static void foreign_tell(struct outbox_link *link, long long entries)
{
    if (entries < 0 || link->foreign == (uint64_t)entries)
        return;
    link->foreign = (uint64_t)entries;
    link->watch.foreign(link->watch.arg, link->foreign);
}

static void on_taken(const struct redisReply *reply, void *arg)
{
    struct outbox_link *link = arg;
    const bool read = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 4 &&
                      reply->elements % 2 == 0;

    if (read) {
        look_tell(link, reply->element[0]->integer, reply->element[1]->integer,
                  reply->element[2]->integer);
        foreign_tell(link, reply->element[3]->integer);
    } else if (reply != NULL && redis_error_note(link->told, "the outbox cannot be read", reply)) {
        link->watch.refused(link->watch.arg, link->told);
    }
    if (read && reply->elements > 4)
        outbox_batch_start(link, reply->element + 4, reply->elements / 2 - 2);
    else
        outbox_drain_rest(link);
}

static void forget_the_dead(struct outbox_link *link)
{
    char forget[16];
    const char *argv[] = {OUTBOX_STREAM, link->group, forget};

    snprintf(forget, sizeof forget, "%u", link->pace.forget_ms);
    if (redis_lane_run(&link->looks, &outbox_forget_script, 1, 3, argv, NULL, NULL, NULL) ==
        STORE_LATER)
        link->forget_at = clock_monotonic_ms() + backoff_jitter_ms(link->pace.forget_ms / 10);
}

/* How many entries to take now. */
static unsigned appetite(struct outbox_link *link)
{
    bool up = link->settings.drain && record_link_up(link->records);

    if (up && !link->records_up) {
        link->failures = 0;
        link->resume_at = 0;
    }
    link->records_up = up;
    return up && clock_monotonic_ms() >= link->resume_at ? OUTBOX_BATCH_MAX : 0;
}

void outbox_drain_look(struct outbox_link *link)
{
    char count[16], dead[16], size[16];
    const char *argv[] = {
        OUTBOX_STREAM, OUTBOX_OWN_COUNTS, link->group, link->consumer, count, dead, size};

    if (link->settings.drain && clock_monotonic_ms() >= link->forget_at)
        forget_the_dead(link);
    snprintf(count, sizeof count, "%u", appetite(link));
    snprintf(dead, sizeof dead, "%u", link->pace.dead_ms);
    snprintf(size, sizeof size, "%zu", (size_t)OUTBOX_SEALED_MAX);
    if (redis_lane_run(&link->looks, &outbox_take_script, 2, 7, argv, NULL, on_taken, link) !=
        STORE_LATER)
        outbox_drain_rest(link);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    outbox_drain_look(arg);
}

void outbox_drain_notice(struct outbox_link *link, uint64_t length)
{
    const uint64_t alarm = link->settings.length_alarm;

    if (length > alarm && link->length <= alarm && event_pending(link->timer, EV_TIMEOUT, NULL))
        event_add(link->timer, &(struct timeval){0, 0});
}

int outbox_drain_start(struct outbox_link *link, struct event_base *base)
{
    link->timer = evtimer_new(base, on_timer, link);
    outbox_group_name(link->settings.keys, link->group);
    /* What is pending under this name is ours. */
    if (link->timer == NULL || random_name(link->consumer, sizeof link->consumer) != 0)
        return -1;
    outbox_set_pace(link, &production_pace);
    return 0;
}

void outbox_set_pace(struct outbox_link *link, const struct outbox_pace *pace)
{
    link->pace = *pace;
    link->forget_at = clock_monotonic_ms() + backoff_jitter_ms(pace->forget_ms / 10);
    outbox_drain_rest(link);
}

void outbox_drain_stop(struct outbox_link *link)
{
    redis_lane_leave(&link->looks);
    if (link->timer != NULL)
        event_free(link->timer);
    outbox_batch_leave(link);
}
