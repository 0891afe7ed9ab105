/* The tables of both databases, brought to the version of this program. */
#include "store/records/schema.h"
#include "store/records.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

extern const char schema_1_postgres_sql[];
extern const char schema_1_sqlite_sql[];

static const char *const sqlite_statements[] = {schema_1_sqlite_sql};
static const char *const postgres_statements[] = {schema_1_postgres_sql};

const struct schema_migrations schema_migrations[] = {
    [SQL_SQLITE] = {sqlite_statements, sizeof sqlite_statements / sizeof sqlite_statements[0]},
    [SQL_POSTGRES] = {postgres_statements,
                      sizeof postgres_statements / sizeof postgres_statements[0]},
};

/* Of two that migrate at once, the second waits here; PostgreSQL's number is "uic". That a table
 * exists already is for nobody to hear. */
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN EXCLUSIVE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL client_min_messages = warning;"
                     " SET LOCAL lock_timeout = '2s';"
                     " SELECT pg_advisory_xact_lock(7694691)",
};
static const char *const exists_sql[] = {
    [SQL_SQLITE] = "SELECT count(*) FROM sqlite_schema WHERE name = $1",
    [SQL_POSTGRES] = "SELECT (to_regclass($1) IS NOT NULL)::integer",
};
static const char *const history_sql[] = {
    [SQL_SQLITE] = "CREATE TABLE IF NOT EXISTS schema_migrations"
                   " (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
    [SQL_POSTGRES] = "CREATE TABLE IF NOT EXISTS schema_migrations"
                     " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)",
};
static const char *const applied_sql[] = {
    [SQL_SQLITE] = "INSERT INTO schema_migrations"
                   " VALUES ($1, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
    [SQL_POSTGRES] = "INSERT INTO schema_migrations VALUES ($1, now())",
};
static const char columns_sql[] =
    "SELECT id, uic_code, phone_number, input_hash, created_at, last_requested_at, is_active, "
    "notes,"
    " request_count, last_event_id, previous_event_ids, asked_by FROM uic_records LIMIT 0";

static enum sql_result number_read(struct sql *sql, const char *statement, const char *value,
                                   int64_t *number)
{
    return sql_run(sql, statement, SQL_VALUES(sql_text(value)), number);
}

static enum sql_result foreign_explain(struct sql *sql)
{
    snprintf(sql->error, sizeof sql->error,
             "%.110s holds a table uic_records that is not this program's (the Python version's?): "
             "set DATABASE_URL to a new %s",
             sql_place(sql), sql->dialect == SQL_SQLITE ? "file" : "database");
    return SQL_FAILED;
}

static enum sql_result encoding_check(struct sql *sql)
{
    char why[STORE_ERROR_MAX];
    enum sql_result result =
        sql_start(sql, "SELECT current_setting('server_encoding')", SQL_NOTHING);

    if (result == SQL_DONE)
        result = sql_next(sql);
    if (result != SQL_ROW)
        return result;
    if (strcmp(sql_column(sql, 0), "UTF8") == 0)
        return SQL_DONE;
    snprintf(why, sizeof why,
             "the database's encoding is %.20s, not UTF8: make one with createdb --encoding=UTF8 "
             "--template=template0",
             sql_column(sql, 0));
    return sql_explain(sql, SQL_FAILED, why);
}

static enum sql_result newer_explain(struct sql *sql, int64_t version, int count)
{
    snprintf(sql->error, sizeof sql->error,
             "%.100s: the tables (schema version %d) are newer than this program (%d), or older "
             "than its first release: use a later program or a new database",
             sql_place(sql), (int)version, count);
    return SQL_FAILED;
}

/* The version that the tables have, 0 when there are none. Refuses other programs' tables. Wants a
 * transaction around it. */
static enum sql_result version_read(struct sql *sql, const struct schema_migrations *migrations,
                                    int64_t *version)
{
    int64_t has_history, has_records;
    enum sql_result result = SQL_DONE;

    *version = 0;
    if (sql->dialect == SQL_POSTGRES)
        result = encoding_check(sql);
    if (result == SQL_DONE)
        result = number_read(sql, exists_sql[sql->dialect], "schema_migrations", &has_history);
    if (result == SQL_DONE)
        result = number_read(sql, exists_sql[sql->dialect], "uic_records", &has_records);
    if (result == SQL_DONE && has_history)
        result = sql_run(sql, "SELECT coalesce(max(version), 0) FROM schema_migrations",
                         SQL_NOTHING, version);
    if (result != SQL_DONE)
        return result;
    if (*version > 0)
        result = sql_run(sql, columns_sql, SQL_NOTHING, NULL);
    if (result == SQL_FAILED || (*version == 0 && has_records))
        return foreign_explain(sql);
    return result == SQL_DONE && *version > migrations->count
               ? newer_explain(sql, *version, migrations->count)
               : result;
}

/* version_read in a transaction of its own: another process may be migrating meanwhile. */
static enum sql_result version_look(struct sql *sql, const struct schema_migrations *migrations,
                                    int64_t *version)
{
    enum sql_result result = sql_run(sql, "BEGIN", SQL_NOTHING, NULL);

    if (result != SQL_DONE)
        return result;
    result = version_read(sql, migrations, version);
    sql_roll_back(sql);
    return result;
}

/* Once for all. The switch does not wait by itself when another process switches at once. */
static enum sql_result wal_use(struct sql *sql)
{
    enum sql_result result = SQL_AGAIN;
    const char *mode;

    for (int tries = 0; result == SQL_AGAIN && tries < 300; tries++) {
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        result = sql_start(sql, "PRAGMA journal_mode = WAL", SQL_NOTHING);
        if (result == SQL_DONE)
            result = sql_next(sql);
    }
    if (result != SQL_ROW)
        return result;
    mode = sql_column(sql, 0);
    if (strcmp(mode, "wal") == 0 || strcmp(mode, "memory") == 0)
        return sql_next(sql);
    return sql_explain(sql, SQL_FAILED, "this file system has no write-ahead logging");
}

/* A change of tables takes what it takes; waiting for locks has its limit. */
static enum sql_result migrations_apply(struct sql *sql, const struct schema_migrations *migrations,
                                        int64_t version)
{
    const int answer_ms = sql->answer_ms;
    enum sql_result result = SQL_DONE;

    if (sql->dialect == SQL_POSTGRES)
        sql->answer_ms = 0;
    if (version < migrations->count)
        result = sql_run(sql, history_sql[sql->dialect], SQL_NOTHING, NULL);
    for (; result == SQL_DONE && version < migrations->count; version++) {
        result = sql_run(sql, migrations->statements[version], SQL_NOTHING, NULL);
        if (result == SQL_DONE)
            result =
                sql_run(sql, applied_sql[sql->dialect], SQL_VALUES(sql_number(version + 1)), NULL);
    }
    sql->answer_ms = answer_ms;
    return result;
}

static void report_write(char report[STORE_ERROR_MAX], int64_t before, int count)
{
    if (before == count)
        snprintf(report, STORE_ERROR_MAX, "the tables are up to date (schema version %d)", count);
    else if (before == 0)
        snprintf(report, STORE_ERROR_MAX, "created the tables (schema version %d)", count);
    else
        snprintf(report, STORE_ERROR_MAX, "migrated from %d to %d", (int)before, count);
}

enum sql_result schema_migrate(struct sql *sql, const struct schema_migrations *migrations,
                               char report[STORE_ERROR_MAX])
{
    enum sql_result result = SQL_DONE;
    int64_t before;

    /* Looked at before the first change, so that a file that is not ours stays as it is. */
    if (sql->dialect == SQL_SQLITE && (result = version_look(sql, migrations, &before)) == SQL_DONE)
        result = wal_use(sql);
    if (result == SQL_DONE)
        result = sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL);
    if (result != SQL_DONE)
        return result;
    result = version_read(sql, migrations, &before);
    if (result == SQL_DONE)
        result = migrations_apply(sql, migrations, before);
    if (result == SQL_DONE)
        result = sql_run(sql, "COMMIT", SQL_NOTHING, NULL);
    if (result != SQL_DONE) {
        sql_roll_back(sql);
        return result;
    }
    report_write(report, before, migrations->count);
    return SQL_DONE;
}

enum sql_result schema_check(struct sql *sql, const struct schema_migrations *migrations)
{
    char why[STORE_ERROR_MAX];
    int64_t version;
    enum sql_result result = version_look(sql, migrations, &version);

    if (result != SQL_DONE || version == migrations->count)
        return result;
    snprintf(why, sizeof why,
             "the tables have schema version %d, this program needs %d: run whatsapp-uic init-db",
             (int)version, migrations->count);
    return sql_explain(sql, SQL_FAILED, why);
}

struct sql *schema_open(const char *url, int connect_ms, char error[STORE_ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_WRITE, connect_ms, error);

    if (sql == NULL)
        return NULL;
    const int answer_ms = sql->answer_ms;
    if (sql->dialect == SQL_POSTGRES)
        sql->answer_ms = connect_ms;
    enum sql_result result = schema_check(sql, &schema_migrations[sql->dialect]);
    sql->answer_ms = answer_ms;
    if (result == SQL_DONE)
        return sql;
    sql_fail(sql, error);
    sql_close(sql);
    return NULL;
}
