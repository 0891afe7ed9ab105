/*
 * Private to the replies: holds partitions by leases, reads them, hands their replies to the
 * sender, and takes out of the store what came to an end.
 */
#ifndef STORE_REPLIES_DRAIN_H
#define STORE_REPLIES_DRAIN_H

#include "store/replies/backend.h"

struct replies_drain_pace {
    unsigned tick_ms; /* between two looks at the leases */
    unsigned life_ms; /* of a lease */
    unsigned look_ms; /* between two looks for new replies, when there were none */
};

/* Begins when the loop runs. Returns NULL when memory or randomness is out. */
struct replies_drain *replies_drain_start(struct replies_link *link, struct event_base *base,
                                          const struct replies_sender *sender,
                                          const struct replies_watch *watch);
/* Cancels what is out. The backend may tell this drain of ends until it is freed. */
void replies_drain_stop(struct replies_drain *drain);
void replies_drain_free(struct replies_drain *drain);

/* The store can be reached again. */
void replies_drain_wake(struct replies_drain *drain);
/* This link put something into a partition. */
void replies_drain_notice(struct replies_drain *drain, unsigned partition);

void replies_drain_rest(struct replies_drain *drain);
bool replies_drain_at_rest(const struct replies_drain *drain);
void replies_drain_done(struct replies_drain *drain, struct reply *reply, enum reply_end end,
                        int64_t delay_ms);

/* From the backend, on the link's thread: how its operations ended. */

/* lease is NULL when it failed. */
void replies_drain_leased(struct replies_drain *drain, const struct replies_lease *lease);
/* Each reply that was found, in order; then once that this was all. */
void replies_drain_found(struct replies_drain *drain, unsigned partition,
                         const struct replies_kept *kept);
void replies_drain_read(struct replies_drain *drain);
void replies_drain_removed(struct replies_item *item, bool removed);

/* Beside that end: the store said why it failed. */
void replies_drain_trouble(struct replies_drain *drain, const char *why);

/* For tests: another pace, from now on. */
void replies_set_pace(struct replies_link *link, const struct replies_drain_pace *pace);
void replies_drain_set_pace(struct replies_drain *drain, const struct replies_drain_pace *pace);

#endif
