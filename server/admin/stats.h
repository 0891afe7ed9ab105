/*
 * Stats: what the stores know for the statistics at one moment, and its JSON. What each member
 * means is told in docs/statistics.md.
 *
 *     stats_take(stats, days, on_taken, arg)  ->  on_taken(arg)  ->  stats_json(stats)
 *
 * All calls on the loop's thread.
 */
#ifndef SERVER_ADMIN_STATS_H
#define SERVER_ADMIN_STATS_H

#include "server/config/config.h"
#include "server/telemetry/counting.h"
#include "server/telemetry/readiness.h"
#include <jansson.h>

/* Days that can be looked back at. */
#define STATS_DAYS_MAX 365

/* Everything is borrowed. */
struct stats_settings {
    struct event_base *base;
    const struct config *config;
    const struct counting *counting;
    struct counters_link *counters; /* NULL: only a server knows them */
    struct record_link *records;    /* NULL: they are not wanted */
    /* Of a server; otherwise all are NULL or 0: */
    const struct readiness *readiness;
    const char *instance;
    int64_t started_ms; /* monotonic */
};

struct stats;

/* Returns NULL when out of memory. */
struct stats *stats_create(const struct stats_settings *settings);
/* When the links are detached. */
void stats_free(struct stats *stats);

/* Asks the stores; days is 1 to STATS_DAYS_MAX. taken is called once, later, within two seconds,
 * with whatever is there by then. Not while others are being taken. */
void stats_take(struct stats *stats, unsigned days, void (*taken)(void *arg), void *arg);

/* Whether the last stats have counters, and totals. */
bool stats_has_counters(const struct stats *stats);
bool stats_has_totals(const struct stats *stats);

/* What was taken last, as JSON; what could not be read is null. NULL when out of memory. */
json_t *stats_json(const struct stats *stats);

#endif
