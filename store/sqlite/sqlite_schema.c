/*
 * The tables in a SQLite file and their migrations. The SQL is in
 * store/records/sql/sqlite/.
 */
#include "store/sqlite/sqlite_schema.h"
#include "store/records.h"
#include "store/sqlite/sqlite_database.h"
#include <stdio.h>

extern const char sqlite_schema_1[];

static const char *const record_statements[] = {sqlite_schema_1};
const struct sqlite_migrations sqlite_record_migrations = {
    record_statements, sizeof record_statements / sizeof record_statements[0]};

/* One number from the database. Returns 0, or -1 when the statement does not run. */
static int number_select(sqlite3 *database, const char *sql, int *number)
{
    sqlite3_stmt *statement = NULL;
    int status = -1;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *number = sqlite3_column_int(statement, 0);
        status = 0;
    }
    sqlite3_finalize(statement);
    return status;
}

static int foreign_explain(sqlite3 *database, char error[STORE_ERROR_MAX])
{
    snprintf(error, STORE_ERROR_MAX,
             "%.120s holds a table uic_records that is not this program's (the Python version's?): "
             "set DATABASE_URL to a new file",
             sqlite3_db_filename(database, "main"));
    return -1;
}

/* The version that the tables have, 0 when there are none. Refuses other programs' tables. Wants a
 * transaction around it. */
static int version_read(sqlite3 *database, const struct sqlite_migrations *migrations, int *version,
                        char error[STORE_ERROR_MAX])
{
    static const char names[] = "SELECT count(*) FROM sqlite_schema WHERE name = ";
    char sql[128];
    int has_migrations;
    int has_records;
    int rows;

    snprintf(sql, sizeof sql, "%s'schema_migrations'", names);
    if (number_select(database, sql, &has_migrations) != 0)
        return sqlite_explain(database, error);
    snprintf(sql, sizeof sql, "%s'uic_records'", names);
    if (number_select(database, sql, &has_records) != 0)
        return sqlite_explain(database, error);

    *version = 0;
    if (has_migrations &&
        number_select(database, "SELECT coalesce(max(version), 0) FROM schema_migrations",
                      version) != 0)
        return sqlite_explain(database, error);
    if (*version == 0 && has_records)
        return foreign_explain(database, error);
    if (*version > 0 &&
        number_select(database,
                      "SELECT count(*) FROM (SELECT id, uic_code, phone_number, input_hash,"
                      " created_at, last_requested_at, is_active, notes, request_count,"
                      " last_event_id, previous_event_ids, asked_by FROM uic_records LIMIT 0)",
                      &rows) != 0)
        return foreign_explain(database, error);
    if (*version > migrations->count) {
        snprintf(
            error, STORE_ERROR_MAX,
            "%.100s: the tables (schema version %d) are newer than this program (%d), or older "
            "than its first release: use a later program or a new file",
            sqlite3_db_filename(database, "main"), *version, migrations->count);
        return -1;
    }
    return 0;
}

static int statements_run(sqlite3 *database, const char *sql, char error[STORE_ERROR_MAX])
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_explain(database, error);
    return 0;
}

/* version_read in a transaction of its own: another process may be migrating meanwhile. */
static int version_look(sqlite3 *database, const struct sqlite_migrations *migrations, int *version,
                        char error[STORE_ERROR_MAX])
{
    if (statements_run(database, "BEGIN", error) != 0)
        return -1;
    int status = version_read(database, migrations, version, error);
    sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static int migration_apply(sqlite3 *database, const char *migration, int version,
                           char error[STORE_ERROR_MAX])
{
    char sql[128];

    if (statements_run(database,
                       "CREATE TABLE IF NOT EXISTS schema_migrations"
                       " (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
                       error) != 0 ||
        statements_run(database, migration, error) != 0)
        return -1;
    snprintf(sql, sizeof sql,
             "INSERT INTO schema_migrations"
             " VALUES (%d, strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now'))",
             version);
    return statements_run(database, sql, error);
}

/* Applies the next migration if there is one: *version is then what it led to. */
static int migrate_once(sqlite3 *database, const struct sqlite_migrations *migrations, int *version,
                        char error[STORE_ERROR_MAX])
{
    if (statements_run(database, "BEGIN EXCLUSIVE", error) != 0)
        return -1;
    /* Read again under the lock: another process may have been faster. */
    if (version_read(database, migrations, version, error) != 0)
        goto failed;
    if (*version < migrations->count) {
        if (migration_apply(database, migrations->statements[*version], *version + 1, error) != 0)
            goto failed;
        ++*version;
    }
    if (statements_run(database, "COMMIT", error) == 0)
        return 0;

failed:
    sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int sqlite_schema_migrate(sqlite3 *database, const struct sqlite_migrations *migrations,
                          char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    int before;
    int version;

    /* Looked at before the first change, so that a file that is not ours stays as it is. */
    if (version_look(database, migrations, &before, error) != 0 ||
        sqlite_use_wal(database, error) != 0)
        return -1;
    for (version = before; version < migrations->count;) {
        if (migrate_once(database, migrations, &version, error) != 0)
            return -1;
    }
    if (before == version)
        snprintf(report, STORE_ERROR_MAX, "the tables are up to date (schema version %d)", version);
    else if (before == 0)
        snprintf(report, STORE_ERROR_MAX, "created the tables (schema version %d)", version);
    else
        snprintf(report, STORE_ERROR_MAX, "migrated from %d to %d", before, version);
    return 0;
}

int sqlite_schema_check(sqlite3 *database, const struct sqlite_migrations *migrations,
                        char error[STORE_ERROR_MAX])
{
    int version;

    if (version_look(database, migrations, &version, error) != 0)
        return -1;
    if (version < migrations->count) {
        snprintf(error, STORE_ERROR_MAX,
                 "%.120s: the tables have schema version %d, this program needs %d: "
                 "run whatsapp-uic init-db",
                 sqlite3_db_filename(database, "main"), version, migrations->count);
        return -1;
    }
    return 0;
}

/* Runs a statement with name and value in it; *differs is its first column, if it has a row. */
static int mark_run(sqlite3 *database, const char *sql, const char *name, const char *value,
                    bool *differs, char error[STORE_ERROR_MAX])
{
    sqlite3_stmt *statement = NULL;
    int status = SQLITE_ERROR;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC) == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        *differs = sqlite3_column_int(statement, 0) != 0;
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        sqlite_explain(database, error);
    sqlite3_finalize(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? 0 : -1;
}

int sqlite_schema_mark(sqlite3 *database, const char *name, const char *value, bool remember,
                       char error[STORE_ERROR_MAX])
{
    bool differs = false;

    if (remember &&
        mark_run(database,
                 "INSERT INTO uic_marks VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE"
                 " SET value = excluded.value WHERE NOT EXISTS (SELECT 1 FROM uic_records)",
                 name, value, &differs, error) != 0)
        return -1;
    if (mark_run(database,
                 "SELECT value <> ?2 AND EXISTS (SELECT 1 FROM uic_records) FROM uic_marks"
                 " WHERE name = ?1",
                 name, value, &differs, error) != 0)
        return -1;
    return differs ? RECORD_DIFFERS : 0;
}
