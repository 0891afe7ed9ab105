/* The store itself: its threads, their turns, and what they have in common. */
#include "store/records/claims.h"

#include "store/base/clock.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OPEN_MS 3000

/* What a sweep said last, here or elsewhere. */
static enum sql_result trust_read(struct record_store *store, struct sql *sql)
{
    enum sql_result result = sql_start(
        sql, "SELECT value FROM uic_marks WHERE name = '" RECORD_TRUSTED_MARK "'", SQL_NOTHING);

    if (result == SQL_DONE && (result = sql_next(sql)) == SQL_ROW) {
        atomic_store(&store->trusted_us, sql_column_number(sql, 0));
        result = sql_next(sql);
    }
    return result;
}

struct sql *record_store_connect(struct record_store *store, int ms, char error[STORE_ERROR_MAX])
{
    const int64_t due_ms = clock_monotonic_ms() + ms;
    struct sql *sql = sql_open(store->url, SQL_WRITE, ms, error);

    if (sql == NULL || (record_greet(sql, due_ms) == SQL_DONE &&
                        (sql->dialect == SQL_POSTGRES || trust_read(store, sql) == SQL_DONE)))
        return sql;
    snprintf(error, STORE_ERROR_MAX, "%s", sql->error);
    sql_close(sql);
    return NULL;
}

enum sql_result record_thread_sleep(struct record_thread *thread, struct sql *sql, int64_t ms)
{
    struct pollfd wakers[] = {{.fd = thread->wake, .events = POLLIN},
                              {.fd = sql != NULL ? sql_socket(sql) : -1, .events = POLLIN}};
    eventfd_t count;

    poll(wakers, 2, (int)ms);
    if (wakers[0].revents)
        eventfd_read(thread->wake, &count);
    return wakers[1].revents ? sql_hear(sql) : SQL_DONE;
}

void record_turn_take(struct record_store *store)
{
    pthread_mutex_lock(&store->turns.mutex);
    const unsigned turn = store->turns.taken++;
    while (store->turns.served != turn)
        pthread_cond_wait(&store->turns.next, &store->turns.mutex);
    pthread_mutex_unlock(&store->turns.mutex);
}

void record_turn_give(struct record_store *store)
{
    pthread_mutex_lock(&store->turns.mutex);
    store->turns.served++;
    pthread_cond_broadcast(&store->turns.next);
    pthread_mutex_unlock(&store->turns.mutex);
}

/* The thread gets no signals: those are for the program's own. */
static int thread_start(struct record_thread *thread, void *(*run)(void *arg),
                        struct record_store *store, char error[STORE_ERROR_MAX])
{
    sigset_t all, before;
    int code;

    thread->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = thread->wake < 0 ? errno : pthread_create(&thread->thread, NULL, run, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->runs = code == 0;
    if (code == 0)
        return 0;
    snprintf(error, STORE_ERROR_MAX, "cannot start the database's thread: %s", strerror(code));
    return -1;
}

static void thread_end(struct record_thread *thread)
{
    if (thread->runs) {
        eventfd_write(thread->wake, 1);
        pthread_join(thread->thread, NULL);
    }
    if (thread->wake >= 0)
        close(thread->wake);
}

void record_store_close(struct record_store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_mutex_unlock(&store->mutex);
    thread_end(&store->writer);
    thread_end(&store->maintenance);
    sql_close(store->first);
    pthread_cond_destroy(&store->turns.next);
    pthread_mutex_destroy(&store->turns.mutex);
    pthread_cond_destroy(&store->finished);
    pthread_mutex_destroy(&store->mutex);
    OPENSSL_cleanse(store->asker_key, sizeof store->asker_key);
    free(store->url);
    free(store->batch);
    free(store);
}

static struct record_store *store_create(const char *url, enum sql_dialect dialect,
                                         const unsigned char asker_key[RECORD_ASKER_KEY_SIZE])
{
    struct record_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return NULL;
    store->dialect = dialect;
    store->writer.wake = store->maintenance.wake = -1;
    store->up = dialect == SQL_SQLITE;
    STAILQ_INIT(&store->claims);
    STAILQ_INIT(&store->errands);
    atomic_init(&store->trusted_us, INT64_MIN);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->finished, NULL);
    pthread_mutex_init(&store->turns.mutex, NULL);
    pthread_cond_init(&store->turns.next, NULL);
    memcpy(store->asker_key, asker_key, sizeof store->asker_key);
    store->url = strdup(url);
    store->batch = calloc(1, sizeof *store->batch);
    return store;
}

struct record_store *record_store_open(const char *url,
                                       const unsigned char asker_key[RECORD_ASKER_KEY_SIZE],
                                       char error[STORE_ERROR_MAX])
{
    int dialect = sql_url_dialect(url, error);
    struct record_store *store;

    if (dialect < 0)
        return NULL;
    store = store_create(url, (enum sql_dialect)dialect, asker_key);
    if (store == NULL || !store->url || !store->batch) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        goto failed;
    }
    if (dialect == SQL_SQLITE &&
        (store->first = record_store_connect(store, OPEN_MS, error)) == NULL)
        goto failed;
    if (thread_start(&store->writer, record_writer_run, store, error) == 0 &&
        thread_start(&store->maintenance, record_maintenance_run, store, error) == 0)
        return store;
failed:
    record_store_close(store);
    return NULL;
}
