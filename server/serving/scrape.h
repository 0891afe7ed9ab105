/* GET /metrics, for Prometheus: with METRICS_TOKEN to who brings it; without, in production, to
 * this machine alone. */
#ifndef SERVER_SERVING_SCRAPE_H
#define SERVER_SERVING_SCRAPE_H

#include <stdbool.h>

struct config;
struct flow;
struct http_request;
struct readiness;
struct throttle;

/* Borrowed. */
struct scrape {
    const struct config *config;
    const struct flow *flow;
    struct throttle *throttle; /* of whoever brings a token */
    const struct readiness *readiness;
    bool draining; /* the worker stops: not ready any more */
};

void scrape_handle(struct scrape *scrape, struct http_request *request);

#endif
