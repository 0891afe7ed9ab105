/* Looks at a page of records; writes only when it is to remove those that are due among them. */
#include "store/sqlite/sqlite_sweep.h"
#include "store/record_backend.h"
#include "store/record_reader.h"
#include "store/sqlite/sqlite_database.h"

#define TEXT_OF(number) #number
#define NUMBER(number) TEXT_OF(number)

/* ?1 the id to go on behind, ?2 the time. */
static const char look_sql[] =
    "WITH page AS MATERIALIZED"
    " (SELECT id, last_requested_at, last_requested_at < ?2 AS is_due FROM uic_records"
    "  WHERE id > ?1 ORDER BY id LIMIT " NUMBER(
        RECORD_SWEEP_LOOK) ")"
                           " SELECT count(*), total(is_due), max(last_requested_at), max(id),"
                           " (SELECT max(id) FROM (SELECT id FROM page WHERE is_due ORDER BY id"
                           "  LIMIT " NUMBER(RECORD_SWEEP_REMOVE) ")) FROM page";
/* ?1 the clock, ?2 what to begin with. */
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', CAST(?2 AS TEXT))"
    " ON CONFLICT (name) DO UPDATE SET value ="
    " CASE WHEN ?1 < CAST(value AS INTEGER) - " NUMBER(
        RECORD_TRUST_BACK) " THEN value"
                           " ELSE CAST(min(?1, CAST(value AS INTEGER) + " NUMBER(
                               RECORD_TRUST_STEP) ") AS TEXT) END"
                                                  " RETURNING CAST(value AS INTEGER)";
static const char trusted_sql[] = "SELECT CAST(value AS INTEGER) FROM uic_marks"
                                  " WHERE name = '" RECORD_TRUSTED_MARK "'";
static const char delete_sql[] =
    "DELETE FROM uic_records WHERE id > ?1 AND id <= ?3 AND last_requested_at < ?2";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author)"
    " SELECT strftime('%Y-%m-%d %H:%M:%f000', 'now'), 'retention', ?1, 'server' WHERE ?1 > 0";

/* Counts a page. Returns 0 with where a step that removes ends: at the page's end, or when there is
 * more to remove, before. 0: no page. */
static int look(sqlite3 *database, struct record_sweep *sweep, const char *before,
                sqlite3_int64 *end)
{
    struct record_survey *survey = &sweep->survey;
    sqlite3_stmt *statement = NULL;
    int64_t newest_us;
    int status = -1;

    if (sqlite3_prepare_v2(database, look_sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 1, sweep->after_id) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, before, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *newest = (const char *)sqlite3_column_text(statement, 2);
        sqlite3_int64 due = sqlite3_column_int64(statement, 1);

        survey->records += sqlite3_column_int64(statement, 0);
        survey->due += due;
        if (newest && record_time_parse(newest, &newest_us) == 0 && newest_us > survey->newest_us)
            survey->newest_us = newest_us;
        *end =
            sqlite3_column_int64(statement, sweep->removes && due >= RECORD_SWEEP_REMOVE ? 4 : 3);
        status = 0;
    }
    sqlite3_finalize(statement);
    return status;
}

/* The database's clock is ours, so the mark alone holds it back. It begins where the records end.
 */
static int trust(sqlite3 *database, struct record_survey *survey)
{
    const int64_t first_us =
        survey->newest_us < survey->now_us ? survey->newest_us : survey->now_us;
    sqlite3_stmt *statement = NULL;
    int status = -1;

    if (sqlite3_prepare_v2(database, trust_sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 1, survey->now_us) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 2, first_us) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        survey->trusted_us = sqlite3_column_int64(statement, 0);
        status = sqlite3_step(statement) == SQLITE_DONE ? 0 : -1;
    }
    sqlite3_finalize(statement);
    return status;
}

int64_t sqlite_sweep_trusted(sqlite3 *database)
{
    sqlite3_stmt *statement = NULL;
    int64_t trusted_us = INT64_MIN;

    if (sqlite3_prepare_v2(database, trusted_sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        trusted_us = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return trusted_us;
}

static int old_delete(sqlite3 *database, const struct record_sweep *sweep, const char *before,
                      sqlite3_int64 end, int *removed)
{
    sqlite3_stmt *statement = NULL;
    int status = -1;

    if (sqlite3_prepare_v2(database, delete_sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 1, sweep->after_id) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, before, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 3, end) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_DONE) {
        *removed = sqlite3_changes(database);
        status = 0;
    }
    sqlite3_finalize(statement);
    return status;
}

static int audit_write(sqlite3 *database, int removed)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, audit_sql, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 1, removed);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

static int due_remove(sqlite3 *database, struct record_sweep *sweep, const char *before,
                      sqlite3_int64 end)
{
    int removed = 0;

    if (sqlite3_exec(database, "BEGIN IMMEDIATE; PRAGMA secure_delete = ON", NULL, NULL, NULL) !=
            SQLITE_OK ||
        old_delete(database, sweep, before, end, &removed) != 0 ||
        audit_write(database, removed) != 0 ||
        sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    sweep->removed = (unsigned)removed;
    return 0;
}

int sqlite_sweep_step(sqlite3 *database, struct record_sweep *sweep, char error[STORE_ERROR_MAX])
{
    const int64_t due_before = sweep->survey.due;
    char before[RECORD_TIME_MAX];
    sqlite3_int64 end;
    int status;

    record_time_format(sweep->survey.now_us - sweep->age_us, before);
    status = look(database, sweep, before, &end);
    if (status == 0 && sweep->removes && sweep->survey.due > due_before)
        status = due_remove(database, sweep, before, end);
    else if (status == 0 && !sweep->removes && end == 0 && sweep->survey.records > 0)
        status = trust(database, &sweep->survey);
    if (status != 0) {
        sqlite_explain(database, error);
        if (!sqlite3_get_autocommit(database))
            sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    sweep->more = end > 0;
    if (sweep->more)
        sweep->after_id = end;
    return 0;
}
