/*
 * Sweeping a PostgreSQL database for old records: on a connection of its own, which is there only
 * as long as a sweep goes on, so that no claim waits for it.
 */
#ifndef STORE_POSTGRES_SWEEP_H
#define STORE_POSTGRES_SWEEP_H

#include "store/postgres/postgres_url.h"
#include "store/records.h"

struct event_base;
struct postgres_sweep;

/* url outlives it. Returns NULL when there is no memory. */
struct postgres_sweep *postgres_sweep_create(struct event_base *base,
                                             const struct postgres_url *url);
/* A step under way ends with STORE_DOWN, from here. */
void postgres_sweep_free(struct postgres_sweep *sweeper);

/* As record_sweep. */
enum store_status postgres_sweep_step(struct postgres_sweep *sweeper, struct record_sweep *sweep);

#endif
