/*
 * A snapshot: what the stores know for the statistics at one moment, and its JSON. What each member
 * means is told in docs/statistics.md.
 *
 *     snapshot_take(snapshot, days, on_taken, arg)  ->  on_taken(arg)  ->  snapshot_json(snapshot)
 *
 * All calls on the loop's thread.
 */
#ifndef SERVER_ADMIN_SNAPSHOT_H
#define SERVER_ADMIN_SNAPSHOT_H

#include "server/config/config.h"
#include "server/telemetry/funnel.h"
#include "server/telemetry/readiness.h"
#include <jansson.h>

/* Days that can be looked back at. */
#define SNAPSHOT_DAYS_MAX 365

/* Everything is borrowed. */
struct snapshot_settings {
    struct event_base *base;
    const struct config *config;
    const struct funnel *funnel;
    struct counters_link *counters; /* NULL: only a server knows them */
    struct record_link *records;    /* NULL: they are not wanted */
    /* Of a server; otherwise all are NULL or 0: */
    const struct readiness *readiness;
    const char *instance;
    int64_t started_ms; /* monotonic */
};

struct snapshot;

/* Returns NULL when out of memory. */
struct snapshot *snapshot_create(const struct snapshot_settings *settings);
/* When the links are detached. */
void snapshot_free(struct snapshot *snapshot);

/* Asks the stores; days is 1 to SNAPSHOT_DAYS_MAX. taken is called once, later, within two seconds,
 * with whatever is there by then. Not while a snapshot is being taken. */
void snapshot_take(struct snapshot *snapshot, unsigned days, void (*taken)(void *arg), void *arg);

/* Whether the last snapshot has counters, and totals. */
bool snapshot_has_counters(const struct snapshot *snapshot);
bool snapshot_has_totals(const struct snapshot *snapshot);

/* What was taken last, as JSON; what could not be read is null. NULL when out of memory. */
json_t *snapshot_json(const struct snapshot *snapshot);

#endif
