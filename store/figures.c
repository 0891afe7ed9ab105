/*
 * The front of the figures: gathers what a thread counts, and hands it on once a second. To whom is
 * figures_redis.c's affair, or figures_memory.c's.
 *
 *     figures_add --> filling --swap--> sending --figures_redis_send--> confirmed: sending is free
 *                                         ^                 |
 *                                         +--- no answer ---+  again, under the same sequence
 *
 * While a batch is not confirmed, `filling` keeps what comes meanwhile, and its day: after a Redis
 * that was away over midnight, some counts stand with the day before.
 */
#include "store/clock.h"
#include "store/figures/figures_batch.h"
#include "store/redis/redis_url.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct figures {
    struct figures_settings settings;
    unsigned width;
    struct redis_url url;          /* with Redis */
    struct figures_memory *memory; /* NULL with Redis */
};

struct figures_link {
    struct figures *figures;
    struct event *timer;
    struct figures_redis *redis; /* NULL: memory */
    int64_t day;                 /* today */
    struct figures_batch *filling;
    struct figures_batch *sending;
    bool unconfirmed; /* sending was sent, or is to be */
    uint64_t sequence;
    struct figures_batch batches[2];
};

unsigned figures_width(unsigned life_minutes)
{
    const unsigned most = FIGURES_BUCKETS - FIGURES_BUCKETS_AHEAD - 4;

    return (life_minutes + most - 1) / most;
}

/* What moved in a minute can live until the end of the minute that is life_minutes later. */
struct figures_window figures_window(unsigned life_minutes, int64_t now_s)
{
    const int64_t width = figures_width(life_minutes);
    const int64_t minute = now_s / 60;

    return (struct figures_window){(minute - life_minutes) / width,
                                   minute / width + FIGURES_BUCKETS_AHEAD};
}

struct figures_bucket *figures_bucket_at(struct figures_bucket buckets[FIGURES_BUCKETS],
                                         int64_t number)
{
    struct figures_bucket *bucket = &buckets[number % FIGURES_BUCKETS];

    if (bucket->number > number)
        return NULL;
    if (bucket->number < number) {
        memset(bucket, 0, sizeof(*bucket));
        bucket->number = number;
    }
    return bucket;
}

static void batch_clear(struct figures_batch *batch)
{
    memset(batch, 0, sizeof(*batch));
    batch->empty = true;
}

/* The batch that takes a count now. */
static struct figures_batch *batch_open(struct figures_link *link)
{
    if (link->filling->empty) {
        link->filling->empty = false;
        link->filling->day = link->day;
    }
    return link->filling;
}

void figures_add(struct figures_link *link, size_t field, unsigned n)
{
    if (field < link->figures->settings.field_count)
        batch_open(link)->counts[field] += n;
}

static void spot_add(struct figures_link *link, const struct figures_spot *spot, int n)
{
    struct figures_bucket *bucket =
        figures_bucket_at(batch_open(link)->buckets, spot->minute / link->figures->width);

    if (bucket != NULL)
        bucket->here[spot->place] += n;
}

static bool spot_is_place(const struct figures_link *link, const struct figures_spot *spot)
{
    return spot->place >= 0 && (size_t)spot->place < link->figures->settings.place_count;
}

void figures_move(struct figures_link *link, const struct figures_spot *from,
                  const struct figures_spot *to)
{
    const int64_t width = link->figures->width;
    const int64_t age = to->minute / width - from->minute / width;

    if (spot_is_place(link, to))
        spot_add(link, to, 1);
    /* What has been gone for so long is not read any more. */
    if (spot_is_place(link, from) && age < FIGURES_BUCKETS && age > -FIGURES_BUCKETS)
        spot_add(link, from, -1);
}

static void link_send(struct figures_link *link)
{
    if (link->redis == NULL) {
        if (!link->filling->empty)
            figures_memory_take(link->figures->memory, link->filling);
        batch_clear(link->filling);
        return;
    }
    if (!link->unconfirmed && !link->filling->empty) {
        struct figures_batch *full = link->filling;
        link->filling = link->sending;
        link->sending = full;
        link->unconfirmed = true;
        link->sequence++;
    }
    figures_redis_send(link->redis, link->unconfirmed ? link->sending : NULL, link->sequence);
}

static void on_confirmed(void *arg)
{
    struct figures_link *link = arg;

    batch_clear(link->sending);
    link->unconfirmed = false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct figures_link *link = arg;

    (void)fd;
    (void)what;
    link_send(link);
    link->day = link->figures->settings.day_of(clock_wall_s());
}

bool figures_settle(struct figures_link *link)
{
    link_send(link);
    return link->redis == NULL || !link->unconfirmed || !figures_redis_up(link->redis);
}

enum store_status figures_read(struct figures_link *link, struct figures_reading *reading)
{
    link_send(link); /* so that a link sees its own counts */
    if (link->redis != NULL)
        return figures_redis_read(link->redis, reading, clock_wall_s());
    figures_memory_read(link->figures->memory, reading, clock_wall_s());
    return STORE_OK;
}

struct figures *figures_open(const struct figures_settings *settings, char error[STORE_ERROR_MAX])
{
    struct figures *figures = calloc(1, sizeof(*figures));

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (figures == NULL)
        return NULL;
    figures->settings = *settings;
    figures->width = figures_width(settings->life_minutes);
    if (settings->field_count > FIGURES_FIELDS_MAX || settings->place_count > FIGURES_PLACES_MAX) {
        snprintf(error, STORE_ERROR_MAX, "too many figures");
        goto failed;
    }
    if (settings->redis_url != NULL) {
        if (redis_url_parse(&figures->url, settings->redis_url, error) < 0)
            goto failed;
        return figures;
    }
    figures->memory = figures_memory_create(&figures->settings);
    if (figures->memory != NULL)
        return figures;
failed:
    figures_close(figures);
    return NULL;
}

void figures_close(struct figures *figures)
{
    if (figures == NULL)
        return;
    figures_memory_free(figures->memory);
    redis_url_deinit(&figures->url);
    free(figures);
}

struct figures_link *figures_attach(struct figures *figures, struct event_base *base,
                                    const struct store_watch *watch, char error[STORE_ERROR_MAX])
{
    const struct timeval second = {1, 0};
    struct figures_link *link = calloc(1, sizeof(*link));

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (link == NULL)
        return NULL;
    link->figures = figures;
    link->filling = &link->batches[0];
    link->sending = &link->batches[1];
    batch_clear(link->filling);
    batch_clear(link->sending);
    link->day = figures->settings.day_of(clock_wall_s());
    if (figures->settings.redis_url != NULL) {
        link->redis = figures_redis_open(&figures->settings, &figures->url, base, watch,
                                         on_confirmed, link, error);
        if (link->redis == NULL)
            goto failed;
    }
    link->timer = event_new(base, -1, EV_PERSIST, on_timer, link);
    if (link->timer == NULL || event_add(link->timer, &second) != 0)
        goto failed;
    return link;
failed:
    figures_detach(link);
    return NULL;
}

void figures_detach(struct figures_link *link)
{
    if (link == NULL)
        return;
    if (link->redis == NULL)
        link_send(link);
    figures_redis_close(link->redis);
    if (link->timer != NULL)
        event_free(link->timer);
    free(link);
}
