/*
 * Sessions in memory, shared by the threads of one process. Names are spread over shards, each with
 * a lock, a hash table and two queues in the order of saving, which is the order of expiry:
 *
 *     (absent) --save--> SESSIONS --expires--> MARKS --expires--> (absent)
 *
 * An entry in MARKS is the mark of a session that is gone. Entries never change: a save puts a new
 * one in the place of the old. Nothing scans: what has expired is at the head of its queue. Live
 * sessions are at most memory_max, counted over all shards; so are lone marks, counted for each
 * shard, where the oldest gives way.
 */
#include "store/base/clock.h"
#include "store/sessions/backend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SHARDS 64
#define BUCKETS_MAX 65536
/* Expired entries that one save clears away, at most: more than a save adds. */
#define SWEEP_STEPS 4

enum entry_kind { SESSIONS, MARKS };

struct entry {
    TAILQ_ENTRY(entry) in_queue;
    struct entry *next; /* in its bucket */
    char name[SESSION_NAME_MAX];
    enum entry_kind kind;
    int64_t expires; /* the session; in MARKS, the mark */
    int64_t mark_expires;
    size_t value_length;
    size_t mark_length;
    unsigned char bytes[]; /* value and mark, sealed */
};

TAILQ_HEAD(entry_queue, entry);

struct shard {
    pthread_mutex_t lock;
    struct entry_queue queues[2]; /* by entry_kind */
    struct entry **buckets;
    size_t marks; /* entries in queues[MARKS] */
};

struct memory_store {
    struct session_store store;
    int64_t (*clock_ms)(void);
    size_t marks_max; /* in one shard */
    size_t buckets;   /* in one shard; a power of two */
    atomic_size_t sessions;
    atomic_uint sweep_turn;
    struct shard shards[SHARDS];
};

/* FNV-1a. Names come from a keyed hash, so nobody outside chooses where they fall. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash ^ hash >> 32;
}

static struct shard *shard_of(struct memory_store *store, const char *name)
{
    return &store->shards[name_hash(name) % SHARDS];
}

static struct entry **bucket_of(const struct memory_store *store, struct shard *shard,
                                const char *name)
{
    return &shard->buckets[name_hash(name) / SHARDS & (store->buckets - 1)];
}

static void entry_remove(struct memory_store *store, struct shard *shard, struct entry *entry)
{
    struct entry **place = bucket_of(store, shard, entry->name);
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    TAILQ_REMOVE(&shard->queues[entry->kind], entry, in_queue);
    if (entry->kind == SESSIONS)
        atomic_fetch_sub(&store->sessions, 1);
    else
        shard->marks--;
    free(entry);
}

/* With a value it is a session, which the caller has counted; without, a lone mark. */
static struct entry *entry_create(const char *name, struct session_value value,
                                  struct session_value mark, int64_t expires, int64_t mark_expires)
{
    struct entry *entry = malloc(sizeof *entry + value.length + mark.length);
    if (entry == NULL)
        return NULL;
    memcpy(entry->name, name, SESSION_NAME_MAX);
    entry->kind = value.length > 0 ? SESSIONS : MARKS;
    entry->expires = entry->kind == SESSIONS ? expires : mark_expires;
    entry->mark_expires = mark_expires;
    entry->value_length = value.length;
    entry->mark_length = mark.length;
    if (value.length > 0)
        memcpy(entry->bytes, value.bytes, value.length);
    if (mark.length > 0)
        memcpy(entry->bytes + value.length, mark.bytes, mark.length);
    return entry;
}

static void entry_insert(struct memory_store *store, struct shard *shard, struct entry *entry)
{
    struct entry **bucket = bucket_of(store, shard, entry->name);

    if (entry->kind == MARKS && ++shard->marks > store->marks_max)
        entry_remove(store, shard, TAILQ_FIRST(&shard->queues[MARKS]));
    entry->next = *bucket;
    *bucket = entry;
    TAILQ_INSERT_TAIL(&shard->queues[entry->kind], entry, in_queue);
}

static struct session_value entry_mark(const struct entry *entry, int64_t now)
{
    if (now >= entry->mark_expires)
        return (struct session_value){0};
    return (struct session_value){entry->bytes + entry->value_length, entry->mark_length};
}

/* Of a session that has expired the mark stays, if its time has not come and there is memory. */
static void entry_expire(struct memory_store *store, struct shard *shard, struct entry *entry,
                         int64_t now)
{
    struct session_value mark = entry_mark(entry, now);
    struct entry *left = NULL;

    if (entry->kind == SESSIONS && mark.length > 0)
        left = entry_create(entry->name, (struct session_value){0}, mark, 0, entry->mark_expires);
    entry_remove(store, shard, entry);
    if (left != NULL)
        entry_insert(store, shard, left);
}

/* What lives under the name, or NULL. */
static struct entry *entry_find(struct memory_store *store, struct shard *shard, const char *name,
                                int64_t now)
{
    struct entry *entry = *bucket_of(store, shard, name);
    while (entry != NULL && strcmp(entry->name, name) != 0)
        entry = entry->next;
    if (entry == NULL || now < entry->expires)
        return entry;
    entry_expire(store, shard, entry, now);
    return entry_find(store, shard, name, now); /* the mark that stayed; it ends here */
}

/* Clears away what has expired, `steps` entries at most. */
static void shard_sweep(struct memory_store *store, struct shard *shard, size_t steps)
{
    int64_t now = store->clock_ms();

    pthread_mutex_lock(&shard->lock);
    for (int kind = SESSIONS; kind <= MARKS; kind++) {
        for (; steps > 0; steps--) {
            struct entry *entry = TAILQ_FIRST(&shard->queues[kind]);
            if (entry == NULL || now < entry->expires)
                break;
            entry_expire(store, shard, entry, now);
        }
    }
    pthread_mutex_unlock(&shard->lock);
}

static enum store_status memory_load(struct session_link *link, struct session *session)
{
    struct memory_store *store = (struct memory_store *)link->store;
    struct shard *shard = shard_of(store, session->name);
    struct session_value value = {0}, mark = {0};
    int64_t now = store->clock_ms();

    pthread_mutex_lock(&shard->lock);
    struct entry *entry = entry_find(store, shard, session->name, now);
    if (entry != NULL) {
        value = (struct session_value){entry->bytes, entry->value_length};
        mark = entry_mark(entry, now);
    }
    enum store_status status = session_loaded(session, value, mark);
    pthread_mutex_unlock(&shard->lock);
    return status;
}

static bool version_matches(const struct entry *entry, const struct session *session)
{
    if (entry == NULL || entry->kind != SESSIONS)
        return session->version_length == 0;
    return session->version_length == SESSION_VERSION_SIZE &&
           memcmp(session->version, entry->bytes, SESSION_VERSION_SIZE) == 0;
}

/* Counts one session more, if there is room. One that replaces another may pass the limit until
 * the other is removed. */
static bool session_admit(struct memory_store *store, const struct entry *replaced)
{
    if (atomic_fetch_add(&store->sessions, 1) < store->store.settings.memory_max)
        return true;
    if (replaced != NULL && replaced->kind == SESSIONS)
        return true;
    atomic_fetch_sub(&store->sessions, 1);
    return false;
}

static enum store_status shard_put(struct memory_store *store, struct shard *shard,
                                   const struct session *session, struct session_value value,
                                   struct session_value mark)
{
    const struct session_settings *settings = &store->store.settings;
    int64_t now = store->clock_ms();
    struct entry *old = entry_find(store, shard, session->name, now);
    struct entry *new = NULL;

    if (!version_matches(old, session))
        return STORE_CONFLICT;
    if (value.length > 0 || mark.length > 0) {
        new = entry_create(session->name, value, mark, now + settings->ttl_ms,
                           now + settings->mark_ttl_ms);
        if (new == NULL)
            return STORE_FULL;
    }
    if (value.length > 0 && !session_admit(store, old)) {
        free(new);
        return STORE_FULL;
    }
    if (old != NULL)
        entry_remove(store, shard, old);
    if (new != NULL)
        entry_insert(store, shard, new);
    return STORE_OK;
}

static enum store_status locked_put(struct memory_store *store, const struct session *session,
                                    struct session_value value, struct session_value mark)
{
    struct shard *shard = shard_of(store, session->name);

    pthread_mutex_lock(&shard->lock);
    enum store_status status = shard_put(store, shard, session, value, mark);
    pthread_mutex_unlock(&shard->lock);
    return status;
}

static enum store_status memory_save(struct session_link *link, struct session *session)
{
    struct memory_store *store = (struct memory_store *)link->store;
    struct session_value value, mark;

    if (session_seal(session, &value, &mark) != 0)
        return STORE_DOWN;
    unsigned turn = atomic_fetch_add(&store->sweep_turn, 1) % SHARDS;
    shard_sweep(store, &store->shards[turn], SWEEP_STEPS);
    enum store_status status = locked_put(store, session, value, mark);
    if (status == STORE_FULL) {
        for (size_t i = 0; i < SHARDS; i++)
            shard_sweep(store, &store->shards[i], SIZE_MAX);
        status = locked_put(store, session, value, mark);
    }
    return status == STORE_OK ? session_saved(session) : status;
}

/* A session whose mark is kept goes the way of one that has expired. */
static enum store_status memory_forget(struct session_link *link, struct session *session,
                                       bool keep_mark)
{
    struct memory_store *store = (struct memory_store *)link->store;
    struct shard *shard = shard_of(store, session->name);
    int64_t now = store->clock_ms();

    pthread_mutex_lock(&shard->lock);
    struct entry *entry = entry_find(store, shard, session->name, now);
    bool found = entry != NULL && (entry->kind == SESSIONS || !keep_mark);
    if (found && keep_mark)
        entry_expire(store, shard, entry, now);
    else if (found)
        entry_remove(store, shard, entry);
    pthread_mutex_unlock(&shard->lock);
    return found ? STORE_OK : STORE_ABSENT;
}

static const struct redis_health *memory_health(const struct session_link *link)
{
    static const struct redis_health well;

    (void)link;
    return &well;
}

static bool memory_up(const struct session_link *link)
{
    (void)link;
    return true;
}

static struct session_link *memory_attach(struct redis_link *redis, unsigned in_flight_max,
                                          const struct store_watch *watch)
{
    (void)redis;
    (void)in_flight_max;
    (void)watch;
    return calloc(1, sizeof(struct session_link));
}

static void memory_detach(struct session_link *link)
{
    free(link);
}

static void memory_close(struct session_store *opened)
{
    struct memory_store *store = (struct memory_store *)opened;

    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &store->shards[i];
        for (int kind = SESSIONS; kind <= MARKS; kind++) {
            struct entry *entry;
            while ((entry = TAILQ_FIRST(&shard->queues[kind])) != NULL)
                entry_remove(store, shard, entry);
        }
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(store);
}

static struct session_store *memory_open(const struct session_settings *settings,
                                         char error[STORE_ERROR_MAX])
{
    bool complete = true;
    struct memory_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    store->clock_ms = clock_monotonic_ms;
    store->marks_max = settings->memory_max / SHARDS + 1;
    store->buckets = 8;
    while (store->buckets < BUCKETS_MAX && store->buckets * SHARDS < settings->memory_max)
        store->buckets *= 2;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        TAILQ_INIT(&shard->queues[SESSIONS]);
        TAILQ_INIT(&shard->queues[MARKS]);
        shard->buckets = calloc(store->buckets, sizeof *shard->buckets);
        complete = complete && shard->buckets != NULL;
    }
    if (!complete) {
        snprintf(error, STORE_ERROR_MAX, "out of memory for %zu sessions", settings->memory_max);
        memory_close(&store->store);
        return NULL;
    }
    return &store->store;
}

void session_memory_set_clock(struct session_store *store, int64_t (*clock_ms)(void))
{
    ((struct memory_store *)store)->clock_ms = clock_ms;
}

size_t session_memory_count(struct session_store *store)
{
    return atomic_load(&((struct memory_store *)store)->sessions);
}

const struct session_backend session_memory = {
    .open = memory_open,
    .close = memory_close,
    .attach = memory_attach,
    .detach = memory_detach,
    .up = memory_up,
    .health = memory_health,
    .load = memory_load,
    .save = memory_save,
    .forget = memory_forget,
};
