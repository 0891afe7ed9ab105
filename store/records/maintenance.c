/*
 * The store's second thread, with a connection of its own, for what is not urgent: errands, one
 * after the other. The connection is there only while it is used.
 */
#include "store/records/store.h"

#include "store/base/clock.h"

#define CONNECT_MS 3000
/* A connection that nobody used for so long is closed. */
#define IDLE_MS 10000

static struct record_errand *errand_take(struct record_store *store)
{
    struct record_errand *errand;

    pthread_mutex_lock(&store->mutex);
    errand = STAILQ_FIRST(&store->errands);
    if (errand != NULL)
        STAILQ_REMOVE_HEAD(&store->errands, entry);
    pthread_mutex_unlock(&store->mutex);
    return errand;
}

static void errand_finish(struct record_store *store, struct record_errand *errand,
                          enum store_status status)
{
    pthread_mutex_lock(&store->mutex);
    if (errand->run == record_sweep_run)
        store->sweeping = false;
    errand->ticket->status = status;
    record_link_finish(errand->link, errand->ticket);
    pthread_mutex_unlock(&store->mutex);
}

/* Until it is due. Returns STORE_DOWN when the connection is to be closed, too. */
static enum store_status errand_run(struct record_store *store, struct record_errand *errand,
                                    struct sql **sql)
{
    int64_t left = errand->due_ms - clock_monotonic_ms();
    if (left > 0 && *sql == NULL)
        *sql =
            record_store_connect(store, left < CONNECT_MS ? (int)left : CONNECT_MS, errand->error);
    left = errand->due_ms - clock_monotonic_ms();
    if (left <= 0 || *sql == NULL)
        return STORE_DOWN;
    (*sql)->answer_ms = (int)left;
    enum store_status status = errand->run(*sql, errand);
    if (status == STORE_DOWN)
        sql_fail(*sql, errand->error);
    return status;
}

static bool is_stopping(struct record_store *store)
{
    pthread_mutex_lock(&store->mutex);
    const bool stopping = store->stopping;
    pthread_mutex_unlock(&store->mutex);
    return stopping;
}

void *record_maintenance_run(void *arg)
{
    struct record_store *store = arg;
    struct record_errand *errand;
    struct sql *sql = NULL;
    int64_t used_ms = 0;

    while (!is_stopping(store)) {
        enum sql_result heard =
            record_thread_sleep(&store->maintenance, sql, sql != NULL ? IDLE_MS : -1);
        if (sql != NULL && (heard < 0 || clock_monotonic_ms() - used_ms >= IDLE_MS)) {
            sql_close(sql);
            sql = NULL;
        }
        while ((errand = errand_take(store)) != NULL) {
            enum store_status status = errand_run(store, errand, &sql);
            if (status == STORE_DOWN) {
                sql_close(sql);
                sql = NULL;
            }
            errand_finish(store, errand, status);
            used_ms = clock_monotonic_ms();
        }
    }
    sql_close(sql);
    return NULL;
}
