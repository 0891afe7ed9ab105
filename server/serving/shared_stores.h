/*
 * What the stores of all workers have in common: opened once for the process, before the port that
 * it listens on.
 */
#ifndef SERVER_SERVING_SHARED_STORES_H
#define SERVER_SERVING_SHARED_STORES_H

#include "server/telemetry/counting.h"
#include "store/counters.h"
#include "store/marks.h"
#include "store/records.h"
#include "store/redis/url.h"

struct seal_keys;
struct setup;

struct shared_stores {
    struct record_marks marks;
    char mark[MARKS_TEXT_MAX]; /* the same for Redis */
    atomic_bool redis_is_ours; /* its mark is known to be this one */
    struct redis_url redis;
    struct seal_keys *outbox_keys; /* NULL without Redis */
    struct session_store *sessions;
    struct record_store *records;
    struct revocations *revocations;
    struct replies_store *replies; /* NULL without Meta's channel */
    struct counting counting;
    struct counters *counters;
    char instance[COUNTERS_INSTANCE_MAX]; /* what counters tell others about this process */
};

/* Prepares the database, which stops the start when it is of another salt or flow; one that is away
 * does so unless there is an outbox for what it should keep. Returns 0, RECORD_DIFFERS or -1 with
 * error, and *subject naming what is wrong; shared_stores_close is due in both cases. */
int shared_stores_open(struct shared_stores *shared, const struct setup *setup,
                       const char **subject, char error[ERROR_MAX]);
/* When no worker is attached any more. */
void shared_stores_close(struct shared_stores *shared);

#endif
