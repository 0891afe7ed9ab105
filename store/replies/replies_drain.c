/*
 * Sends what waits in the partitions that this link holds. Of a partition:
 *
 *     FREE --on lease: partition_begin--> HELD --share became smaller, or rest--> LEAVING
 *      ^                                   |                                        |
 *      +--- partition_drop: the lease ran out, or is another's --+------------------+
 *      ^                                                                            |
 *      +--- given back with the next lease wish, when nothing is out or in removal -+
 *
 * Of a reply: kept --read--> in its person's queue --hand_out--> out --replies_drain_done--> in
 * removal --> gone. Until it is removed from the store it is sent again by whoever holds the
 * partition next; so a removal that failed is tried again, lease or no lease: it names a reply that
 * came to its end, and can do no harm.
 *
 * A lease counts here from before the wish was sent, by the monotonic clock, and for less than it
 * lives: so it ends here before it ends there. When it does, what is out is cancelled.
 *
 * Invariants: at most one wish and one read are under way; a partition that was dropped takes
 * nothing from a read that began before.
 */
#include "store/replies/replies_drain.h"
#include "store/replies/replies_people.h"

#include <event2/event.h>
#include <event2/util.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OWNER_BYTES 16
/* Replies of one partition in memory, and how many are read at a time. */
#define WINDOW 512
#define READ_MOST 32
#define FIRST_ID "0-0"
/* Looks at the leases, one after the other, that found replies where we see none. */
#define UNSEEN_MAX 3

static const struct replies_drain_pace production_pace = {
    .tick_ms = 1000, .life_ms = 6000, .look_ms = 50};

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
    unsigned out;
    char told[STORE_ERROR_MAX]; /* the last trouble */
    double tokens;              /* hand-outs that are allowed now */
    int64_t tokens_at;
    STAILQ_HEAD(, replies_item) to_remove; /* their removal failed */
    struct partition partitions[REPLIES_PARTITIONS];
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From a time to a quarter more, so that nobody marches in step and nobody comes too early. */
static int64_t jitter(int64_t ms)
{
    uint32_t random;

    evutil_secure_rng_get_bytes(&random, sizeof(random));
    return ms + random % (ms / 4 + 1);
}

static void timer_set(struct event *timer, int64_t ms)
{
    event_add(timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static const struct replies_backend *backend_of(const struct replies_drain *drain)
{
    return drain->link->store->backend;
}

/* Partitions */

static bool partition_reads(const struct partition *partition)
{
    return partition->until != 0 && !partition->leaving && partition->loaded + READ_MOST <= WINDOW;
}

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

static bool partition_left(const struct partition *partition)
{
    return partition->leaving && partition->out == 0 && partition->removals == 0;
}

static void leases_check(struct replies_drain *drain)
{
    int64_t now = now_ms();

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        int64_t until = drain->partitions[n].until;
        if (until != 0 && now >= until)
            partition_drop(drain, n);
    }
}

static unsigned partitions_held(const struct replies_drain *drain)
{
    unsigned held = 0;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        held += drain->partitions[n].until != 0;
    return held;
}

/* Removing */

static void item_remove(struct replies_drain *drain, struct replies_item *item)
{
    replies_entry_wipe(&item->reply);
    if (backend_of(drain)->remove(drain->link, item->partition, item->id, item) != STORE_LATER)
        STAILQ_INSERT_TAIL(&drain->to_remove, item, next);
}

static void items_remove_again(struct replies_drain *drain)
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
    int64_t now = now_ms();

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

static void item_hand_out(struct replies_drain *drain, struct replies_item *item)
{
    const struct replies_settings *settings = &drain->link->store->settings;

    if (replies_entry_open(drain->link->seal, item->sealed, item->length, &item->reply) < 0) {
        item_drop(drain, item, REPLY_DAMAGED);
        return;
    }
    if (wall_ms() - item->reply.created_ms > settings->age_max_ms) {
        item_drop(drain, item, REPLY_TOO_OLD);
        return;
    }
    drain->out++;
    drain->partitions[item->partition].out++;
    drain->sender.send(drain->sender.arg, &item->reply);
}

static void hand_out(struct replies_drain *drain)
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

static void on_pour(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    hand_out(arg);
}

static void on_rested(void *arg)
{
    hand_out(arg);
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
        people_later(drain->people, item, jitter(delay_ms));
    }
    if (partition_left(partition))
        event_active(drain->tick, EV_TIMEOUT, 0);
    event_active(drain->pour, EV_TIMEOUT, 0);
}

/* Reading */

static void look(struct replies_drain *drain)
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

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
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
    hand_out(drain);
}

void replies_drain_notice(struct replies_drain *drain, unsigned partition)
{
    if (drain->partitions[partition].until != 0)
        event_active(drain->look, EV_TIMEOUT, 0);
}

/* Leases */

static void tick(struct replies_drain *drain)
{
    struct replies_lease_wish wish = {
        .owner = drain->owner, .life_ms = drain->pace.life_ms, .take = !drain->resting};

    timer_set(drain->tick, jitter(drain->pace.tick_ms));
    leases_check(drain);
    items_remove_again(drain);
    if (drain->leasing)
        return;
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        if (partition_left(&drain->partitions[n]))
            partition_drop(drain, n);
        wish.keep[n] = drain->partitions[n].until != 0;
    }
    drain->leasing = true;
    drain->wished_at = now_ms();
    if (backend_of(drain)->lease(drain->link, &wish) != STORE_LATER)
        drain->leasing = false;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tick(arg);
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

static void shares_even(struct replies_drain *drain, unsigned share)
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
    shares_even(drain, lease->share);
    if (drain->resting && partitions_held(drain) == 0)
        drain->told_to_rest = true;
    length_tell(drain, lease);
    look(drain);
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        if (partition_left(&drain->partitions[n]))
            event_active(drain->tick, EV_TIMEOUT, 0);
    }
}

void replies_drain_trouble(struct replies_drain *drain, const char *why)
{
    if (strcmp(why, drain->told) == 0)
        return;
    snprintf(drain->told, sizeof(drain->told), "%s", why);
    if (drain->watch.trouble != NULL)
        drain->watch.trouble(drain->watch.arg, why);
}

/* Life */

static int owner_name(char name[2 * OWNER_BYTES + 1])
{
    unsigned char random[OWNER_BYTES];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -1;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(name + 2 * i, 3, "%02x", random[i]);
    return 0;
}

struct replies_drain *replies_drain_start(struct replies_link *link, struct event_base *base,
                                          const struct replies_sender *sender,
                                          const struct replies_watch *watch)
{
    struct replies_drain *drain = calloc(1, sizeof(*drain));

    if (drain == NULL)
        return NULL;
    drain->link = link;
    drain->sender = *sender;
    if (watch != NULL)
        drain->watch = *watch;
    drain->pace = production_pace;
    STAILQ_INIT(&drain->to_remove);
    drain->people = people_create(base, on_rested, drain);
    drain->tick = evtimer_new(base, on_tick, drain);
    drain->look = evtimer_new(base, on_look, drain);
    drain->pour = evtimer_new(base, on_pour, drain);
    if (drain->people == NULL || drain->tick == NULL || drain->look == NULL ||
        drain->pour == NULL || owner_name(drain->owner) < 0) {
        replies_drain_free(drain);
        return NULL;
    }
    drain->tokens_at = now_ms();
    timer_set(drain->tick, 0);
    return drain;
}

void replies_drain_set_pace(struct replies_drain *drain, const struct replies_drain_pace *pace)
{
    drain->pace = *pace;
    timer_set(drain->tick, 0);
}

void replies_drain_wake(struct replies_drain *drain)
{
    if (!drain->stopped)
        event_active(drain->tick, EV_TIMEOUT, 0);
}

/* In memory nobody else sends what waits: so all goes on until nothing does. */
void replies_drain_rest(struct replies_drain *drain)
{
    if (!backend_of(drain)->lasting || drain->resting)
        return;
    drain->resting = true;
    shares_even(drain, 0);
    event_active(drain->tick, EV_TIMEOUT, 0);
}

bool replies_drain_at_rest(const struct replies_drain *drain)
{
    if (drain->out > 0)
        return false;
    if (!backend_of(drain)->lasting) {
        for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
            if (drain->partitions[n].loaded > 0)
                return false;
        }
        return true;
    }
    return drain->told_to_rest || !backend_of(drain)->up(drain->link);
}

void replies_drain_stop(struct replies_drain *drain)
{
    drain->stopped = true;
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        partition_drop(drain, n);
    event_del(drain->tick);
    event_del(drain->look);
    event_del(drain->pour);
}

void replies_drain_free(struct replies_drain *drain)
{
    struct replies_item *item;

    while ((item = STAILQ_FIRST(&drain->to_remove)) != NULL) {
        STAILQ_REMOVE_HEAD(&drain->to_remove, next);
        replies_item_free(item);
    }
    people_free(drain->people);
    if (drain->tick != NULL)
        event_free(drain->tick);
    if (drain->look != NULL)
        event_free(drain->look);
    if (drain->pour != NULL)
        event_free(drain->pour);
    free(drain);
}
