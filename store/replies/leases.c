/*
 * The partitions that a drain holds: asks for leases, takes what it gets, and leaves what is too
 * much. What is in a partition is left to replies_walk.c, when to ask to replies_drain.c.
 *
 *     FREE --on lease: partition_begin--> HELD --share became smaller, or rest--> LEAVING
 *      ^                                   |                                        |
 *      +--- partition_drop: the lease ran out, or is another's --+------------------+
 *      ^                                                                            |
 *      +--- given back with the next lease wish, when nothing is out or in removal -+
 *
 * A lease counts here from before the wish was sent, by the monotonic clock, and for less than it
 * lives: so it ends here before it ends there. When it does, what is out is cancelled.
 *
 * Invariants: at most one wish is under way; a partition that was dropped takes nothing from a read
 * that began before.
 */
#include "store/base/clock.h"
#include "store/replies/drain_parts.h"

#include <string.h>

#define FIRST_ID "0-0"
/* Looks at the leases, one after the other, that found replies where we see none. */
#define UNSEEN_MAX 3

static void partition_begin(struct partition *partition)
{
    partition->leaving = partition->reading = false;
    partition->unseen = 0;
    strcpy(partition->after, FIRST_ID);
}

static void on_forgotten(void *arg, struct replies_item *item)
{
    struct replies_drain *drain = arg;

    drain->out--;
    drain->sender.cancel(drain->sender.arg, &item->reply);
}

static void partition_drop(struct replies_drain *drain, unsigned n)
{
    struct partition *partition = &drain->partitions[n];

    people_forget(drain->people, n, on_forgotten, drain);
    partition->until = 0;
    partition->leaving = partition->reading = false;
    partition->loaded = partition->out = 0;
}

/* What is out comes to its end; the rest waits for the next holder. */
static void partition_leave(struct replies_drain *drain, unsigned n)
{
    struct partition *partition = &drain->partitions[n];

    people_forget_waiting(drain->people, n);
    partition->leaving = true;
    partition->reading = false;
    partition->loaded = partition->out;
    event_active(drain->tick, EV_TIMEOUT, 0);
}

bool partition_left(const struct partition *partition)
{
    return partition->leaving && partition->out == 0 && partition->removals == 0;
}

void leases_check(struct replies_drain *drain)
{
    int64_t now = clock_monotonic_ms();

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        int64_t until = drain->partitions[n].until;
        if (until != 0 && now >= until)
            partition_drop(drain, n);
    }
}

void leases_drop(struct replies_drain *drain)
{
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        partition_drop(drain, n);
}

unsigned partitions_held(const struct replies_drain *drain)
{
    unsigned held = 0;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        held += drain->partitions[n].until != 0;
    return held;
}

void leases_limit(struct replies_drain *drain, unsigned share)
{
    unsigned staying = 0;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        const struct partition *partition = &drain->partitions[n];
        if (partition->until == 0 || partition->leaving)
            continue;
        if (staying == share)
            partition_leave(drain, n);
        else
            staying++;
    }
}

void leases_ask(struct replies_drain *drain)
{
    struct replies_lease_wish wish = {
        .owner = drain->owner, .life_ms = drain->pace.life_ms, .take = !drain->resting};

    if (drain->leasing)
        return;
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        if (partition_left(&drain->partitions[n]))
            partition_drop(drain, n);
        wish.keep[n] = drain->partitions[n].until != 0;
    }
    drain->leasing = true;
    drain->wished_at = clock_monotonic_ms();
    if (backend_of(drain)->lease(drain->link, &wish) != STORE_LATER)
        drain->leasing = false;
}

/* A stream that began anew with smaller numbers (Redis lost its data, or its clock went back) is
 * read from its beginning. */
static void partition_look_again(struct partition *partition, uint64_t length)
{
    bool seen = length == 0 || partition->loaded > 0 || partition->removals > 0;

    partition->unseen = seen ? 0 : partition->unseen + 1;
    if (partition->unseen >= UNSEEN_MAX && !partition->reading)
        partition_begin(partition);
}

static void lease_apply(struct replies_drain *drain, const struct replies_lease *lease)
{
    int64_t until = drain->wished_at + drain->pace.life_ms - drain->pace.life_ms / 6;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        struct partition *partition = &drain->partitions[n];
        if (!lease->mine[n]) {
            if (partition->until != 0)
                partition_drop(drain, n);
            continue;
        }
        if (partition->until == 0)
            partition_begin(partition);
        partition->until = until;
        if (!partition->leaving)
            partition_look_again(partition, lease->length[n]);
    }
}

static void length_tell(struct replies_drain *drain, const struct replies_lease *lease)
{
    uint64_t length = 0;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        length += lease->length[n];
    if (drain->watch.length != NULL)
        drain->watch.length(drain->watch.arg, length, lease->oldest_age_ms, partitions_held(drain));
}

void replies_drain_leased(struct replies_drain *drain, const struct replies_lease *lease)
{
    drain->leasing = false;
    if (lease == NULL || drain->stopped)
        return;
    drain->told[0] = '\0';
    leases_check(drain);
    lease_apply(drain, lease);
    leases_check(drain); /* the answer may have come too late */
    leases_limit(drain, lease->share);
    if (drain->resting && partitions_held(drain) == 0)
        drain->told_to_rest = true;
    drain->oldest_age_ms = lease->oldest_age_ms;
    length_tell(drain, lease);
    event_active(drain->look, EV_TIMEOUT, 0);
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        if (partition_left(&drain->partitions[n]))
            event_active(drain->tick, EV_TIMEOUT, 0);
    }
}
