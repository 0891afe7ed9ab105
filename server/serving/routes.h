/* Which path does what. One table in routes.c. */
#ifndef SERVER_SERVING_ROUTES_H
#define SERVER_SERVING_ROUTES_H

#include "server/config/config.h"
#include "server/http/http.h"
#include "server/serving/scrape.h"
#include <stdbool.h>

struct authentication;
struct channel;
struct login;
struct stats_handler;
struct throttle;

/* What the handlers of one worker need; borrowed. */
struct routes {
    const struct config *config;
    struct channel *twilio; /* NULL: there is none, as for the next two */
    struct channel *meta;
    struct channel *simulator;
    struct authentication *authentication;
    struct throttle *throttle; /* of whoever brings a token */
    struct login *login;
    struct stats_handler *stats;
    struct scrape scrape; /* for /metrics; what it knows, /ready tells */
};

/* An http_handler; arg is the struct routes. */
void routes_handle(void *arg, struct http_request *request);

#endif
