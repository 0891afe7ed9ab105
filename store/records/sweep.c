/*
 * A step of a sweep: looks at a page of records; writes only when it is to remove those that are
 * due among them, or when all are counted.
 */
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/base/record_time.h"
#include <stdio.h>

extern const char sweep_postgres_sql[], look_sqlite_sql[], trust_sqlite_sql[];

_Static_assert(RECORD_SWEEP_LOOK == 5000 && RECORD_SWEEP_REMOVE == 500, "as the statements say");

/* PostgreSQL's clocks begin in 2000. */
#define EPOCH_US INT64_C(946684800000000)

static enum store_status postgres_step(struct sql *sql, struct record_sweep *sweep)
{
    struct record_survey *survey = &sweep->survey;
    const int64_t newest_us = survey->newest_us > EPOCH_US ? survey->newest_us : EPOCH_US;

    if (sql_query(sql, sweep_postgres_sql,
                  SQL_VALUES(sql_number(sweep->after_id), sql_number(survey->now_us),
                             sql_number(sweep->age_us), sql_number(sweep->removes),
                             sql_number(newest_us))) != SQL_ROW)
        return STORE_DOWN;
    sweep->removed = (unsigned)sql_column_number(sql, 0);
    sweep->more = sql_column(sql, 1) != NULL;
    if (sweep->more)
        sweep->after_id = sql_column_number(sql, 1);
    survey->records += sql_column_number(sql, 2);
    survey->due += sql_column_number(sql, 3);
    if (sql_column_number(sql, 4) > survey->newest_us)
        survey->newest_us = sql_column_number(sql, 4);
    survey->now_us = sql_column_number(sql, 5);
    survey->trusted_us = sql_column_number(sql, 6);
    return sql_next(sql) == SQL_DONE ? STORE_OK : STORE_DOWN;
}

#define REMOVE_AT_ONCE "25"

static const char delete_sql[] =
    "DELETE FROM uic_records WHERE id IN (SELECT id FROM uic_records"
    " WHERE id > $1 AND id <= $2 AND last_requested_at < $3 ORDER BY id LIMIT " REMOVE_AT_ONCE ")";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES"
    " (strftime('%Y-%m-%d %H:%M:%f000', 'now'), 'retention', $1, 'server')";

/* Counts a page and finds its end. */
static enum sql_result look(struct sql *sql, struct record_sweep *sweep, const char *before,
                            int64_t *end, int64_t *due)
{
    struct record_survey *survey = &sweep->survey;
    int64_t newest_us;
    const enum sql_result result =
        sql_query(sql, look_sqlite_sql, SQL_VALUES(sql_number(sweep->after_id), sql_text(before)));

    if (result != SQL_ROW)
        return result;
    const char *newest = sql_column(sql, 2);
    *due = sql_column_number(sql, 1);
    survey->records += sql_column_number(sql, 0);
    survey->due += *due;
    if (newest != NULL && record_time_parse(newest, &newest_us) == 0 &&
        newest_us > survey->newest_us)
        survey->newest_us = newest_us;
    *end = sql_column_number(sql, 3);
    return sql_next(sql);
}

/* Until all of the page that are due are gone, or the lock was held long enough: then the next step
 * looks at the page again. */
static enum sql_result due_remove(struct sql *sql, struct record_sweep *sweep, const char *before,
                                  int64_t end, bool *all)
{
    struct record_store *store = sweep->errand.job.link->store;
    int64_t removed = 0, some = 1;
    enum sql_result result = record_write_begin(sql, store);

    if (result != SQL_DONE)
        return result;
    const int64_t until_ms = clock_monotonic_ms() + RECORD_HOLD_MS;
    result = sql_run(sql, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL);
    while (result == SQL_DONE && some > 0 && removed < RECORD_SWEEP_REMOVE &&
           clock_monotonic_ms() < until_ms) {
        result = sql_run(sql, delete_sql,
                         SQL_VALUES(sql_number(sweep->after_id), sql_number(end), sql_text(before)),
                         &some);
        removed += some;
    }
    *all = some == 0;
    if (result == SQL_DONE && removed > 0)
        result = sql_run(sql, audit_sql, SQL_VALUES(sql_number(removed)), NULL);
    result = record_write_end(sql, store, result);
    sweep->removed = result == SQL_DONE ? (unsigned)removed : 0;
    return result;
}

/* The database's clock is ours, so the mark alone holds it back. It begins where the records
 * end. */
static enum sql_result trust(struct sql *sql, struct record_sweep *sweep)
{
    struct record_store *store = sweep->errand.job.link->store;
    struct record_survey *survey = &sweep->survey;
    const int64_t first_us =
        survey->newest_us < survey->now_us ? survey->newest_us : survey->now_us;
    enum sql_result result = record_write_begin(sql, store);

    if (result != SQL_DONE)
        return result;
    result =
        sql_run(sql, trust_sqlite_sql, SQL_VALUES(sql_number(survey->now_us), sql_number(first_us)),
                &survey->trusted_us);
    result = record_write_end(sql, store, result);
    if (result == SQL_DONE)
        atomic_store(&store->trusted_us, survey->trusted_us);
    return result;
}

static enum store_status sqlite_step(struct sql *sql, struct record_sweep *sweep)
{
    char before[RECORD_TIME_MAX];
    int64_t end = INT64_MIN, due = 0;
    bool all = true;

    record_time_format(sweep->survey.now_us - sweep->age_us, before);
    enum sql_result result = look(sql, sweep, before, &end, &due);
    if (result == SQL_DONE && sweep->removes && due > 0)
        result = due_remove(sql, sweep, before, end, &all);
    else if (result == SQL_DONE && !sweep->removes && end == INT64_MIN && sweep->survey.records > 0)
        result = trust(sql, sweep);
    sweep->more = end != INT64_MIN;
    if (sweep->more && all)
        sweep->after_id = end;
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}

enum store_status record_sweep_run(struct sql *sql, struct record_errand *errand)
{
    struct record_sweep *sweep = container_of(errand, struct record_sweep, errand);

    return sql->dialect == SQL_SQLITE ? sqlite_step(sql, sweep) : postgres_step(sql, sweep);
}
