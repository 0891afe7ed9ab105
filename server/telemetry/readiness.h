/* Whether the stores serve, as /ready, /metrics and statistics tell it. */
#ifndef SERVER_TELEMETRY_READINESS_H
#define SERVER_TELEMETRY_READINESS_H

#include <stdatomic.h>
#include <stdbool.h>

/* How many workers have lost which store, so that every worker tells the same of all. */
struct readiness {
    atomic_uint sessions_down;
    atomic_uint records_down;
    atomic_uint redis_refusal; /* an enum redis_refusal, while sessions are down */
    atomic_uint redis_risks;   /* as bits: told already */
    atomic_bool foreign;       /* a store is of another salt or flow: nothing is served any more */
};

#endif
