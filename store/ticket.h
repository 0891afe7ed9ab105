/*
 * A ticket: one operation of a store under way. It is embedded in the caller's own struct, which
 * outlives the operation. An operation either finishes at once, and its return value says how, or
 * returns STORE_LATER; then, and only then, `done` is called exactly once, later, on the thread of
 * the link's event loop, with `status` set. Nothing is called from inside the starting call, so
 * nothing recurses. Every operation finishes: the store's own timers see to it.
 */
#ifndef STORE_TICKET_H
#define STORE_TICKET_H

#include "store/base/error.h"
#include <stdbool.h>

enum store_status {
    STORE_OK,
    STORE_ABSENT,       /* load: there is no such session; claim: the person or record was erased */
    STORE_CONFLICT,     /* save: somebody saved in between; claim: the code is another person's */
    STORE_DOWN,         /* the store cannot be reached, failed, or did not answer in time */
    STORE_FULL,         /* a limit of ours is reached: too many operations in flight, or no room */
    STORE_REFUSED,      /* the store answers, and surely did nothing; claim: it is too old */
    STORE_UNREPLICATED, /* done, and too few replicas have it: a failover may lose it */
    STORE_LATER,        /* `done` will be called */
};

/* "ok", "absent", "conflict", "down", "full", "refused", "unreplicated", "later"; static. */
const char *store_status_name(enum store_status status);

struct store_ticket {
    void (*done)(struct store_ticket *ticket);
    enum store_status status;
    struct store_ticket *next; /* the store's own */
};

static inline void store_ticket_finish(struct store_ticket *ticket, enum store_status status)
{
    ticket->status = status;
    ticket->done(ticket);
}

/* Stores do not log: a link tells its owner, on the link's thread, when its state changes. `why`
 * is one line without secrets, valid during the call. */
struct store_watch {
    void (*changed)(void *arg, bool up, const char *why);
    void *arg;
};

#endif
