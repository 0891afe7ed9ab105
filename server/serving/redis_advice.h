/*
 * What is to be said and done about a Redis that answers and does not serve us, or may lose what it
 * was told. English, and French beside it where people read it.
 */
#ifndef SERVER_SERVING_REDIS_ADVICE_H
#define SERVER_SERVING_REDIS_ADVICE_H

#include "store/health.h"

struct redis_advice {
    const char *english;
    const char *french;
};

/* NULL when it serves. */
const struct redis_advice *redis_advice(enum redis_refusal refusal);

/* What it may lose: the kinds of loss are numbered. NULL where this one does not threaten. */
enum { REDIS_EVICTS, REDIS_FORGETS, REDIS_ASKS_NO_REPLICA, REDIS_LACKS_REPLICA, REDIS_RISKS };
const struct redis_advice *redis_risk(unsigned risk, const struct redis_survey *survey,
                                      unsigned outbox_replicas);

#endif
