/* Which path does what. One table in routes.c. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/config.h"
#include "server/http.h"
#include <stdatomic.h>
#include <stdbool.h>

/* How many workers have lost which store, so that every worker tells the same of all. */
struct readiness {
    atomic_uint sessions_down;
    atomic_uint records_down;
};

/* What the handlers of one worker need; borrowed. */
struct routes {
    const struct config *config;
    struct twilio *twilio;
    struct readiness *readiness;
    bool draining; /* the worker stops: not ready any more */
};

/* An http_handler; arg is the struct routes. */
void routes_handle(void *arg, struct http_request *request);

#endif
