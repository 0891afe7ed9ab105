/*
 * Sessions in this process, under one lock: two tables of sealed values by name, one of sessions
 * and one of marks. All values of a table live equally long, so that its queue, in the order of
 * saving, is in the order of expiry: nothing scans, and what has expired is at the head. When the
 * table of sessions is full nobody new gets in; of marks the oldest gives way.
 */
#include "store/base/clock.h"
#include "store/sessions/backend.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Expired values that one save clears away, at most: more than it adds. */
#define SWEEP_STEPS 4

struct kept {
    char name[SESSION_NAME_MAX]; /* first: by it the tree finds it */
    TAILQ_ENTRY(kept) in_queue;
    int64_t expires;
    size_t length;
    unsigned char bytes[];
};

struct table {
    TAILQ_HEAD(, kept) queue;
    void *tree; /* of search.h */
    size_t count;
    unsigned ttl_ms;
};

struct session_memory {
    pthread_mutex_t lock;
    int64_t (*clock_ms)(void);
    size_t max; /* values in each table */
    struct table sessions, marks;
};

static int names_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Also of one that has expired. */
static struct kept *table_find(const struct table *table, const char *name)
{
    struct kept *const *found = tfind(name, &table->tree, names_compare);

    return found != NULL ? *found : NULL;
}

/* What lives under the name, or nothing. */
static struct session_value table_get(const struct table *table, const char *name, int64_t now)
{
    const struct kept *kept = table_find(table, name);

    return kept != NULL && now < kept->expires ? (struct session_value){kept->bytes, kept->length}
                                               : (struct session_value){0};
}

static void table_remove(struct table *table, struct kept *kept)
{
    if (kept == NULL)
        return;
    tdelete(kept, &table->tree, names_compare);
    TAILQ_REMOVE(&table->queue, kept, in_queue);
    table->count--;
    free(kept);
}

static void table_sweep(struct table *table, int64_t now)
{
    for (int step = 0; step < SWEEP_STEPS; step++) {
        struct kept *oldest = TAILQ_FIRST(&table->queue);
        if (oldest == NULL || now < oldest->expires)
            return;
        table_remove(table, oldest);
    }
}

/* Takes a value, which is not empty, in the place of what the name had. Returns 0, or -1 when
 * memory is out. */
static int table_put(struct table *table, const char *name, struct session_value value, int64_t now)
{
    struct kept *kept = malloc(sizeof *kept + value.length);

    if (kept == NULL)
        return -1;
    memcpy(kept->name, name, SESSION_NAME_MAX);
    kept->expires = now + table->ttl_ms;
    kept->length = value.length;
    memcpy(kept->bytes, value.bytes, value.length);
    table_remove(table, table_find(table, name));
    if (tsearch(kept, &table->tree, names_compare) == NULL) {
        free(kept);
        return -1;
    }
    TAILQ_INSERT_TAIL(&table->queue, kept, in_queue);
    table->count++;
    return 0;
}

/* Puts a value; an empty one is none. */
static int table_set(struct table *table, const char *name, struct session_value value, int64_t now)
{
    if (value.length > 0)
        return table_put(table, name, value, now);
    table_remove(table, table_find(table, name));
    return 0;
}

static enum store_status memory_load(struct session_link *link, struct session *session)
{
    struct session_memory *memory = link->store->memory;

    pthread_mutex_lock(&memory->lock);
    const int64_t now = memory->clock_ms();
    struct session_value value = table_get(&memory->sessions, session->name, now);
    struct session_value mark = table_get(&memory->marks, session->name, now);
    if (value.length > 0)
        value.bytes = memcpy(link->value, value.bytes, value.length);
    if (mark.length > 0)
        mark.bytes = memcpy(link->mark, mark.bytes, mark.length);
    pthread_mutex_unlock(&memory->lock);
    return session_loaded(session, value, mark, 0); /* nobody else can put a value there */
}

static bool version_matches(struct session_value value, const struct session_known *known)
{
    if (value.length == 0)
        return known->version_length == 0;
    return known->version_length == SESSION_VERSION_SIZE &&
           memcmp(known->version, value.bytes, SESSION_VERSION_SIZE) == 0;
}

/* The session last: what fails before it has changed nothing that counts. */
static enum store_status locked_save(struct session_memory *memory, const struct session *session,
                                     struct session_value value, const struct session_value *mark)
{
    struct table *sessions = &memory->sessions, *marks = &memory->marks;
    const int64_t now = memory->clock_ms();

    table_sweep(sessions, now);
    table_sweep(marks, now);
    if (!version_matches(table_get(sessions, session->name, now), &session->known))
        return STORE_CONFLICT;
    if (value.length > 0 && sessions->count >= memory->max &&
        table_find(sessions, session->name) == NULL)
        return STORE_FULL;
    if (mark != NULL && table_set(marks, session->name, *mark, now) != 0)
        return STORE_FULL;
    if (marks->count > memory->max)
        table_remove(marks, TAILQ_FIRST(&marks->queue));
    return table_set(sessions, session->name, value, now) == 0 ? STORE_OK : STORE_FULL;
}

static enum store_status memory_save(struct session_link *link, struct session *session,
                                     struct session_value value, const struct session_value *mark)
{
    struct session_memory *memory = link->store->memory;

    pthread_mutex_lock(&memory->lock);
    const enum store_status status = locked_save(memory, session, value, mark);
    pthread_mutex_unlock(&memory->lock);
    return status == STORE_OK ? session_saved(session) : status;
}

static bool table_forget(struct table *table, const char *name, int64_t now)
{
    const bool found = table_get(table, name, now).length > 0;

    table_remove(table, table_find(table, name));
    return found;
}

static enum store_status memory_forget(struct session_link *link, struct session *session,
                                       bool keep_mark)
{
    struct session_memory *memory = link->store->memory;

    pthread_mutex_lock(&memory->lock);
    const int64_t now = memory->clock_ms();
    bool found = table_forget(&memory->sessions, session->name, now);
    if (!keep_mark && table_forget(&memory->marks, session->name, now))
        found = true;
    pthread_mutex_unlock(&memory->lock);
    return found ? STORE_OK : STORE_ABSENT;
}

/* Life */

static void table_init(struct table *table, unsigned ttl_ms)
{
    TAILQ_INIT(&table->queue);
    table->ttl_ms = ttl_ms;
}

static void table_deinit(struct table *table)
{
    while (table->count > 0)
        table_remove(table, TAILQ_FIRST(&table->queue));
}

struct session_memory *session_memory_open(const struct session_settings *settings)
{
    struct session_memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL)
        return NULL;
    pthread_mutex_init(&memory->lock, NULL);
    memory->clock_ms = clock_monotonic_ms;
    memory->max = settings->memory_max;
    table_init(&memory->sessions, settings->ttl_ms);
    table_init(&memory->marks, settings->mark_ttl_ms);
    return memory;
}

void session_memory_close(struct session_memory *memory)
{
    if (memory == NULL)
        return;
    table_deinit(&memory->sessions);
    table_deinit(&memory->marks);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

void session_memory_set_clock(struct session_store *store, int64_t (*clock_ms)(void))
{
    store->memory->clock_ms = clock_ms;
}

size_t session_memory_count(struct session_store *store)
{
    return store->memory->sessions.count;
}

const struct session_backend session_memory = {
    .load = memory_load,
    .save = memory_save,
    .forget = memory_forget,
};
