/*
 * The front of the counters: gathers what a thread counts, and hands it on once a second, to Redis
 * or to the memory of the process.
 *
 *     counters_add --> filling --swap--> sending --counters_redis_send--> confirmed: it is free
 *                                          ^                        |
 *                                          +------ no answer -------+  again, by the same sequence
 *
 * While a batch is not confirmed, `filling` keeps what comes meanwhile, and its day: after a Redis
 * that was away over midnight, some counts stand with the day before.
 */
#include "store/base/clock.h"
#include "store/base/random_name.h"
#include "store/counters/backend.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

/* Readings under way, and one flush. */
#define COMMANDS_MAX 16

/* The batch that takes a count now. */
static struct counters_batch *batch_open(struct counters_link *link)
{
    struct counters_batch *batch = link->filling;

    if (!batch->filled)
        batch->day = link->day;
    batch->filled = true;
    return batch;
}

void counters_add(struct counters_link *link, size_t field, unsigned n)
{
    if (field < link->counters->settings.field_count)
        batch_open(link)->counts[field] += n;
}

static void spot_add(struct counters_link *link, const struct counters_spot *spot, int n)
{
    struct counters_bucket *bucket =
        counters_bucket_at(batch_open(link)->buckets, spot->minute / link->counters->width);

    if (bucket != NULL)
        bucket->here[spot->step] += n;
}

static bool spot_is_place(const struct counters_link *link, const struct counters_spot *spot)
{
    return spot->step >= 0 && (size_t)spot->step < link->counters->settings.step_count;
}

void counters_move(struct counters_link *link, const struct counters_spot *from,
                   const struct counters_spot *to)
{
    const int64_t width = link->counters->width;
    const int64_t age = to->minute / width - from->minute / width;

    if (spot_is_place(link, to))
        spot_add(link, to, 1);
    /* What has been gone for so long is not read any more. */
    if (spot_is_place(link, from) && age < COUNTERS_BUCKETS && age > -COUNTERS_BUCKETS)
        spot_add(link, from, -1);
}

static void link_send(struct counters_link *link)
{
    struct counters_batch *full = link->filling;

    if (!link->counters->settings.in_redis) {
        if (full->filled)
            counters_memory_take(link->counters, full);
        *full = (struct counters_batch){0};
        return;
    }
    if (!link->unconfirmed && full->filled) {
        link->filling = link->sending;
        link->sending = full;
        link->unconfirmed = true;
        link->sequence++;
    }
    counters_redis_send(link);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct counters_link *link = arg;

    (void)fd;
    (void)what;
    link_send(link);
    link->day = link->counters->settings.day_of(clock_wall_s());
}

bool counters_settle(struct counters_link *link)
{
    link_send(link);
    return !link->unconfirmed || !redis_lane_up(&link->lane);
}

enum store_status counters_read(struct counters_link *link, struct counters_reading *reading)
{
    link_send(link); /* so that a link sees its own counts */
    if (link->counters->settings.in_redis)
        return counters_redis_read(link, reading, clock_wall_s());
    counters_memory_read(link->counters, reading, clock_wall_s());
    return STORE_OK;
}

struct counters *counters_open(const struct counters_settings *settings, char error[ERROR_MAX])
{
    const bool fits =
        settings->field_count <= COUNTERS_FIELDS_MAX && settings->step_count <= COUNTERS_STEPS_MAX;
    struct counters *counters = fits ? calloc(1, sizeof *counters) : NULL;

    snprintf(error, ERROR_MAX, fits ? "out of memory" : "too many counters");
    if (counters == NULL)
        return NULL;
    counters->settings = *settings;
    counters->width = counters_width(settings->life_minutes);
    pthread_mutex_init(&counters->lock, NULL);
    return counters;
}

void counters_close(struct counters *counters)
{
    if (counters == NULL)
        return;
    pthread_mutex_destroy(&counters->lock);
    free(counters);
}

struct counters_link *counters_attach(struct counters *counters, struct event_base *base,
                                      struct redis_link *redis, const struct store_watch *watch,
                                      char error[ERROR_MAX])
{
    struct counters_link *link = calloc(1, sizeof *link);

    snprintf(error, ERROR_MAX, "no memory or no randomness for the counters");
    if (link == NULL)
        return NULL;
    link->counters = counters;
    link->filling = &link->batches[0];
    link->sending = &link->batches[1];
    link->day = counters->settings.day_of(clock_wall_s());
    if (counters->settings.in_redis)
        redis_lane_join(&link->lane, redis, COMMANDS_MAX, watch);
    link->timer = event_new(base, -1, EV_PERSIST, on_timer, link);
    if (random_name(link->name, sizeof link->name) == 0 && link->timer != NULL &&
        event_add(link->timer, &(struct timeval){1, 0}) == 0)
        return link;
    counters_detach(link);
    return NULL;
}

void counters_detach(struct counters_link *link)
{
    if (link == NULL)
        return;
    if (!link->counters->settings.in_redis)
        link_send(link);
    redis_lane_leave(&link->lane);
    if (link->timer != NULL)
        event_free(link->timer);
    free(link);
}
