/*
 * The maintenance, a thread of the store, with a connection of its own, for what is not urgent:
 * errands, one after the other. The connection is there only while it is used.
 */
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/base/container_of.h"

#define CONNECT_MS 3000
/* A connection that nobody used for so long is closed. */
#define IDLE_MS 10000

/* Until it is due. STORE_DOWN: the connection is closed, too. */
static enum store_status errand_run(struct record_store *store, struct record_errand *errand,
                                    struct sql **sql)
{
    const int64_t left_ms = errand->job.due_ms - clock_monotonic_ms();
    enum store_status status = STORE_DOWN;

    if (left_ms > 0 && *sql == NULL)
        *sql = record_store_connect(store, left_ms < CONNECT_MS ? (int)left_ms : CONNECT_MS,
                                    errand->error);
    if (*sql == NULL)
        return STORE_DOWN;
    (*sql)->due_ms = errand->job.due_ms;
    if (clock_monotonic_ms() < errand->job.due_ms) {
        status = errand->run(*sql, errand);
        if (status == STORE_DOWN)
            sql_fail(*sql, errand->error);
    }
    if (status == STORE_DOWN) {
        sql_close(*sql);
        *sql = NULL;
    }
    return status;
}

enum sql_result record_write_begin(struct sql *sql, struct record_store *store)
{
    const int64_t due_ms = sql->due_ms;
    enum sql_result result;

    do {
        record_turn_take(store);
        sql->due_ms = clock_monotonic_ms() + RECORD_HOLD_MS;
        result = sql_run(sql, "BEGIN IMMEDIATE", SQL_NOTHING, NULL);
        if (result != SQL_DONE)
            record_turn_give(store);
    } while (result == SQL_AGAIN && clock_monotonic_ms() < due_ms);
    sql->due_ms = due_ms;
    return result;
}

enum sql_result record_write_end(struct sql *sql, struct record_store *store,
                                 enum sql_result result)
{
    result = sql_end(sql, result);
    record_turn_give(store);
    return result;
}

void *record_maintenance_run(void *arg)
{
    struct record_store *store = arg;
    struct record_jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
    struct record_job *job;
    struct sql *sql = NULL;

    while (!atomic_load(&store->stopping)) {
        const enum sql_result heard =
            record_thread_sleep(&store->maintenance, sql, sql != NULL ? IDLE_MS : -1);
        mailbox_take(&store->maintenance.inbox, &jobs);
        if (STAILQ_EMPTY(&jobs) || heard != SQL_DONE) {
            sql_close(sql);
            sql = NULL;
        }
        while ((job = STAILQ_FIRST(&jobs)) != NULL) {
            STAILQ_REMOVE_HEAD(&jobs, entry);
            record_job_finish(
                job, errand_run(store, container_of(job, struct record_errand, job), &sql));
        }
    }
    sql_close(sql);
    return NULL;
}
