/*
 * Whether what a sweep would take is held back. A clock that is wrong must not delete what nobody
 * can bring back; nor must a setting that was meant otherwise.
 */
#ifndef SERVER_SERVING_RETENTION_GUARD_H
#define SERVER_SERVING_RETENTION_GUARD_H

#include "store/records.h"

/* So many days the clock may be beyond the newest record, and beyond what sweeps have believed. */
#define RETENTION_AHEAD_DAYS 30
/* What is more than so many records, and more than this part of all (1/10), is held back. */
#define RETENTION_RECORDS_MAX 100
#define RETENTION_PART_MAX 10

enum retention_hold {
    RETENTION_FREE,  /* it may go, or nothing is due */
    RETENTION_QUIET, /* the clock is far beyond the newest record */
    RETENTION_JUMP,  /* the clock is far beyond what sweeps have believed so far */
    RETENTION_MANY,  /* more would go than a sweep takes */
};

enum retention_hold retention_judge(const struct record_survey *survey);
/* In a few words, for the log in English; static. */
const char *retention_hold_name(enum retention_hold hold, bool english);

#endif
