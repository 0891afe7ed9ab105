/* A sweep through all records each hour; between its steps others have their turn. */
#include "server/retention.h"

#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/clock.h"
#include "store/record.h"
#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_MS 3000
#define STEP_MS 200
#define SWEEP_MS (60 * 60 * 1000)

struct retention {
    struct record_link *records;
    struct event *timer;
    unsigned days;
    struct record_sweep sweep;
    uint64_t removed; /* in this sweep */
};

static void rest(struct retention *retention, int ms)
{
    const struct timeval pause = {ms / 1000, ms % 1000 * 1000};

    event_add(retention->timer, &pause);
}

/* The end of a sweep: the next one begins with the first record again. */
static void sweep_end(struct retention *retention)
{
    if (retention->removed > 0)
        log_write(LOG_INFO, "retention", log_number("removed", (int64_t)retention->removed),
                  log_number("days", retention->days));
    retention->removed = 0;
    retention->sweep.after_id = 0;
    rest(retention, SWEEP_MS);
}

static void step_end(struct retention *retention, enum store_status status)
{
    struct record_sweep *sweep = &retention->sweep;

    if (status != STORE_OK) {
        log_write(LOG_WARNING, "retention_interrupted",
                  log_text("status", store_status_name(status)));
        sweep_end(retention);
        return;
    }
    retention->removed += sweep->removed;
    metrics_add(METRIC_RECORDS_RETIRED, sweep->removed);
    if (sweep->more)
        rest(retention, STEP_MS);
    else
        sweep_end(retention);
}

static void on_step(struct store_ticket *ticket)
{
    struct record_sweep *sweep =
        (struct record_sweep *)((char *)ticket - offsetof(struct record_sweep, ticket));

    step_end((struct retention *)((char *)sweep - offsetof(struct retention, sweep)),
             ticket->status);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct retention *retention = arg;
    const int64_t day_us = INT64_C(24) * 60 * 60 * 1000000;
    enum store_status status;

    (void)fd;
    (void)what;
    retention->sweep.before_us = clock_wall_us() - (int64_t)retention->days * day_us;
    status = record_sweep(retention->records, &retention->sweep);
    if (status != STORE_LATER)
        step_end(retention, status);
}

struct retention *retention_create(struct event_base *base, struct record_link *records,
                                   unsigned days)
{
    struct retention *retention = calloc(1, sizeof *retention);

    if (retention == NULL)
        return NULL;
    retention->records = records;
    retention->days = days;
    retention->sweep.ticket.done = on_step;
    retention->timer = evtimer_new(base, on_timer, retention);
    if (retention->timer == NULL) {
        free(retention);
        return NULL;
    }
    rest(retention, FIRST_MS);
    return retention;
}

void retention_free(struct retention *retention)
{
    if (retention == NULL)
        return;
    event_free(retention->timer);
    free(retention);
}
