/*
 * Reads the totals from PostgreSQL, on a connection of its own, so that who looks at figures never
 * delays a code. It connects when it is first asked.
 */
#ifndef STORE_POSTGRES_TOTALS_H
#define STORE_POSTGRES_TOTALS_H

#include "store/postgres/postgres_url.h"
#include "store/records.h"

struct event_base;
struct postgres_totals;

/* url is borrowed. Returns NULL when there is no memory. */
struct postgres_totals *postgres_totals_open(struct event_base *base,
                                             const struct postgres_url *url);
/* Those who wait finish with STORE_DOWN. Not to be called from a `done`. */
void postgres_totals_close(struct postgres_totals *reader);
/* As record_totals. */
enum store_status postgres_totals_read(struct postgres_totals *reader,
                                       struct record_totals *totals);

#endif
