/*
 * How long an address that gave a token waits for its response. A wrong one waits, each time
 * longer; a right one that follows waits as long as the wrong ones before it, so that the response
 * tells nothing before they could have. Nobody is ever refused. One table for the whole process, of
 * a fixed size. Any thread.
 */
#ifndef SERVER_HTTP_THROTTLE_TABLE_H
#define SERVER_HTTP_THROTTLE_TABLE_H

#include "server/http/client_address.h"
#include <stdbool.h>
#include <stdint.h>

/* For the first wrong try; the next ones wait twice as long each, up to the longest. */
#define THROTTLE_FIRST_MS 1000
#define THROTTLE_LONGEST_MS 8000
/* After so long without a wrong try an address begins anew. */
#define THROTTLE_FORGET_MS (15 * 60 * 1000)

struct throttle_table;

/* Returns NULL when out of memory or randomness. */
struct throttle_table *throttle_table_create(void);
void throttle_table_free(struct throttle_table *table);

/* Milliseconds that a try waits for its response, whether it was right or not: 0 for a right one
 * from an address of which no wrong one waits. */
unsigned throttle_table_wait(struct throttle_table *table, const struct client_address *who,
                             bool right, int64_t now_ms);

#endif
