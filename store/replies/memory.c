/*
 * Replies in memory, shared by the threads of one process and lost with it. One lock guards all:
 * each operation holds it for a few list steps. Whether a reply was put before is known by a table
 * in which a key has one place: a later key may take it, and then the earlier one is forgotten. So
 * is which reply a person has last.
 */
#include "store/base/clock.h"
#include "store/replies/backend.h"
#include "store/replies/drain.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define KEYS 65536
#define NEWEST 16384

struct kept {
    TAILQ_ENTRY(kept) next;
    uint64_t id;
    int64_t put_at;
    uint64_t who;
    size_t length;
    unsigned char sealed[];
};

TAILQ_HEAD(kept_queue, kept);

struct put_key {
    uint64_t key;
    int64_t until;
};

struct newest {
    uint64_t who;
    uint64_t put;     /* the id in its queue of what was put last */
    uint64_t sent_id; /* 0: it was not sent yet */
    int64_t until;
};

struct memory_partition {
    struct kept_queue queue;
    uint64_t length;
    const struct replies_link *owner;
};

struct memory_store {
    struct replies_store store;
    pthread_mutex_t lock;
    unsigned links; /* that take partitions */
    uint64_t last_id;
    struct memory_partition partitions[REPLIES_PARTITIONS];
    struct put_key keys[KEYS];
    struct newest newest[NEWEST];
};

struct memory_link {
    struct replies_link link;
    bool takes; /* counted in links */
};

static struct memory_store *store_of(const struct replies_link *link)
{
    return (struct memory_store *)link->store;
}

static struct newest *newest_of(struct memory_store *store, uint64_t who)
{
    return &store->newest[who / REPLIES_PARTITIONS % NEWEST];
}

static struct kept *kept_create(const struct replies_kept *from)
{
    struct kept *kept = malloc(sizeof(*kept) + from->length);

    if (kept == NULL)
        return NULL;
    kept->put_at = clock_monotonic_ms();
    kept->who = from->who;
    kept->length = from->length;
    memcpy(kept->sealed, from->sealed, from->length);
    return kept;
}

/* With the lock. Returns whether the reply was taken, or had been before. */
static bool kept_append(struct memory_store *store, struct replies_entry *entry, struct kept *kept,
                        bool *appended)
{
    const struct replies_settings *settings = &store->store.settings;
    struct memory_partition *partition = &store->partitions[entry->partition];
    struct put_key *known = &store->keys[entry->key % KEYS];

    *appended = false;
    if (known->key == entry->key && known->until > kept->put_at)
        return true;
    if (partition->length >= (settings->length_max + REPLIES_PARTITIONS - 1) / REPLIES_PARTITIONS)
        return false;
    *known = (struct put_key){entry->key, kept->put_at + settings->put_ttl_ms};
    kept->id = ++store->last_id;
    *newest_of(store, kept->who) = (struct newest){kept->who, kept->id, 0, known->until};
    TAILQ_INSERT_TAIL(&partition->queue, kept, next);
    partition->length++;
    *appended = true;
    return true;
}

static enum store_status memory_put(struct replies_link *link, struct replies_entry *entry,
                                    const struct replies_kept *from)
{
    struct memory_store *store = store_of(link);
    struct kept *kept = kept_create(from);
    bool appended;

    if (kept == NULL)
        return STORE_FULL;
    pthread_mutex_lock(&store->lock);
    bool taken = kept_append(store, entry, kept, &appended);
    pthread_mutex_unlock(&store->lock);
    if (!appended)
        free(kept);
    else if (link->drain != NULL)
        replies_drain_notice(link->drain, entry->partition);
    return taken ? STORE_OK : STORE_FULL;
}

/* With the lock. Leases need no end here: who holds a partition lives. */
static void lease_fill(struct memory_store *store, struct memory_link *link,
                       const struct replies_lease_wish *wish, struct replies_lease *lease)
{
    int64_t now = clock_monotonic_ms(), oldest = now;
    unsigned held = 0;

    if (wish->take && !link->takes)
        store->links++;
    else if (!wish->take && link->takes)
        store->links--;
    link->takes = wish->take;
    lease->share = wish->take ? (REPLIES_PARTITIONS + store->links - 1) / store->links : 0;
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        struct memory_partition *partition = &store->partitions[n];
        const struct kept *first = TAILQ_FIRST(&partition->queue);
        if (partition->owner == &link->link && !wish->keep[n])
            partition->owner = NULL;
        held += partition->owner == &link->link;
        lease->length[n] = partition->length;
        if (first != NULL && first->put_at < oldest)
            oldest = first->put_at;
    }
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        struct memory_partition *partition = &store->partitions[n];
        if (partition->owner == NULL && held < lease->share) {
            partition->owner = &link->link;
            held++;
        }
        lease->mine[n] = partition->owner == &link->link;
    }
    lease->oldest_age_ms = now - oldest;
}

static enum store_status memory_lease(struct replies_link *link,
                                      const struct replies_lease_wish *wish)
{
    struct memory_store *store = store_of(link);
    struct replies_lease lease;

    pthread_mutex_lock(&store->lock);
    lease_fill(store, (struct memory_link *)link, wish, &lease);
    pthread_mutex_unlock(&store->lock);
    replies_drain_leased(link->drain, &lease);
    return STORE_LATER;
}

/* With the lock. */
static void partition_tell(struct replies_link *link, const struct replies_place *place,
                           unsigned most)
{
    struct memory_partition *partition = &store_of(link)->partitions[place->partition];
    uint64_t after = strtoull(place->after, NULL, 10);
    const struct kept *kept = TAILQ_LAST(&partition->queue, kept_queue);
    char id[REPLY_ID_MAX];

    if (kept == NULL || kept->id <= after)
        return;
    for (kept = TAILQ_FIRST(&partition->queue); kept != NULL && most > 0;
         kept = TAILQ_NEXT(kept, next)) {
        if (kept->id <= after)
            continue;
        snprintf(id, sizeof(id), "%" PRIu64, kept->id);
        replies_drain_found(
            link->drain, place->partition,
            &(struct replies_kept){
                .id = id, .who = kept->who, .sealed = kept->sealed, .length = kept->length});
        most--;
    }
}

static enum store_status memory_read(struct replies_link *link, const struct replies_place *places,
                                     size_t count, unsigned most)
{
    struct memory_store *store = store_of(link);

    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < count; i++)
        partition_tell(link, &places[i], most);
    pthread_mutex_unlock(&store->lock);
    replies_drain_read(link->drain);
    return STORE_LATER;
}

static enum store_status memory_remove(struct replies_link *link, unsigned n, const char *text,
                                       struct replies_item *item)
{
    struct memory_store *store = store_of(link);
    struct memory_partition *partition = &store->partitions[n];
    uint64_t id = strtoull(text, NULL, 10);
    struct kept *kept;

    pthread_mutex_lock(&store->lock);
    TAILQ_FOREACH(kept, &partition->queue, next)
    {
        if (kept->id == id)
            break;
    }
    if (kept != NULL) {
        TAILQ_REMOVE(&partition->queue, kept, next);
        partition->length--;
    }
    pthread_mutex_unlock(&store->lock);
    free(kept);
    replies_drain_removed(item, true);
    return STORE_LATER;
}

static void memory_note(struct replies_link *link, uint64_t who, const char *id, uint64_t sent_id)
{
    struct memory_store *store = store_of(link);
    struct newest *noted = newest_of(store, who);

    pthread_mutex_lock(&store->lock);
    if (noted->who == who && noted->put == strtoull(id, NULL, 10))
        noted->sent_id = sent_id;
    pthread_mutex_unlock(&store->lock);
}

static enum store_status memory_newest(struct replies_link *link, uint64_t who,
                                       struct replies_newest *newest)
{
    struct memory_store *store = store_of(link);
    const struct newest *noted = newest_of(store, who);

    pthread_mutex_lock(&store->lock);
    if (noted->who == who && noted->until > clock_monotonic_ms())
        newest->id = noted->sent_id;
    pthread_mutex_unlock(&store->lock);
    return newest->id != 0 ? STORE_OK : STORE_ABSENT;
}

static struct replies_store *memory_open(const struct replies_settings *settings,
                                         char error[STORE_ERROR_MAX])
{
    struct memory_store *store = calloc(1, sizeof(*store));

    (void)settings;
    if (store == NULL || pthread_mutex_init(&store->lock, NULL) != 0) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        free(store);
        return NULL;
    }
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++)
        TAILQ_INIT(&store->partitions[n].queue);
    return &store->store;
}

static void memory_close(struct replies_store *replies)
{
    struct memory_store *store = (struct memory_store *)replies;
    struct kept *kept;

    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        while ((kept = TAILQ_FIRST(&store->partitions[n].queue)) != NULL) {
            TAILQ_REMOVE(&store->partitions[n].queue, kept, next);
            free(kept);
        }
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static struct replies_link *memory_attach(struct replies_store *store,
                                          const struct redis_links *redis,
                                          void (*changed)(void *arg, bool up, const char *why),
                                          char error[STORE_ERROR_MAX])
{
    struct memory_link *link = calloc(1, sizeof(*link));

    (void)redis;
    (void)changed;
    if (link == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    link->link.store = store;
    return &link->link;
}

static void memory_detach(struct replies_link *link)
{
    struct memory_store *store = store_of(link);

    pthread_mutex_lock(&store->lock);
    for (unsigned n = 0; n < REPLIES_PARTITIONS; n++) {
        if (store->partitions[n].owner == link)
            store->partitions[n].owner = NULL;
    }
    if (((struct memory_link *)link)->takes)
        store->links--;
    pthread_mutex_unlock(&store->lock);
    free(link);
}

static bool memory_up(const struct replies_link *link)
{
    (void)link;
    return true;
}

const struct replies_backend replies_memory = {
    .open = memory_open,
    .close = memory_close,
    .attach = memory_attach,
    .detach = memory_detach,
    .up = memory_up,
    .put = memory_put,
    .lease = memory_lease,
    .read = memory_read,
    .remove = memory_remove,
    .note = memory_note,
    .newest = memory_newest,
};
