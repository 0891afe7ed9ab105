/*
 * The way of each reply through a drain: read from its partition, handed to the sender, removed
 * from the store. Which partitions are read is left to replies_leases.c, whose turn it is to
 * replies_people.c.
 *
 *     kept --read--> in its person's queue --hand_out--> out --replies_drain_done--> in removal
 *                     ^                                   |                             |
 *                     +--- REPLY_LATER: people_later -----+                             v
 *                                                                                     gone
 *
 * Until it is removed from the store it is sent again by whoever holds the partition next; so a
 * removal that failed is tried again, lease or no lease: it names a reply that came to its end, and
 * can do no harm.
 *
 * Invariant: at most one read is under way.
 */
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/replies/drain_parts.h"

#include <stdlib.h>
#include <string.h>

/* Replies of one partition in memory, and how many are read at a time. */
#define WINDOW 512
#define READ_MOST 32

/* Removing */

static void item_remove(struct replies_drain *drain, struct replies_item *item)
{
    replies_entry_wipe(&item->reply);
    if (backend_of(drain)->remove(drain->link, item->partition, item->id, item) != STORE_LATER)
        STAILQ_INSERT_TAIL(&drain->to_remove, item, next);
}

void replies_drain_remove_again(struct replies_drain *drain)
{
    struct replies_item *item = STAILQ_FIRST(&drain->to_remove);

    STAILQ_INIT(&drain->to_remove);
    while (item != NULL) {
        struct replies_item *next = STAILQ_NEXT(item, next);
        item_remove(drain, item);
        item = next;
    }
}

void replies_drain_removed(struct replies_item *item, bool removed)
{
    struct replies_drain *drain = item->drain;
    struct partition *partition = &drain->partitions[item->partition];

    if (!removed) {
        STAILQ_INSERT_TAIL(&drain->to_remove, item, next);
        return;
    }
    partition->removals--;
    replies_item_free(item);
    if (partition_left(partition) && !drain->stopped)
        event_active(drain->tick, EV_TIMEOUT, 0);
}

/* An item that is out, for its person, came to its end. */
static void item_end(struct replies_drain *drain, struct replies_item *item, bool sent)
{
    struct partition *partition = &drain->partitions[item->partition];

    if (sent && item->reply.sent_id != 0)
        backend_of(drain)->note(drain->link, item->who, item->id, item->reply.sent_id);
    people_done(drain->people, item, sent);
    partition->loaded--;
    partition->removals++;
    item_remove(drain, item);
}

/* Handing out */

/* Returns 0 and takes a token, or how many ms to wait for one. */
static int64_t token_take(struct replies_drain *drain)
{
    if (drain->link->store->settings.per_second == 0)
        return 0;
    double rate = drain->link->store->settings.per_second * (double)partitions_held(drain) /
                  REPLIES_PARTITIONS;
    int64_t now = clock_monotonic_ms();

    drain->tokens += rate * (double)(now - drain->tokens_at) / 1000;
    drain->tokens_at = now;
    if (drain->tokens > rate && drain->tokens > 1)
        drain->tokens = rate > 1 ? rate : 1;
    if (drain->tokens >= 1) {
        drain->tokens--;
        return 0;
    }
    return rate > 0 ? (int64_t)((1 - drain->tokens) * 1000 / rate) + 1 : 1000;
}

static void item_drop(struct replies_drain *drain, struct replies_item *item, enum reply_drop drop)
{
    item_end(drain, item, false);
    if (drain->watch.dropped != NULL)
        drain->watch.dropped(drain->watch.arg, drop);
}

/* By our clock and by the queue's: one that jumps makes no reply old. */
static bool is_too_old(const struct replies_drain *drain, const struct reply *reply)
{
    const int64_t age_max_ms = drain->link->store->settings.age_max_ms;

    return clock_wall_ms() - reply->created_ms > age_max_ms && drain->oldest_age_ms > age_max_ms;
}

static void item_hand_out(struct replies_drain *drain, struct replies_item *item)
{
    if (replies_entry_open(drain->link->seal, item->sealed, item->length, &item->reply) < 0) {
        item_drop(drain, item, REPLY_DAMAGED);
        return;
    }
    if (is_too_old(drain, &item->reply)) {
        item_drop(drain, item, REPLY_TOO_OLD);
        return;
    }
    drain->out++;
    drain->partitions[item->partition].out++;
    drain->sender.send(drain->sender.arg, &item->reply);
}

void replies_drain_hand_out(struct replies_drain *drain)
{
    if (drain->pouring || drain->stopped)
        return;
    drain->pouring = true;
    leases_check(drain);
    while (people_ready(drain->people) && drain->out < drain->sender.handed_out_max) {
        int64_t wait = token_take(drain);
        if (wait > 0) {
            timer_set(drain->pour, wait);
            break;
        }
        item_hand_out(drain, people_next(drain->people));
    }
    drain->pouring = false;
}

void replies_drain_done(struct replies_drain *drain, struct reply *reply, enum reply_end end,
                        int64_t delay_ms)
{
    struct replies_item *item = (struct replies_item *)reply;
    struct partition *partition = &drain->partitions[item->partition];

    drain->out--;
    partition->out--;
    replies_entry_wipe(reply);
    reply->attempts++;
    reply->transfer = NULL;
    if (end != REPLY_LATER) {
        item_end(drain, item, end == REPLY_SENT);
    } else if (partition->leaving) {
        people_done(drain->people, item, false);
        partition->loaded--;
        replies_item_free(item);
    } else {
        people_later(drain->people, item, backoff_jitter_ms(delay_ms));
    }
    if (partition_left(partition))
        event_active(drain->tick, EV_TIMEOUT, 0);
    event_active(drain->pour, EV_TIMEOUT, 0);
}

/* Reading */

static bool partition_reads(const struct partition *partition)
{
    return partition->until != 0 && !partition->leaving && partition->loaded + READ_MOST <= WINDOW;
}

void replies_drain_look(struct replies_drain *drain)
{
    struct replies_place places[REPLIES_PARTITIONS];
    size_t count = 0;

    if (drain->reading)
        return;
    timer_set(drain->look, drain->pace.look_ms);
    leases_check(drain);
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        struct partition *partition = &drain->partitions[n];
        if (partition_reads(partition)) {
            places[count++] = (struct replies_place){n, partition->after};
            partition->reading = true;
        }
    }
    if (count == 0)
        return;
    drain->reading = true;
    drain->found = false;
    if (backend_of(drain)->read(drain->link, places, count, READ_MOST) != STORE_LATER)
        drain->reading = false;
}

void replies_drain_found(struct replies_drain *drain, unsigned n, const struct replies_kept *kept)
{
    struct partition *partition = &drain->partitions[n];
    /* Who writes into the stream from outside confuses nobody but himself. */
    uint64_t who = replies_partition(kept->who) == n ? kept->who : n;

    if (!partition->reading || strlen(kept->id) >= REPLY_ID_MAX)
        return;
    struct replies_item *item = replies_item_create(n, kept);
    if (item == NULL || people_add(drain->people, who, item) < 0) {
        free(item);
        partition->reading = false; /* it is read again */
        return;
    }
    item->drain = drain;
    strcpy(partition->after, kept->id);
    partition->loaded++;
    drain->found = true;
}

void replies_drain_read(struct replies_drain *drain)
{
    drain->reading = false;
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        drain->partitions[n].reading = false;
    if (drain->stopped)
        return;
    if (drain->found)
        event_active(drain->look, EV_TIMEOUT, 0);
    replies_drain_hand_out(drain);
}

void replies_drain_notice(struct replies_drain *drain, unsigned partition)
{
    if (drain->partitions[partition].until != 0)
        event_active(drain->look, EV_TIMEOUT, 0);
}
