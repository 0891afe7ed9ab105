/*
 * Private to the outbox: what was put is not safe before so many replicas of Redis have it, lest a
 * failover loses it.
 *
 *     outbox_replicas_join(&replicas, link, &settings);
 *     outbox_replicas_await(&replicas, entry);     once Redis said, on this link, that it has it
 *     outbox_replicas_leave(&replicas);
 */
#ifndef STORE_OUTBOX_REPLICAS_H
#define STORE_OUTBOX_REPLICAS_H

#include "store/outbox.h"
#include "store/redis/link.h"

struct outbox_replicas {
    struct redis_lane lane;
    unsigned wanted;
    struct outbox_watch watch;
    struct store_ticket *asked, *waiting; /* for the WAIT under way; for the next one */
    size_t asked_count, count;            /* the latter of both */
};

void outbox_replicas_join(struct outbox_replicas *replicas, struct redis_link *link,
                          unsigned wanted, const struct outbox_watch *watch);
/* Entries that wait finish with STORE_DOWN, from here. */
void outbox_replicas_leave(struct outbox_replicas *replicas);

/* Its ticket is done later: STORE_OK, or STORE_DOWN when there were too few in time, or no
 * answer. */
void outbox_replicas_await(struct outbox_replicas *replicas, struct outbox_entry *entry);

#endif
