/*
 * Records in SQLite: one writer thread for the process, which takes whatever claims wait as one
 * transaction. How a claim becomes SQL is sqlite_writer.c's affair.
 *
 *     record_claim ──> store.waiting ──writer thread──> link.finished ──eventfd──> on_finished
 *     (link's thread)   ≤ WAITING_MAX    one commit                    (link's thread: ticket.done)
 *
 * The store's mutex guards everything that is not marked as one thread's own.
 */
#include "store/claim_list.h"
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include "store/sqlite/sqlite_writer.h"
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Claims that wait for the writer at most. */
#define WAITING_MAX 8192
/* While the database is down and nobody claims, a write is tried this often. */
#define RETRY_SECONDS 1

struct sqlite_store {
    struct record_store store;
    char *path;
    struct sqlite_writer *writer; /* the thread's own; NULL: open again before the next batch */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;     /* to the writer: claims wait, or stop */
    pthread_cond_t finished; /* to record_detach: links have finished claims */
    struct claim_list waiting;
    struct record_sweep *sweep;  /* waits */
    struct record_totals *asked; /* wait, the last one first */
    struct sqlite_link *links;
    bool stopping;
    bool up;
    char why[STORE_ERROR_MAX]; /* it is up or not */
};

struct sqlite_link {
    struct record_link link;
    struct sqlite_store *store;
    struct sqlite_link *next;
    struct claim_list finished;
    struct record_sweep *swept; /* finished */
    struct record_totals *read; /* finished */
    int wake;                   /* eventfd */
    /* Of the link's thread: */
    struct event *event;
    struct store_watch watch;
    size_t under_way;
    bool up;
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

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A step of a sweep, after the claims; a database that took no claims is left alone. */
static void sweep_run(struct sqlite_store *store, struct record_sweep *sweep, bool up)
{
    char why[STORE_ERROR_MAX];

    sweep->ticket.status = STORE_DOWN;
    if (up && store->writer && sqlite_writer_sweep(store->writer, sweep, why) == 0)
        sweep->ticket.status = STORE_OK;
}

static void sweep_finish(struct sqlite_store *store, struct record_sweep *sweep)
{
    struct sqlite_link *link = (struct sqlite_link *)sweep->link;

    link->swept = sweep;
    eventfd_write(link->wake, 1);
    pthread_cond_broadcast(&store->finished);
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

static void totals_finish(struct sqlite_store *store, struct record_totals *asked)
{
    while (asked) {
        struct record_totals *totals = asked;
        struct sqlite_link *link = (struct sqlite_link *)totals->link;
        asked = totals->next;
        totals->next = link->read;
        link->read = totals;
        eventfd_write(link->wake, 1);
    }
    pthread_cond_broadcast(&store->finished);
}

/* Gives the claims back to their links and wakes these; all links hear of a change. */
static void batch_finish(struct sqlite_store *store, struct claim_list *batch, bool up,
                         const char *why)
{
    bool changed = up != store->up;

    if (changed) {
        store->up = up;
        snprintf(store->why, sizeof store->why, "%s", why);
    }
    if (!up) {
        /* Those that came meanwhile would only wait as long again. */
        claim_list_move(batch, &store->waiting, WAITING_MAX);
        for (struct record_claim *claim = batch->first; claim; claim = claim->next)
            claim->ticket.status = STORE_DOWN;
    }
    for (struct record_claim *claim; (claim = claim_list_pop(batch));)
        claim_list_append(&((struct sqlite_link *)claim->link)->finished, claim);
    for (struct sqlite_link *link = store->links; link; link = link->next) {
        if (changed || link->finished.first)
            eventfd_write(link->wake, 1);
    }
    pthread_cond_broadcast(&store->finished);
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
        code = store->up ? pthread_cond_wait(&store->work, &store->mutex)
                         : pthread_cond_timedwait(&store->work, &store->mutex, &until);
    }
}

static void *writer_run(void *arg)
{
    struct sqlite_store *store = arg;

    pthread_mutex_lock(&store->mutex);
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
        pthread_mutex_unlock(&store->mutex);
        int64_t began_us = now_us();
        int status = no_claims ? 0 : batch_commit(store, batch.first, why);
        if (status == 0 && batch.first)
            record_link_committed(batch.first->link, batch.count, now_us() - began_us);
        if (sweep)
            sweep_run(store, sweep, status == 0);
        totals_run(store, asked);
        pthread_mutex_lock(&store->mutex);
        if (!no_claims)
            batch_finish(store, &batch, status == 0, why);
        if (sweep)
            sweep_finish(store, sweep);
        totals_finish(store, asked);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

/* Starts the thread with all signals blocked: they are for the program's own threads. */
static int writer_start(struct sqlite_store *store)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&store->thread, NULL, writer_run, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
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
    pthread_cond_destroy(&store->finished);
    pthread_cond_destroy(&store->work);
    pthread_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
}

static struct record_store *sqlite_store_open(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct sqlite_store *store = path ? calloc(1, sizeof *store) : NULL;
    pthread_condattr_t monotonic;

    if (!store) {
        if (path)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->work, &monotonic);
    pthread_cond_init(&store->finished, NULL);
    pthread_condattr_destroy(&monotonic);
    store->store.backend = &record_sqlite;
    store->up = true;
    store->path = strdup(path);
    if (!store->path) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        goto failed;
    }
    store->writer = sqlite_writer_open(path, error);
    if (!store->writer)
        goto failed;
    int code = writer_start(store);
    if (code != 0) {
        snprintf(error, STORE_ERROR_MAX, "cannot start the writer thread: %s", strerror(code));
        goto failed;
    }
    return &store->store;

failed:
    store_free(store);
    return NULL;
}

static void sqlite_store_close(struct record_store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->thread, NULL);
    store_free(store);
}

/* Tells the link's owner what has come: a change first, then each claim. */
static void link_deliver(struct sqlite_link *link)
{
    struct sqlite_store *store = link->store;
    char why[STORE_ERROR_MAX];

    pthread_mutex_lock(&store->mutex);
    struct claim_list finished = link->finished;
    link->finished = (struct claim_list){0};
    struct record_sweep *swept = link->swept;
    link->swept = NULL;
    struct record_totals *read = link->read;
    link->read = NULL;
    bool changed = link->up != store->up;
    link->up = store->up;
    memcpy(why, store->why, sizeof why);
    pthread_mutex_unlock(&store->mutex);

    link->under_way -= finished.count + (swept != NULL);
    if (changed && link->watch.changed)
        link->watch.changed(link->watch.arg, link->up, why);
    for (struct record_claim *claim; (claim = claim_list_pop(&finished));)
        claim->ticket.done(&claim->ticket);
    if (swept)
        swept->ticket.done(&swept->ticket);
    while (read) {
        struct record_totals *totals = read;
        read = totals->next;
        link->under_way--;
        totals->ticket.done(&totals->ticket);
    }
}

static void on_finished(evutil_socket_t fd, short events, void *arg)
{
    eventfd_t count;

    (void)events;
    eventfd_read(fd, &count);
    link_deliver(arg);
}

static void link_free(struct sqlite_link *link)
{
    if (link->event)
        event_free(link->event);
    if (link->wake >= 0)
        close(link->wake);
    free(link);
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
    link->up = true;
    if (watch)
        link->watch = *watch;
    link->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (link->wake >= 0)
        link->event = event_new(loop, link->wake, EV_READ | EV_PERSIST, on_finished, link);
    if (!link->event || event_add(link->event, NULL) != 0) {
        snprintf(error, STORE_ERROR_MAX, "cannot watch an eventfd: %s", strerror(errno));
        link_free(link);
        return NULL;
    }

    pthread_mutex_lock(&store->mutex);
    link->next = store->links;
    store->links = link;
    if (!store->up)
        eventfd_write(link->wake, 1);
    pthread_mutex_unlock(&store->mutex);
    return &link->link;
}

static void sqlite_detach(struct record_link *base)
{
    struct sqlite_link *link = (struct sqlite_link *)base;
    struct sqlite_store *store = link->store;

    while (link->under_way > 0) {
        pthread_mutex_lock(&store->mutex);
        while (!link->finished.first && !link->swept && !link->read)
            pthread_cond_wait(&store->finished, &store->mutex);
        pthread_mutex_unlock(&store->mutex);
        link_deliver(link);
    }
    pthread_mutex_lock(&store->mutex);
    struct sqlite_link **place = &store->links;
    while (*place != link)
        place = &(*place)->next;
    *place = link->next;
    pthread_mutex_unlock(&store->mutex);
    link_free(link);
}

static enum store_status sqlite_claim(struct record_link *base, struct record_claim *claim)
{
    struct sqlite_link *link = (struct sqlite_link *)base;
    struct sqlite_store *store = link->store;
    bool full;

    pthread_mutex_lock(&store->mutex);
    full = store->waiting.count >= WAITING_MAX;
    if (!full) {
        claim_list_append(&store->waiting, claim);
        if (store->waiting.count == 1)
            pthread_cond_signal(&store->work);
    }
    pthread_mutex_unlock(&store->mutex);
    if (full)
        return STORE_FULL;
    link->under_way++;
    return STORE_LATER;
}

static enum store_status sqlite_sweep(struct record_link *base, struct record_sweep *sweep)
{
    struct sqlite_link *link = (struct sqlite_link *)base;
    struct sqlite_store *store = link->store;
    bool full;

    pthread_mutex_lock(&store->mutex);
    full = store->sweep != NULL;
    if (!full) {
        store->sweep = sweep;
        pthread_cond_signal(&store->work);
    }
    pthread_mutex_unlock(&store->mutex);
    if (full)
        return STORE_FULL;
    link->under_way++;
    return STORE_LATER;
}

static enum store_status sqlite_totals(struct record_link *base, struct record_totals *totals)
{
    struct sqlite_link *link = (struct sqlite_link *)base;
    struct sqlite_store *store = link->store;

    if (!link->up)
        return STORE_DOWN;
    pthread_mutex_lock(&store->mutex);
    totals->next = store->asked;
    store->asked = totals;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->mutex);
    link->under_way++;
    return STORE_LATER;
}

static bool sqlite_up(const struct record_link *base)
{
    return ((const struct sqlite_link *)base)->up;
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
    .up = sqlite_up,
    .reader = &sqlite_reader,
    .importer = &sqlite_importer,
    .eraser = &sqlite_eraser,
};
