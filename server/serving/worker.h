/*
 * A worker: one thread with its own event loop and links to the stores, and a listening socket
 * unless the service manager gave one for all. Workers share only constant data, the stores'
 * process-wide halves and counters.
 */
#ifndef SERVER_SERVING_WORKER_H
#define SERVER_SERVING_WORKER_H

#include "server/serving/stores.h"
#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counting;
struct limits;
struct meta_clock;
struct revocations;
struct tls;

/* What all workers share; borrowed. */
struct worker_settings {
    struct stores_settings stores;
    struct replies_store *replies;   /* NULL without Meta's channel */
    struct revocations *revocations; /* passes that were ended */
    const struct counting *counting;
    const char *instance;        /* as statistics name it */
    int64_t started_ms;          /* of the process, monotonic */
    const struct limits *limits; /* of all workers together */
    struct meta_clock *meta_clock;
    struct tls *tls;  /* NULL: none */
    int listen_fd;    /* a listening socket for all workers, or -1: each opens its own */
    unsigned turn_ms; /* how often the loop gives a sign of life; 0: never */
};

struct worker;

/* Opens the worker's listening socket and connections; the thread does not run yet. Returns NULL
 * with error. */
struct worker *worker_create(const struct worker_settings *settings, char error[ERROR_MAX]);
/* Starts the thread. Returns 0 or -1. */
int worker_start(struct worker *worker);
/* Whether the loop has turned since worker_turn_again. Any thread, as for the next one. */
bool worker_turned(const struct worker *worker);
void worker_turn_again(struct worker *worker);
/* Asks the thread to stop: /ready says so for STOP_DELAY_SECONDS while all else goes on, then there
 * are no new connections, and what is in flight is finished, for at most DRAIN_MS. */
void worker_stop(struct worker *worker);
/* Waits for the thread. */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

#endif
