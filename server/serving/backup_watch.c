/* The reading of totals brings it along. While the database is away, what it said last stays. */
#include "server/serving/backup_watch.h"

#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/records.h"
#include <event2/event.h>
#include <stdlib.h>

#define PAUSE_SECONDS 10

struct backup_watch {
    struct record_link *records;
    struct event *timer;
    struct record_totals totals;
    struct record_total hour; /* the least that can be asked for */
};

static void rest(struct backup_watch *watch)
{
    event_add(watch->timer, &(struct timeval){PAUSE_SECONDS, 0});
}

static void on_answer(struct store_ticket *ticket)
{
    struct backup_watch *watch = container_of(ticket, struct backup_watch, totals.ticket);

    if (ticket->status == STORE_OK)
        metrics_set(METRIC_LAST_BACKUP,
                    watch->totals.backup_us > 0 ? (uint64_t)watch->totals.backup_us / 1000000 : 0);
    rest(watch);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct backup_watch *watch = arg;
    const int64_t now_s = clock_wall_s();

    (void)fd;
    (void)what;
    watch->totals.since_s = now_s - now_s % 3600;
    if (record_totals(watch->records, &watch->totals) != STORE_LATER)
        rest(watch);
}

struct backup_watch *backup_watch_create(struct event_base *base, struct record_link *records)
{
    struct backup_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return NULL;
    watch->records = records;
    watch->totals.ticket.done = on_answer;
    watch->totals.hours = &watch->hour;
    watch->totals.hour_count = 1;
    watch->timer = evtimer_new(base, on_timer, watch);
    if (watch->timer == NULL) {
        free(watch);
        return NULL;
    }
    event_active(watch->timer, EV_TIMEOUT, 0);
    return watch;
}

void backup_watch_free(struct backup_watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->timer);
    free(watch);
}
