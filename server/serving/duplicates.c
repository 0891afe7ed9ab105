/*
 * Each round ends where the records ended when the round before it began: whoever was being written
 * then is there by now. What is found is told nowhere here: from log and metrics nobody learns
 * whether a code is like another one.
 */
#include "server/serving/duplicates.h"

#include "flow/flow.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/duplicates.h"
#include <event2/event.h>
#include <stdlib.h>

#define STEP_MS 100
#define ROUND_SECONDS 60

struct duplicates {
    struct record_link *records;
    struct event *timer;
    unsigned pause_seconds;
    struct duplicates_build build;
    int64_t seen_id; /* the newest record when this round began; 0: it did not yet */
};

static void rest(struct duplicates *duplicates, int64_t ms)
{
    const struct timeval pause = clock_timeval(ms);

    event_add(duplicates->timer, &pause);
}

static void round_end(struct duplicates *duplicates)
{
    duplicates->build.until_id = duplicates->seen_id;
    duplicates->seen_id = 0;
    rest(duplicates, (int64_t)duplicates->pause_seconds * 1000);
}

static void step_end(struct duplicates *duplicates, enum store_status status)
{
    const struct duplicates_build *build = &duplicates->build;

    if (status != STORE_OK) {
        log_write(LOG_WARNING, "duplicates_interrupted",
                  log_text("status", store_status_name(status)),
                  log_text("reason", build->errand.error));
        round_end(duplicates);
        return;
    }
    if (duplicates->seen_id == 0)
        duplicates->seen_id = build->newest_id;
    if (build->more) {
        rest(duplicates, STEP_MS);
        return;
    }
    metrics_add(METRIC_DUPLICATES_ROUNDS, 1);
    round_end(duplicates);
}

static void on_step(struct store_ticket *ticket)
{
    step_end(container_of(ticket, struct duplicates, build.ticket), ticket->status);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct duplicates *duplicates = arg;

    (void)fd;
    (void)what;
    const enum store_status status = duplicates_build(duplicates->records, &duplicates->build);
    if (status != STORE_LATER)
        step_end(duplicates, status);
}

/* The tests do not wait for a minute. */
static unsigned pause_find(void)
{
    const char *value = getenv(DUPLICATES_TEST_SECONDS);

    if (value == NULL || value[0] < '1' || value[0] > '9')
        return ROUND_SECONDS;
    log_write(LOG_WARNING, "duplicates_for_tests", log_text(DUPLICATES_TEST_SECONDS, value));
    return (unsigned)(value[0] - '0');
}

struct duplicates *duplicates_create(struct event_base *base, struct record_link *records,
                                     const struct flow *flow)
{
    struct duplicates *duplicates = calloc(1, sizeof *duplicates);

    if (duplicates == NULL)
        return NULL;
    duplicates->records = records;
    duplicates->pause_seconds = pause_find();
    duplicates->build.at[DUPLICATES_SOUND] = flow_near_sounds_at(flow);
    duplicates->build.at[DUPLICATES_PLACE] = flow_part_step(flow, FLOW_PART_PLACE);
    duplicates->build.at[DUPLICATES_YEAR] = flow_part_step(flow, FLOW_PART_YEAR);
    duplicates->build.at[DUPLICATES_DAY] = flow_part_step(flow, FLOW_PART_DAY);
    duplicates->build.code_shows = flow_code_shows(flow);
    duplicates->build.ticket.done = on_step;
    duplicates->timer = evtimer_new(base, on_timer, duplicates);
    if (duplicates->timer == NULL) {
        free(duplicates);
        return NULL;
    }
    rest(duplicates, (int64_t)duplicates->pause_seconds * 1000);
    return duplicates;
}

void duplicates_free(struct duplicates *duplicates)
{
    if (duplicates == NULL)
        return;
    event_free(duplicates->timer);
    free(duplicates);
}
