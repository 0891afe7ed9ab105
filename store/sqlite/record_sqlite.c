/*
 * Records in SQLite: one writer thread for the process, which takes whatever claims wait as one
 * transaction. How a claim becomes SQL is sqlite_writer.c's affair.
 *
 *     record_claim ──> store.waiting ──writer thread──> thread_link.h ──> ticket.done
 *     (link's thread)                   one commit                   (link's thread)
 *
 * The mutex of the links guards everything that is not marked as one thread's own.
 */
#include "store/base/clock.h"
#include "store/claim_list.h"
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include "store/sqlite/sqlite_writer.h"
#include "store/thread_link.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* While the database is down and nobody claims, a write is tried this often. */
#define RETRY_SECONDS 1

struct sqlite_store {
    struct record_store store;
    char *path;
    struct sqlite_writer *writer; /* the thread's own; NULL: open again before the next batch */
    bool up;                      /* the thread's own, like the links know it */
    pthread_t thread;
    struct thread_links links;
    pthread_cond_t work; /* to the writer: something waits, or stop */
    struct claim_list waiting;
    struct record_sweep *sweep;  /* waits */
    struct record_totals *asked; /* wait, the last one first */
    bool stopping;
};

struct sqlite_link {
    struct record_link link;
    struct sqlite_store *store;
};

static int batch_commit(struct sqlite_store *store, struct record_claim *claims,
                        char why[STORE_ERROR_MAX])
{
    if (!store->writer)
        store->writer = sqlite_writer_open(store->path, why);
    if (!store->writer)
        return -1;
    if (sqlite_writer_commit(store->writer, claims, why) == 0)
        return 0;
    /* Open again next time: the file may have been replaced, or opened before it was writable. */
    if (!sqlite_path_is_memory(store->path)) {
        sqlite_writer_close(store->writer);
        store->writer = NULL;
    }
    return -1;
}

/* A step of a sweep, after the claims; a database that took no claims is left alone. */
static void sweep_run(struct sqlite_store *store, struct record_sweep *sweep, bool up)
{
    char why[STORE_ERROR_MAX];

    sweep->ticket.status = STORE_DOWN;
    if (up && store->writer && sqlite_writer_sweep(store->writer, sweep, why) == 0)
        sweep->ticket.status = STORE_OK;
}

/* Totals stand in a table that is small: they are read between two batches. */
static void totals_run(struct sqlite_store *store, struct record_totals *asked)
{
    char why[STORE_ERROR_MAX];

    for (struct record_totals *totals = asked; totals; totals = totals->next) {
        totals->ticket.status =
            store->writer && sqlite_writer_totals(store->writer, totals, why) == 0 ? STORE_OK
                                                                                   : STORE_DOWN;
    }
}

static void totals_finish(struct record_totals *asked)
{
    while (asked) {
        struct record_totals *totals = asked;
        asked = totals->next;
        thread_link_finish(&totals->link->thread, &totals->ticket);
    }
}

/* Gives the claims back to their links; all links hear of a change. */
static void batch_finish(struct sqlite_store *store, struct claim_list *batch, bool up,
                         const char *why)
{
    if (up != store->up)
        thread_links_tell(&store->links, up, why);
    store->up = up;
    if (!up) {
        /* Those that came meanwhile would only wait as long again. */
        claim_list_move(batch, &store->waiting, store->waiting.count);
        for (struct record_claim *claim = batch->first; claim; claim = claim->next)
            claim->ticket.status = STORE_DOWN;
    }
    for (struct record_claim *claim; (claim = claim_list_pop(batch));)
        thread_link_finish(&claim->link->thread, &claim->ticket);
}

/* Waits for claims; while the database is down, not for ever. */
static void work_wait(struct sqlite_store *store)
{
    struct timespec until;
    int code = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_SECONDS;
    while (!store->waiting.first && !store->sweep && !store->asked && !store->stopping &&
           code != ETIMEDOUT) {
        code = store->up ? pthread_cond_wait(&store->work, &store->links.mutex)
                         : pthread_cond_timedwait(&store->work, &store->links.mutex, &until);
    }
}

static void *writer_run(void *arg)
{
    struct sqlite_store *store = arg;

    pthread_mutex_lock(&store->links.mutex);
    for (;;) {
        struct claim_list batch = {0};
        char why[STORE_ERROR_MAX] = "the database takes records again";

        work_wait(store);
        if (store->stopping)
            break;
        claim_list_move(&batch, &store->waiting, SQLITE_BATCH_MAX);
        struct record_sweep *sweep = store->sweep;
        struct record_totals *asked = store->asked;
        bool no_claims = (sweep || asked) && !batch.first && store->up;
        store->sweep = NULL;
        store->asked = NULL;
        pthread_mutex_unlock(&store->links.mutex);
        int64_t began_us = clock_monotonic_us();
        int status = no_claims ? 0 : batch_commit(store, batch.first, why);
        if (status == 0 && batch.first)
            record_link_committed(batch.first->link, batch.count, clock_monotonic_us() - began_us);
        if (sweep)
            sweep_run(store, sweep, status == 0);
        totals_run(store, asked);
        pthread_mutex_lock(&store->links.mutex);
        if (!no_claims)
            batch_finish(store, &batch, status == 0, why);
        if (sweep)
            thread_link_finish(&sweep->link->thread, &sweep->ticket);
        totals_finish(asked);
    }
    pthread_mutex_unlock(&store->links.mutex);
    return NULL;
}

static int sqlite_prepare(const char *url, char report[STORE_ERROR_MAX],
                          char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);

    if (!path || sqlite_file_create(path, error) != 0)
        return -1;
    sqlite3 *database = sqlite_open(path, error);
    if (!database)
        return -1;
    int status = sqlite_schema_migrate(database, &sqlite_record_migrations, report, error);
    sqlite3_close(database);
    return status;
}

static int sqlite_probe(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct sqlite_writer *writer = path ? sqlite_writer_open(path, error) : NULL;

    sqlite_writer_close(writer);
    return writer ? 0 : -1;
}

static int sqlite_mark(const char *url, const char *name, const char *value, bool remember,
                       char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);

    if (path && sqlite_path_is_memory(path))
        return 0;
    sqlite3 *database = path ? sqlite_open(path, error) : NULL;
    if (!database)
        return -1;
    int status = sqlite_schema_mark(database, name, value, remember, error);
    sqlite3_close(database);
    return status;
}

static void store_free(struct sqlite_store *store)
{
    sqlite_writer_close(store->writer);
    pthread_cond_destroy(&store->work);
    thread_links_deinit(&store->links);
    free(store->path);
    free(store);
}

static struct record_store *sqlite_store_open(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct sqlite_store *store = path ? calloc(1, sizeof *store) : NULL;
    pthread_condattr_t monotonic;

    if (!store || thread_links_init(&store->links, true) != 0) {
        if (path)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        free(store);
        return NULL;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    store->store.backend = &record_sqlite;
    store->up = true;
    store->path = strdup(path);
    if (!store->path) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        goto failed;
    }
    store->writer = sqlite_writer_open(path, error);
    if (store->writer && thread_links_run(&store->thread, writer_run, store, error) == 0)
        return &store->store;

failed:
    store_free(store);
    return NULL;
}

static void sqlite_store_close(struct record_store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    pthread_mutex_lock(&store->links.mutex);
    store->stopping = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->links.mutex);
    pthread_join(store->thread, NULL);
    store_free(store);
}

static struct record_link *sqlite_attach(struct record_store *base, struct event_base *loop,
                                         const struct store_watch *watch,
                                         char error[STORE_ERROR_MAX])
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    struct sqlite_link *link = calloc(1, sizeof *link);

    if (!link) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    link->link.backend = &record_sqlite;
    link->store = store;
    if (thread_link_attach(&store->links, &link->link.thread, loop, watch, error) == 0)
        return &link->link;
    free(link);
    return NULL;
}

static void sqlite_detach(struct record_link *base)
{
    thread_link_detach(&base->thread);
    free(base);
}

static struct sqlite_store *store_of(struct record_link *link)
{
    return ((struct sqlite_link *)link)->store;
}

static enum store_status sqlite_claim(struct record_link *base, struct record_claim *claim)
{
    struct sqlite_store *store = store_of(base);

    if (thread_link_begin(&base->thread) == STORE_FULL)
        return STORE_FULL;
    pthread_mutex_lock(&store->links.mutex);
    claim_list_append(&store->waiting, claim);
    if (store->waiting.count == 1)
        pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->links.mutex);
    return STORE_LATER;
}

static enum store_status sqlite_sweep(struct record_link *base, struct record_sweep *sweep)
{
    struct sqlite_store *store = store_of(base);
    enum store_status status = STORE_FULL;

    pthread_mutex_lock(&store->links.mutex);
    if (store->sweep == NULL)
        status = thread_link_begin(&base->thread);
    if (status == STORE_LATER) {
        store->sweep = sweep;
        pthread_cond_signal(&store->work);
    }
    pthread_mutex_unlock(&store->links.mutex);
    return status;
}

static enum store_status sqlite_totals(struct record_link *base, struct record_totals *totals)
{
    struct sqlite_store *store = store_of(base);

    if (!base->thread.up)
        return STORE_DOWN;
    if (thread_link_begin(&base->thread) == STORE_FULL)
        return STORE_DOWN;
    pthread_mutex_lock(&store->links.mutex);
    totals->next = store->asked;
    store->asked = totals;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->links.mutex);
    return STORE_LATER;
}

const struct record_backend record_sqlite = {
    .scheme = "sqlite://",
    .prepare = sqlite_prepare,
    .probe = sqlite_probe,
    .mark = sqlite_mark,
    .open = sqlite_store_open,
    .close = sqlite_store_close,
    .attach = sqlite_attach,
    .detach = sqlite_detach,
    .claim = sqlite_claim,
    .sweep = sqlite_sweep,
    .totals = sqlite_totals,
    .reader = &sqlite_reader,
    .importer = &sqlite_importer,
    .eraser = &sqlite_eraser,
};
