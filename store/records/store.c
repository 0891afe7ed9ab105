/* The store itself: its threads, their turns, and what they have in common. */
#include "store/records/store.h"
#include "store/records/claims.h"

#include "store/base/clock.h"
#include "store/records/schema.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MS 3000

/* One plan for all batches, made for big tables even while they are small. The timeouts free what a
 * statement has locked when we are gone, and what another program has locked too long. */
static const char set_sql[] =
    "SET statement_timeout = '3s'; SET lock_timeout = '700ms'; SET plan_cache_mode ="
    " force_generic_plan; SET enable_seqscan = off; SET enable_nestloop = off; SET jit = off";

/* How far a sweep has believed the clock, here or elsewhere. */
static const char trusted_sql[] =
    "SELECT coalesce((SELECT value FROM uic_marks WHERE name = '" RECORD_TRUSTED_MARK "'),"
    " '-9223372036854775808')";

/* Sets what our statements want; through a pooler it would be set for others. */
static enum sql_result connection_prepare(struct record_store *store, struct sql *sql)
{
    const struct schema_migrations *migrations = &schema_migrations[sql->dialect];
    char report[ERROR_MAX];
    int64_t trusted_us;
    /* A database that lives as long as the connection is made now. */
    enum sql_result result = strcmp(sql->name, ":memory:") == 0
                                 ? schema_migrate(sql, migrations, report)
                                 : schema_check(sql, migrations, true);

    if (result != SQL_DONE || sql->pooled)
        return result;
    if (sql->dialect == SQL_POSTGRES)
        return sql_run(sql, set_sql, SQL_NOTHING, NULL);
    result = sql_run(sql, trusted_sql, SQL_NOTHING, &trusted_us);
    if (result == SQL_DONE)
        atomic_store(&store->trusted_us, trusted_us);
    return result;
}

struct sql *record_store_connect(struct record_store *store, int ms, char error[ERROR_MAX])
{
    const int64_t due_ms = clock_monotonic_ms() + ms;
    struct sql *sql = sql_open(store->url, SQL_WRITE, ms, NULL, error);

    if (sql == NULL)
        return NULL;
    if (sql->dialect == SQL_POSTGRES)
        sql->due_ms = due_ms;
    enum sql_result result = connection_prepare(store, sql);
    if (result == SQL_DONE && store->has_marks)
        result = record_marks_check(store, sql);
    if (result == SQL_DONE)
        return sql;
    if (atomic_load(&store->foreign))
        record_store_tell(store, false, sql->error);
    sql_finish(sql, result, error);
    return NULL;
}

enum sql_result record_thread_sleep(struct record_thread *thread, struct sql *sql, int64_t ms)
{
    return mailbox_wait(&thread->inbox, sql != NULL ? sql->socket : -1, ms) ? sql_hear(sql)
                                                                            : SQL_DONE;
}

/* Who waits holds the next turn, so that who gives one does not take it again at once. */
void record_turn_take(struct record_store *store)
{
    pthread_mutex_lock(&store->next_turn);
    pthread_mutex_lock(&store->turn);
    pthread_mutex_unlock(&store->next_turn);
}

void record_turn_give(struct record_store *store)
{
    pthread_mutex_unlock(&store->turn);
}

/* The thread gets no signals: those are for the program's own. */
static int thread_start(struct record_store *store, struct record_thread *thread,
                        void *(*run)(void *arg), char error[ERROR_MAX])
{
    sigset_t all, before;

    int code = mailbox_open(&thread->inbox, &store->mutex) == 0 ? 0 : errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (code == 0)
        code = pthread_create(&thread->thread, NULL, run, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->runs = code == 0;
    if (code != 0)
        snprintf(error, ERROR_MAX, "cannot start the database's thread: %s", strerror(code));
    return code == 0 ? 0 : -1;
}

static void thread_end(struct record_thread *thread)
{
    if (thread->runs) {
        mailbox_wake(&thread->inbox);
        pthread_join(thread->thread, NULL);
    }
    mailbox_close(&thread->inbox);
}

void record_store_close(struct record_store *store)
{
    if (store == NULL)
        return;
    atomic_store(&store->stopping, true);
    thread_end(&store->writer);
    thread_end(&store->maintenance);
    sql_close(store->first);
    pthread_mutex_destroy(&store->turn);
    pthread_mutex_destroy(&store->next_turn);
    pthread_mutex_destroy(&store->mutex);
    OPENSSL_cleanse(store->asker_key, sizeof store->asker_key);
    free(store->url);
    free(store->batch);
    free(store);
}

static struct record_store *store_create(const char *url, enum sql_dialect dialect,
                                         const unsigned char asker_key[RECORD_ASKER_KEY_SIZE],
                                         const struct record_marks *marks)
{
    struct record_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return NULL;
    store->dialect = dialect;
    store->writer.inbox.wake = store->maintenance.inbox.wake = -1;
    store->up = dialect == SQL_SQLITE;
    atomic_init(&store->trusted_us, INT64_MIN);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_mutex_init(&store->turn, NULL);
    pthread_mutex_init(&store->next_turn, NULL);
    memcpy(store->asker_key, asker_key, sizeof store->asker_key);
    store->has_marks = marks != NULL;
    if (marks != NULL)
        store->marks = *marks;
    store->url = strdup(url);
    store->batch = calloc(1, sizeof *store->batch);
    return store;
}

struct record_store *record_store_open(const char *url,
                                       const unsigned char asker_key[RECORD_ASKER_KEY_SIZE],
                                       const struct record_marks *marks, char error[ERROR_MAX])
{
    const int dialect = sql_url_dialect(url, error);

    if (dialect < 0)
        return NULL;
    struct record_store *store = store_create(url, (enum sql_dialect)dialect, asker_key, marks);
    if (store == NULL || store->url == NULL || store->batch == NULL)
        snprintf(error, ERROR_MAX, "out of memory");
    else if ((dialect == SQL_POSTGRES ||
              (store->first = record_store_connect(store, OPEN_MS, error)) != NULL) &&
             thread_start(store, &store->writer, record_writer_run, error) == 0 &&
             thread_start(store, &store->maintenance, record_maintenance_run, error) == 0)
        return store;
    record_store_close(store);
    return NULL;
}
