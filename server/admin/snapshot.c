/*
 * Asks counters and totals at once and waits for both, but not beyond the deadline. An answer that
 * comes after it is for nobody; until it came, that store is not asked again.
 */
#include "server/admin/snapshot_parts.h"

#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <event2/event.h>
#include <stdlib.h>

#define DEADLINE_MS 2000

static void snapshot_end(struct snapshot *snapshot)
{
    void (*taken)(void *arg) = snapshot->taken;

    if (taken == NULL)
        return;
    event_del(snapshot->deadline);
    snapshot->taken = NULL;
    snapshot->as_of_s = clock_wall_s();
    taken(snapshot->arg);
}

static void snapshot_proceed(struct snapshot *snapshot)
{
    if (!snapshot->counters_asked && !snapshot->totals_asked)
        snapshot_end(snapshot);
}

static void on_counters(struct store_ticket *ticket)
{
    struct snapshot *snapshot = container_of(ticket, struct snapshot, counters.ticket);

    snapshot->counters_asked = false;
    snapshot->has_counters = snapshot->taken != NULL && ticket->status == STORE_OK;
    snapshot_proceed(snapshot);
}

static void on_totals(struct store_ticket *ticket)
{
    struct snapshot *snapshot = container_of(ticket, struct snapshot, totals.ticket);

    snapshot->totals_asked = false;
    snapshot->has_totals = snapshot->taken != NULL && ticket->status == STORE_OK;
    snapshot_proceed(snapshot);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    snapshot_end(arg);
}

static void counters_ask(struct snapshot *snapshot)
{
    snapshot->counters.days =
        snapshot->days < COUNTERS_DAYS_MAX ? snapshot->days : COUNTERS_DAYS_MAX;
    enum store_status status = counters_read(snapshot->settings.counters, &snapshot->counters);
    snapshot->counters_asked = status == STORE_LATER;
    snapshot->has_counters = status == STORE_OK;
}

static void totals_ask(struct snapshot *snapshot)
{
    const int64_t begin_s = snapshot->asked_s - ((int64_t)snapshot->days + 1) * 86400;

    snapshot->totals.since_s = begin_s - begin_s % 3600;
    snapshot->totals.hour_count = ((size_t)snapshot->days + 2) * 24;
    enum store_status status = record_totals(snapshot->settings.records, &snapshot->totals);
    snapshot->totals_asked = status == STORE_LATER;
    snapshot->has_totals = status == STORE_OK;
}

void snapshot_take(struct snapshot *snapshot, unsigned days, void (*taken)(void *arg), void *arg)
{
    const struct timeval deadline = clock_timeval(DEADLINE_MS);

    snapshot->taken = taken;
    snapshot->arg = arg;
    snapshot->has_counters = snapshot->has_totals = false;
    snapshot->days = days;
    snapshot->asked_s = clock_wall_s();
    event_add(snapshot->deadline, &deadline);
    if (!snapshot->counters_asked && snapshot->settings.counters != NULL)
        counters_ask(snapshot);
    if (!snapshot->totals_asked && snapshot->settings.records != NULL)
        totals_ask(snapshot);
    if (!snapshot->counters_asked && !snapshot->totals_asked)
        event_active(snapshot->deadline, EV_TIMEOUT, 0);
}

struct snapshot *snapshot_create(const struct snapshot_settings *settings)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (snapshot == NULL)
        return NULL;
    snapshot->settings = *settings;
    snapshot->counters.ticket.done = on_counters;
    snapshot->totals.ticket.done = on_totals;
    snapshot->totals.hours = snapshot->hours;
    snapshot->deadline = evtimer_new(settings->base, on_deadline, snapshot);
    if (snapshot->deadline != NULL)
        return snapshot;
    free(snapshot);
    return NULL;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    event_free(snapshot->deadline);
    free(snapshot);
}

bool snapshot_has_counters(const struct snapshot *snapshot)
{
    return snapshot->has_counters;
}

bool snapshot_has_totals(const struct snapshot *snapshot)
{
    return snapshot->has_totals;
}
