/*
 * Private to the replies: the people to whom a link has something to send, each with a queue of
 * his own, of which only the first reply may be out.
 *
 *     QUIET --people_add--> READY --people_next--> OUT --people_done, more wait--> READY
 *       ^                     ^                     |
 *       |                     +---- his timer ---- RESTING <-- people_later, or his pace
 *       +---- his timer, nothing waits ------------/
 *
 * His pace is the documented one: a message in 6 seconds, of which 45 may come at once and are
 * then waited for. Who was sent something is remembered for 6 seconds a message; so there are no
 * more people here than those with replies waiting and six seconds' worth of the rate.
 */
#ifndef STORE_REPLIES_PEOPLE_H
#define STORE_REPLIES_PEOPLE_H

#include "store/replies/backend.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

struct person;

/* A reply in memory. */
struct replies_item {
    struct reply reply; /* first; empty but while it is out */
    STAILQ_ENTRY(replies_item) next;
    struct replies_drain *drain;
    struct person *person; /* NULL: no more in his queue */
    unsigned partition;
    uint64_t who;
    char id[REPLY_ID_MAX];
    size_t length;
    unsigned char sealed[];
};

/* Returns NULL when memory is out. */
struct replies_item *replies_item_create(unsigned partition, const struct replies_kept *kept);
void replies_item_free(struct replies_item *item);

struct people;

/* `ready` is called from timers, when somebody rested long enough. Returns NULL when memory is
 * out. */
struct people *people_create(struct event_base *base, void (*ready)(void *arg), void *arg);
void people_free(struct people *people);

/* Takes the item, behind the person's others. Returns 0, or -1 when memory is out. */
int people_add(struct people *people, uint64_t who, struct replies_item *item);
/* The first reply of whoever is ready for longest; it is out then. NULL: nobody is ready. */
struct replies_item *people_next(struct people *people);
/* Back to where it was before people_next. */
void people_put_back(struct people *people, struct replies_item *item);
/* An item that is out leaves its queue, and is the caller's. `sent` counts for the pace. */
void people_done(struct people *people, struct replies_item *item, bool sent);
/* An item that is out waits, first in its queue. */
void people_later(struct people *people, struct replies_item *item, int64_t delay_ms);
/* Frees the items of a partition that wait. */
void people_forget_waiting(struct people *people, unsigned partition);
/* Forgets a partition's people and frees their items; `out` is called before for those that are
 * out. */
void people_forget(struct people *people, unsigned partition,
                   void (*out)(void *arg, struct replies_item *item), void *arg);
bool people_ready(const struct people *people);
/* How many are remembered. */
size_t people_count(const struct people *people);

#endif
