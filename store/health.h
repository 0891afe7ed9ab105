/*
 * Whether a Redis that answers can serve us, and what it may lose: found out by trying, and read in
 * what it tells of itself.
 */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "store/ticket.h"
#include <stdbool.h>
#include <stdint.h>

/* Why Redis refuses what sessions need. */
enum redis_refusal {
    REDIS_SERVES,
    REDIS_IS_CLUSTER,   /* a session and its mark are in different slots */
    REDIS_FORBIDS,      /* an ACL */
    REDIS_IS_FULL,      /* maxmemory, and no eviction */
    REDIS_CANNOT_WRITE, /* to its disk */
    REDIS_LACKS_REPLICAS,
    REDIS_IS_FOREIGN, /* it belongs to another salt or flow: all commands */
    REDIS_REFUSES_OTHERWISE,
};

/* All zero where Redis, or whoever stands before it, tells nothing. */
struct redis_survey {
    bool known;         /* it answered INFO */
    char evicts[24];    /* the maxmemory-policy that lets it throw sessions away; "": none */
    bool forgets;       /* it writes neither snapshots nor an append-only file */
    bool asks_replicas; /* min-replicas-to-write */
    unsigned replicas;  /* connected */
    int64_t clock_s;    /* what time it is there, since 1970; 0: it does not say */
};

struct redis_health {
    enum redis_refusal refusal;
    struct redis_survey survey;
};

/* Does once what the stores do, each script too, under names of its own that nobody else has and
 * that end by themselves; and asks for so many replicas. Blocking, at most deadline_ms for each of
 * some twenty commands: for the command line. Returns 0, or -1 with error, and health->refusal when
 * Redis answered; *acknowledged is how many replicas had a record in time. */
int redis_health_check(const char *url, unsigned deadline_ms, unsigned replicas,
                       struct redis_health *health, unsigned *acknowledged, char error[ERROR_MAX]);

#endif
