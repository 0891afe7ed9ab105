/*
 * GET /admin/stats: stats as JSON, kept for a second, so that a storm of requests asks the
 * stores once. One for each worker.
 */
#ifndef SERVER_ADMIN_STATS_HANDLER_H
#define SERVER_ADMIN_STATS_HANDLER_H

#include "server/admin/stats.h"

struct http_request;
struct stats_handler;

/* Returns NULL when out of memory. */
struct stats_handler *stats_handler_create(const struct stats_settings *settings);
/* Answers those who wait; from now on nobody is answered but with 503. Before the links go. */
void stats_handler_stop(struct stats_handler *handler);
/* After the links are detached. */
void stats_handler_free(struct stats_handler *handler);

/* Responds, at once or when the stores have answered. Who may ask is the caller's affair. */
void stats_handler_respond(struct stats_handler *handler, struct http_request *request);

#endif
