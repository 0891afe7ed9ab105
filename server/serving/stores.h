/*
 * One worker's connections to the stores: sessions, records, the outbox between them, and counters.
 * What happens to them is logged, counted, and told to /ready.
 */
#ifndef SERVER_SERVING_STORES_H
#define SERVER_SERVING_STORES_H

#include "server/telemetry/readiness.h"
#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct counters;
struct counters_link;
struct marks_keeper;
struct outbox_link;
struct record_link;
struct record_store;
struct redis_links;
struct redis_url;
struct session_link;
struct session_store;
struct seal_keys;
struct setup;

/* What all workers share; borrowed. */
struct stores_settings {
    const struct setup *setup;
    struct session_store *sessions;
    struct record_store *records;
    struct counters *counters;
    const struct redis_url *redis;       /* NULL: there is none */
    const struct seal_keys *outbox_keys; /* likewise */
    const char *mark;                    /* to what the stores belong, for Redis */
    atomic_bool *redis_is_ours;
    struct readiness *readiness;
    bool drain_outbox; /* this worker empties the outbox, and keeps the mark */
};

/* A store's state on this worker. */
struct store_state {
    const char *event_up;
    const char *event_down;
    bool down;
    atomic_uint *workers_down;
};

struct stores {
    struct session_link *sessions;
    struct record_link *records;
    struct counters_link *counters;
    struct marks_keeper *marks; /* NULL: another worker's */
    const struct record_store *record_store;
    struct outbox_link *outbox; /* NULL with sessions in memory: then nothing is promised */
    struct store_state sessions_state;
    struct store_state records_state;
    struct readiness *readiness;
    unsigned outbox_replicas;
    bool outbox_alarmed;
    bool outbox_short;   /* of replicas */
    bool outbox_foreign; /* some of its entries are another salt's */
    unsigned long outbox_alarm;
};

/* Returns 0, or -1 with error. The struct stays where it is until stores_detach, which is due in
 * both cases. */
int stores_attach(struct stores *stores, const struct stores_settings *settings,
                  struct event_base *base, const struct redis_links *redis, char error[ERROR_MAX]);
/* Operations under way finish, in here. */
void stores_detach(struct stores *stores);

#endif
