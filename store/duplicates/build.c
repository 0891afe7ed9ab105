/* A step of finding pairs: hashes of some records go into uic_near, and whoever has them already
 * makes a pair with them. In one transaction with how far it went, so it may end anywhere. */
#include "store/duplicates.h"
#include "store/duplicates/turn.h"
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/base/container_of.h"

extern const char *const near_rows_sql[];
extern const char near_page_sql[], near_pairs_sql[], near_again_sql[];

_Static_assert(DUPLICATES_LOOK == 5000 && DUPLICATES_COMPARE == 500 && DUPLICATES_CROWD == 8,
               "as the statements say");

#define BUILD_MS 5000
/* In SQLite, so that the lock is given back in time. */
#define COMPARE_AT_ONCE 25

static const char some_sql[] =
    "SELECT max(id) FROM (SELECT id FROM uic_records WHERE id > $1 AND id <= $2"
    " AND near IS NOT NULL ORDER BY id LIMIT $3) AS some_records";
static const char mark_sql[] = "INSERT INTO uic_marks (name, value) VALUES ('near_end', $1)"
                               " ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/* The planner is to go by the indexes, even where it knows nothing of the tables yet. */
static const char postgres_begin_sql[] =
    "BEGIN; SET LOCAL jit = off; SET LOCAL enable_nestloop = on; SET LOCAL enable_hashjoin = off;"
    " SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off";
static const char turn_sql[] = "SELECT pg_try_advisory_xact_lock(" DUPLICATES_TURN ")::integer";

/* Finds the next records, up to end; INT64_MIN: there are none. */
static enum sql_result page_find(struct sql *sql, struct duplicates_build *build, int64_t *after,
                                 int64_t *end)
{
    const enum sql_result result =
        sql_query(sql, near_page_sql, SQL_VALUES(sql_number(build->until_id)));

    if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    *after = sql_column_number(sql, 0);
    *end = sql_column_number(sql, 1);
    const int64_t newest_id = sql_column_number(sql, 2);
    build->newest_id = newest_id > 0 ? newest_id : 0;
    return sql_next(sql);
}

static enum sql_result some_compare(struct sql *sql, const struct duplicates_build *build,
                                    int64_t after, int64_t end)
{
    const struct sql_value values[] = {
        sql_number(after),
        sql_number(end),
        sql_number(build->at[DUPLICATES_SOUND]),
        sql_number(build->at[DUPLICATES_PLACE]),
        sql_number(build->at[DUPLICATES_YEAR]),
        sql_number(build->at[DUPLICATES_DAY]),
        sql_number(build->code_shows),
    };
    enum sql_result result = sql_run(sql, near_rows_sql[sql->dialect], values, 7, NULL);

    if (result == SQL_DONE)
        result = sql_run(sql, near_pairs_sql, values, 2, NULL);
    return result == SQL_DONE ? sql_run(sql, near_again_sql, values, 2, NULL) : result;
}

/* All of a page, so many at once, or until the time is over: the next step goes on there. */
static enum sql_result page_compare(struct sql *sql, struct duplicates_build *build, int at_once,
                                    int64_t until_ms)
{
    int64_t after, end = INT64_MIN;
    enum sql_result result = page_find(sql, build, &after, &end);

    build->more = end != INT64_MIN;
    if (result != SQL_DONE || !build->more)
        return result;
    do {
        int64_t some_end = INT64_MIN;
        result =
            sql_run(sql, some_sql,
                    SQL_VALUES(sql_number(after), sql_number(end), sql_number(at_once)), &some_end);
        if (result == SQL_DONE && some_end != INT64_MIN)
            result = some_compare(sql, build, after, some_end);
        after = some_end != INT64_MIN ? some_end : end;
    } while (result == SQL_DONE && after < end && clock_monotonic_ms() < until_ms);
    return result == SQL_DONE ? sql_run(sql, mark_sql, SQL_VALUES(sql_number(after)), NULL)
                              : result;
}

static enum sql_result postgres_step(struct sql *sql, struct duplicates_build *build)
{
    int64_t is_ours = 0;
    enum sql_result result = sql_run(sql, postgres_begin_sql, SQL_NOTHING, NULL);

    if (result == SQL_DONE)
        result = sql_run(sql, turn_sql, SQL_NOTHING, &is_ours);
    if (result == SQL_DONE && is_ours == 1)
        result = page_compare(sql, build, DUPLICATES_COMPARE, INT64_MAX);
    return sql_end(sql, result);
}

static enum sql_result sqlite_step(struct sql *sql, struct duplicates_build *build)
{
    struct record_store *store = build->errand.job.link->store;
    const enum sql_result result = record_write_begin(sql, store);

    if (result != SQL_DONE)
        return result;
    return record_write_end(
        sql, store,
        page_compare(sql, build, COMPARE_AT_ONCE, clock_monotonic_ms() + RECORD_HOLD_MS));
}

static enum store_status build_run(struct sql *sql, struct record_errand *errand)
{
    struct duplicates_build *build = container_of(errand, struct duplicates_build, errand);
    const enum sql_result result =
        sql->dialect == SQL_SQLITE ? sqlite_step(sql, build) : postgres_step(sql, build);

    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}

enum store_status duplicates_build(struct record_link *link, struct duplicates_build *build)
{
    build->newest_id = 0;
    build->more = false;
    build->errand.run = build_run;
    return record_errand_begin(link, &build->errand, &build->ticket, BUILD_MS);
}
