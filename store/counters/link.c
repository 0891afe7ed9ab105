/*
 * The front of the counters: gathers what a thread counts, and hands it on once a second: to
 * Redis (redis.c), or without one to the memory of the process (memory.c).
 *
 *     counters_add --> filling --swap--> sending --counters_redis_send--> confirmed: it is free
 *                                          ^                        |
 *                                          +------ no answer -------+  again, by the same sequence
 *
 * While a batch is not confirmed, `filling` keeps what comes meanwhile, and its day: after a Redis
 * that was away over midnight, some counts stand with the day before.
 */
#include "store/base/clock.h"
#include "store/counters/backend.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counters {
    struct counters_settings settings;
    unsigned width;
    struct counters_memory *memory; /* NULL with Redis */
};

struct counters_link {
    struct counters *counters;
    struct event *timer;
    struct counters_redis *redis; /* NULL: memory */
    int64_t day;                  /* today */
    struct counters_batch *filling;
    struct counters_batch *sending;
    bool unconfirmed; /* sending was sent, or is to be */
    uint64_t sequence;
    struct counters_batch batches[2];
};

/* The batch that takes a count now. */
static struct counters_batch *batch_open(struct counters_link *link)
{
    if (link->filling->empty) {
        link->filling->empty = false;
        link->filling->day = link->day;
    }
    return link->filling;
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
    if (link->redis == NULL) {
        if (!link->filling->empty)
            counters_memory_take(link->counters->memory, link->filling);
        counters_batch_clear(link->filling);
        return;
    }
    if (!link->unconfirmed && !link->filling->empty) {
        struct counters_batch *full = link->filling;
        link->filling = link->sending;
        link->sending = full;
        link->unconfirmed = true;
        link->sequence++;
    }
    counters_redis_send(link->redis, link->unconfirmed ? link->sending : NULL, link->sequence);
}

static void on_confirmed(void *arg)
{
    struct counters_link *link = arg;

    counters_batch_clear(link->sending);
    link->unconfirmed = false;
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
    return link->redis == NULL || !link->unconfirmed || !counters_redis_up(link->redis);
}

enum store_status counters_read(struct counters_link *link, struct counters_reading *reading)
{
    link_send(link); /* so that a link sees its own counts */
    if (link->redis != NULL)
        return counters_redis_read(link->redis, reading, clock_wall_s());
    counters_memory_read(link->counters->memory, reading, clock_wall_s());
    return STORE_OK;
}

struct counters *counters_open(const struct counters_settings *settings,
                               char error[STORE_ERROR_MAX])
{
    struct counters *counters = calloc(1, sizeof *counters);

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (counters == NULL)
        return NULL;
    counters->settings = *settings;
    counters->width = counters_width(settings->life_minutes);
    if (settings->field_count > COUNTERS_FIELDS_MAX || settings->step_count > COUNTERS_STEPS_MAX) {
        snprintf(error, STORE_ERROR_MAX, "too many counters");
        goto failed;
    }
    if (settings->in_redis)
        return counters;
    counters->memory = counters_memory_create(&counters->settings);
    if (counters->memory != NULL)
        return counters;
failed:
    counters_close(counters);
    return NULL;
}

void counters_close(struct counters *counters)
{
    if (counters == NULL)
        return;
    counters_memory_free(counters->memory);
    free(counters);
}

struct counters_link *counters_attach(struct counters *counters, struct event_base *base,
                                      struct redis_link *redis, const struct store_watch *watch,
                                      char error[STORE_ERROR_MAX])
{
    const struct timeval second = {1, 0};
    struct counters_link *link = calloc(1, sizeof *link);

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (link == NULL)
        return NULL;
    link->counters = counters;
    link->filling = &link->batches[0];
    link->sending = &link->batches[1];
    counters_batch_clear(link->filling);
    counters_batch_clear(link->sending);
    link->day = counters->settings.day_of(clock_wall_s());
    if (counters->settings.in_redis) {
        link->redis =
            counters_redis_open(&counters->settings, redis, watch, on_confirmed, link, error);
        if (link->redis == NULL)
            goto failed;
    }
    link->timer = event_new(base, -1, EV_PERSIST, on_timer, link);
    if (link->timer == NULL || event_add(link->timer, &second) != 0)
        goto failed;
    return link;
failed:
    counters_detach(link);
    return NULL;
}

void counters_detach(struct counters_link *link)
{
    if (link == NULL)
        return;
    if (link->redis == NULL)
        link_send(link);
    counters_redis_close(link->redis);
    if (link->timer != NULL)
        event_free(link->timer);
    free(link);
}
