/*
 * GET /admin/stats: a snapshot as JSON, kept for a second, so that a storm of requests asks the
 * stores once. One for each worker.
 */
#ifndef SERVER_ADMIN_STATS_H
#define SERVER_ADMIN_STATS_H

#include "server/admin/snapshot.h"

struct http_request;
struct stats;

/* Returns NULL when out of memory. */
struct stats *stats_create(const struct snapshot_settings *settings);
/* Answers those who wait; from now on nobody is answered but with 503. Before the links go. */
void stats_stop(struct stats *stats);
/* After the links are detached. */
void stats_free(struct stats *stats);

/* Replies, at once or when the stores have answered. Who may ask is the caller's affair. */
void stats_handle(struct stats *stats, struct http_request *request);

#endif
