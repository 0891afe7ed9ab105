/*
 * A sweep through all records each hour, twice: the first time the records that are due are
 * counted, and only when nothing holds them back they are removed the second time. Between its
 * steps others have their turn.
 *
 *     on_timer ──► count, step by step ──► judge ──► remove, step by step ──► sweep_end ──► an hour
 *                                            └── held back, or nothing due ──────▲
 */
#include "server/serving/retention.h"

#include "server/serving/retention_guard.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/records.h"
#include <event2/event.h>
#include <stdlib.h>

#define DAY_US INT64_C(86400000000)
#define STEP_MS 200
/* Before the first sweep, so that a clock can be set right after a start, and between sweeps. */
#define SWEEP_SECONDS 3600

struct retention {
    struct record_link *records;
    struct event *timer;
    unsigned days;
    unsigned pause_seconds;
    struct record_sweep sweep;
    bool under_way;   /* a sweep is */
    uint64_t removed; /* in this sweep */
};

static void rest(struct retention *retention, int64_t ms)
{
    const struct timeval pause = clock_timeval(ms);

    event_add(retention->timer, &pause);
}

/* From the first record on. */
static void sweep_begin(struct retention *retention, bool removes, int64_t now_us)
{
    struct record_sweep *sweep = &retention->sweep;

    sweep->removes = removes;
    sweep->after_id = 0;
    sweep->survey =
        (struct record_survey){.now_us = now_us, .trusted_us = INT64_MIN, .newest_us = INT64_MIN};
}

static void sweep_end(struct retention *retention)
{
    if (retention->removed > 0)
        log_write(LOG_INFO, "retention", log_number("removed", (int64_t)retention->removed),
                  log_number("days", retention->days));
    retention->removed = 0;
    retention->under_way = false;
    rest(retention, (int64_t)retention->pause_seconds * 1000);
}

/* All are counted: will those that are due be removed? */
static bool judge(struct retention *retention)
{
    const struct record_survey *survey = &retention->sweep.survey;
    const enum retention_hold hold = retention_judge(survey);

    metrics_add(METRIC_RETENTION_SWEEPS, 1);
    metrics_set(METRIC_RETENTION_HELD, hold != RETENTION_FREE ? (uint64_t)survey->due : 0);
    if (hold != RETENTION_FREE)
        log_write(LOG_CRITICAL, "retention_held",
                  log_text("reason", retention_hold_name(hold, true)),
                  log_number("due", survey->due), log_number("records", survey->records),
                  log_number("days", retention->days),
                  log_text("hint", "whatsapp-uic retention says more"));
    return hold == RETENTION_FREE && survey->due > 0;
}

static void step_end(struct retention *retention, enum store_status status)
{
    struct record_sweep *sweep = &retention->sweep;

    if (status != STORE_OK) {
        log_write(LOG_WARNING, "retention_interrupted",
                  log_text("status", store_status_name(status)),
                  log_text("reason", sweep->errand.error));
        sweep_end(retention);
        return;
    }
    retention->removed += sweep->removed;
    metrics_add(METRIC_RECORDS_RETIRED, sweep->removed);
    if (sweep->more) {
        rest(retention, STEP_MS);
    } else if (!sweep->removes && judge(retention)) {
        sweep_begin(retention, true, sweep->survey.now_us);
        rest(retention, STEP_MS);
    } else {
        sweep_end(retention);
    }
}

static void on_step(struct store_ticket *ticket)
{
    step_end(container_of(ticket, struct retention, sweep.ticket), ticket->status);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct retention *retention = arg;

    (void)fd;
    (void)what;
    if (!retention->under_way)
        sweep_begin(retention, false, clock_wall_us());
    retention->under_way = true;
    enum store_status status = record_sweep(retention->records, &retention->sweep);
    if (status != STORE_LATER)
        step_end(retention, status);
}

/* The tests do not wait for an hour. */
static unsigned pause_find(void)
{
    const char *value = getenv(RETENTION_TEST_SECONDS);

    if (value == NULL || value[0] < '1' || value[0] > '9')
        return SWEEP_SECONDS;
    log_write(LOG_WARNING, "retention_for_tests", log_text(RETENTION_TEST_SECONDS, value));
    return (unsigned)(value[0] - '0');
}

struct retention *retention_create(struct event_base *base, struct record_link *records,
                                   unsigned days)
{
    struct retention *retention = calloc(1, sizeof *retention);

    if (retention == NULL)
        return NULL;
    retention->records = records;
    retention->days = days;
    retention->pause_seconds = pause_find();
    retention->sweep.age_us = days * DAY_US;
    retention->sweep.ticket.done = on_step;
    retention->timer = evtimer_new(base, on_timer, retention);
    if (retention->timer == NULL) {
        free(retention);
        return NULL;
    }
    log_write(LOG_INFO, "retention_begins", log_number("days", days),
              log_number("first_sweep_after_seconds", retention->pause_seconds));
    rest(retention, (int64_t)retention->pause_seconds * 1000);
    return retention;
}

void retention_free(struct retention *retention)
{
    if (retention == NULL)
        return;
    event_free(retention->timer);
    free(retention);
}
