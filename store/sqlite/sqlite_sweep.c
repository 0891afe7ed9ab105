/* Looks at a page of records, and only when there are old ones among them, writes. */
#include "store/sqlite/sqlite_sweep.h"
#include "store/record_reader.h"
#include "store/sqlite/sqlite_database.h"

#define TEXT_OF(number) #number
#define NUMBER(number) TEXT_OF(number)

/* ?1 the id to go on behind, ?2 the time. */
#define PAGE                                                                      \
    "(SELECT id, last_requested_at < ?2 AS is_old FROM uic_records WHERE id > ?1" \
    " ORDER BY id LIMIT " NUMBER(RECORD_SWEEP_LOOK) ")"

static const char look_sql[] =
    "SELECT (SELECT max(id) FROM " PAGE "), count(*), max(id) FROM"
    " (SELECT id FROM " PAGE " WHERE is_old ORDER BY id LIMIT " NUMBER(RECORD_SWEEP_REMOVE) ")";
static const char delete_sql[] =
    "DELETE FROM uic_records WHERE id > ?1 AND id <= ?3 AND last_requested_at < ?2";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author)"
    " SELECT strftime('%Y-%m-%d %H:%M:%f000', 'now'), 'retention', ?1, 'server' WHERE ?1 > 0";

/* Where the step ends: at the page's end, or when there is more to remove, before. 0: no page. */
static int look(sqlite3 *database, const struct record_sweep *sweep, const char *before,
                sqlite3_int64 *end, int *old)
{
    sqlite3_stmt *statement = NULL;
    int status = -1;

    if (sqlite3_prepare_v2(database, look_sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 1, sweep->after_id) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, before, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *old = sqlite3_column_int(statement, 1);
        *end = sqlite3_column_int64(statement, *old == RECORD_SWEEP_REMOVE ? 2 : 0);
        status = 0;
    }
    sqlite3_finalize(statement);
    return status;
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

int sqlite_sweep_step(sqlite3 *database, struct record_sweep *sweep, char error[STORE_ERROR_MAX])
{
    char before[RECORD_TIME_MAX];
    sqlite3_int64 end;
    int old, removed = 0;

    record_time_format(sweep->before_us, before);
    if (look(database, sweep, before, &end, &old) != 0)
        return sqlite_explain(database, error);
    if (old > 0 && (sqlite3_exec(database, "BEGIN IMMEDIATE; PRAGMA secure_delete = ON", NULL, NULL,
                                 NULL) != SQLITE_OK ||
                    old_delete(database, sweep, before, end, &removed) != 0 ||
                    audit_write(database, removed) != 0 ||
                    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)) {
        sqlite_explain(database, error);
        if (!sqlite3_get_autocommit(database))
            sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    sweep->removed = (unsigned)removed;
    sweep->more = end > 0;
    if (sweep->more)
        sweep->after_id = end;
    return 0;
}
