/*
 * Asks counters and totals at once and waits for both, but not beyond the deadline. An answer that
 * comes after it is for nobody; until it came, that store is not asked again.
 */
#include "server/admin/stats_parts.h"

#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <event2/event.h>
#include <stdlib.h>

#define DEADLINE_MS 2000

static void stats_end(struct stats *stats)
{
    void (*taken)(void *arg) = stats->taken;

    if (taken == NULL)
        return;
    event_del(stats->deadline);
    stats->taken = NULL;
    stats->as_of_s = clock_wall_s();
    taken(stats->arg);
}

static void stats_proceed(struct stats *stats)
{
    if (!stats->counters_asked && !stats->totals_asked)
        stats_end(stats);
}

static void on_counters(struct store_ticket *ticket)
{
    struct stats *stats = container_of(ticket, struct stats, counters.ticket);

    stats->counters_asked = false;
    stats->has_counters = stats->taken != NULL && ticket->status == STORE_OK;
    stats_proceed(stats);
}

static void on_totals(struct store_ticket *ticket)
{
    struct stats *stats = container_of(ticket, struct stats, totals.ticket);

    stats->totals_asked = false;
    stats->has_totals = stats->taken != NULL && ticket->status == STORE_OK;
    stats_proceed(stats);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    stats_end(arg);
}

static void counters_ask(struct stats *stats)
{
    stats->counters.days = stats->days < COUNTERS_DAYS_MAX ? stats->days : COUNTERS_DAYS_MAX;
    enum store_status status = counters_read(stats->settings.counters, &stats->counters);
    stats->counters_asked = status == STORE_LATER;
    stats->has_counters = status == STORE_OK;
}

static void totals_ask(struct stats *stats)
{
    const int64_t begin_s = stats->asked_s - ((int64_t)stats->days + 1) * 86400;

    stats->totals.since_s = begin_s - begin_s % 3600;
    stats->totals.hour_count = ((size_t)stats->days + 2) * 24;
    enum store_status status = record_totals(stats->settings.records, &stats->totals);
    stats->totals_asked = status == STORE_LATER;
    stats->has_totals = status == STORE_OK;
}

void stats_take(struct stats *stats, unsigned days, void (*taken)(void *arg), void *arg)
{
    const struct timeval deadline = clock_timeval(DEADLINE_MS);

    stats->taken = taken;
    stats->arg = arg;
    stats->has_counters = stats->has_totals = false;
    stats->days = days;
    stats->asked_s = clock_wall_s();
    event_add(stats->deadline, &deadline);
    if (!stats->counters_asked && stats->settings.counters != NULL)
        counters_ask(stats);
    if (!stats->totals_asked && stats->settings.records != NULL)
        totals_ask(stats);
    if (!stats->counters_asked && !stats->totals_asked)
        event_active(stats->deadline, EV_TIMEOUT, 0);
}

struct stats *stats_create(const struct stats_settings *settings)
{
    struct stats *stats = calloc(1, sizeof *stats);

    if (stats == NULL)
        return NULL;
    stats->settings = *settings;
    stats->counters.ticket.done = on_counters;
    stats->totals.ticket.done = on_totals;
    stats->totals.hours = stats->hours;
    stats->deadline = evtimer_new(settings->base, on_deadline, stats);
    if (stats->deadline != NULL)
        return stats;
    free(stats);
    return NULL;
}

void stats_free(struct stats *stats)
{
    if (stats == NULL)
        return;
    event_free(stats->deadline);
    free(stats);
}

bool stats_has_counters(const struct stats *stats)
{
    return stats->has_counters;
}

bool stats_has_totals(const struct stats *stats)
{
    return stats->has_totals;
}
