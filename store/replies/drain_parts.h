/*
 * Private to the drain: what its files share. replies_drain.c begins it, ends it and keeps its
 * time, replies_leases.c holds its partitions, replies_walk.c takes each reply through its states.
 */
#ifndef STORE_REPLIES_DRAIN_PARTS_H
#define STORE_REPLIES_DRAIN_PARTS_H

#include "store/replies/drain.h"
#include "store/replies/people.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define OWNER_BYTES 16

struct partition {
    int64_t until; /* of the lease; 0: not held */
    bool leaving;
    bool reading; /* the read under way counts */
    char after[REPLY_ID_MAX];
    unsigned loaded;   /* in queues, those that are out too */
    unsigned out;      /* handed out */
    unsigned removals; /* not yet confirmed; they may be of an earlier lease */
    unsigned unseen;
};

struct replies_drain {
    struct replies_link *link;
    struct replies_sender sender;
    struct replies_watch watch;
    struct replies_drain_pace pace;
    struct people *people;
    struct event *tick, *look, *pour;
    char owner[2 * OWNER_BYTES + 1];
    bool leasing, reading, found;
    bool resting, stopped, pouring;
    bool told_to_rest; /* nothing was held after the wish to take nothing */
    int64_t wished_at;
    int64_t oldest_age_ms; /* of all that wait, by the queue's own clock, at the last tick */
    unsigned out;
    char told[STORE_ERROR_MAX]; /* the last trouble */
    double tokens;              /* hand-outs that are allowed now */
    int64_t tokens_at;
    STAILQ_HEAD(, replies_item) to_remove; /* their removal failed */
    struct partition partitions[REPLIES_PARTITIONS];
};

/* Leases */

/* Asks for the partitions to hold from now on; what was left is given back thereby. */
void leases_ask(struct replies_drain *drain);
/* Drops the partitions whose leases ended, by our clock. */
void leases_check(struct replies_drain *drain);
/* Leaves the partitions beyond so many: their replies that are out come to their end. */
void leases_limit(struct replies_drain *drain, unsigned share);
/* Drops all partitions; what is out is cancelled. */
void leases_drop(struct replies_drain *drain);
/* How many there are, those being left too. */
unsigned partitions_held(const struct replies_drain *drain);
/* Nothing of it is out or in removal any more: a tick gives it back. */
bool partition_left(const struct partition *partition);

/* The walk of the replies */

/* Reads on, in each partition with room for more. */
void replies_drain_look(struct replies_drain *drain);
/* Hands out whatever is ready and allowed now. */
void replies_drain_hand_out(struct replies_drain *drain);
/* Tries again the removals that failed. */
void replies_drain_remove_again(struct replies_drain *drain);

/* For all of them */

static inline void timer_set(struct event *timer, int64_t ms)
{
    event_add(timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static inline const struct replies_backend *backend_of(const struct replies_drain *drain)
{
    return drain->link->store->backend;
}

#endif
