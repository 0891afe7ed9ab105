/*
 * Counters: what all instances together have counted, by the day, and how many things
 * (conversations) are where just now. Kept in Redis, or without one in memory; whoever reads gets
 * the sums.
 *
 *     struct counters *counters = counters_open(&settings, error);                         once
 *     struct counters_link *link =                                                in each thread
 *         counters_attach(counters, base, redis, &watch, error);
 *     counters_add(link, field, 1); counters_move(link, &from, &to);
 *     counters_read(link, &reading);
 *     counters_detach(link); counters_close(counters);
 *
 * Adding is an array index: each link sends what it gathered once a second, in one script, which
 * Redis carries out wholly or not at all. A flush whose reply was lost goes again under the same
 * number, and Redis, which remembers the number of each link's last flush for an hour, counts it
 * once. A process that is killed takes up to a second of its own counts with it. Only a Redis that
 * was away for more than an hour right after a flush can count that one flush twice.
 *
 * Keys: hash "uic:figures:YYYY-MM-DD", 91 days from its last change; hashes
 * "uic:active:GENERATION:MINUTE", a little longer than a thing lives; string "uic:flush:LINK", an
 * hour; sorted set "uic:instances". Nothing in them belongs to a person.
 */
#ifndef STORE_COUNTERS_H
#define STORE_COUNTERS_H

#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct redis_link;

#define COUNTERS_FIELDS_MAX 128
#define COUNTERS_STEPS_MAX 16
#define COUNTERS_DAYS_MAX 90
#define COUNTERS_INSTANCES_MAX 32
#define COUNTERS_INSTANCE_MAX 96
/* An instance that was not heard of for so long is not listed. */
#define COUNTERS_INSTANCE_MS 60000

/* Everything is borrowed and outlives the counters. */
struct counters_settings {
    bool in_redis;             /* else in memory, for this process alone */
    const char *const *fields; /* names of what is counted */
    size_t field_count;
    const char *const *steps; /* names of where things are */
    size_t step_count;
    const char *generation; /* things of another generation are other things */
    unsigned life_minutes;  /* a thing that does not move for so long is gone */
    /* Days since 1970 in the calendar of the readers; from any thread. */
    int64_t (*day_of)(int64_t at_s);
    const char *instance; /* a line about this process for all to read; NULL: none */
};

struct counters;
struct counters_link;

/* Returns NULL with error. */
struct counters *counters_open(const struct counters_settings *settings, char error[ERROR_MAX]);
/* After every link is detached. */
void counters_close(struct counters *counters);

/* redis is the thread's prompt link, borrowed; not used in memory. watch may be NULL. Returns NULL
 * with error. */
struct counters_link *counters_attach(struct counters *counters, struct event_base *base,
                                      struct redis_link *redis, const struct store_watch *watch,
                                      char error[ERROR_MAX]);
/* Readings under way finish with STORE_DOWN, their `done` called from here. What was not sent is
 * lost: see counters_settle. */
void counters_detach(struct counters_link *link);

/* Counts n of a field, today. */
void counters_add(struct counters_link *link, size_t field, unsigned n);

/* Where a thing is since which minute (since 1970, UTC); step -1: nowhere. */
struct counters_spot {
    int step;
    uint32_t minute;
};
/* A thing was at `from` when it moved last, and is now at `to`; to->minute is the present one in
 * any case. */
void counters_move(struct counters_link *link, const struct counters_spot *from,
                   const struct counters_spot *to);

/* Sends what is left, and says whether nothing is, or nothing can be sent just now. For a process
 * that ends: call it until it is true. */
bool counters_settle(struct counters_link *link);

struct counters_instance {
    char text[COUNTERS_INSTANCE_MAX];
    int64_t age_ms; /* since it was heard of */
};

/* One reading; embedded in the caller. */
struct counters_reading {
    struct store_ticket ticket;
    unsigned days; /* in: how many to sum in `period`, today included; 1 to COUNTERS_DAYS_MAX */
    /* Out, in the order of the settings: */
    uint64_t today[COUNTERS_FIELDS_MAX];
    uint64_t period[COUNTERS_FIELDS_MAX];
    uint64_t here[COUNTERS_STEPS_MAX];
    struct counters_instance instances[COUNTERS_INSTANCES_MAX];
    size_t instance_count; /* 0 in memory */
    /* The store's own: */
    const struct counters_settings *settings;
};

/* STORE_OK; STORE_LATER, then STORE_OK or STORE_DOWN; STORE_DOWN; STORE_FULL. Other links' counts
 * are up to a second late. */
enum store_status counters_read(struct counters_link *link, struct counters_reading *reading);

#endif
