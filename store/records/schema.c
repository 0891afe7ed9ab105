/* The tables of both databases, brought to the version of this program. */
#include "store/records/schema.h"
#include "store/records.h"

#include "store/base/clock.h"
#include "store/base/hex.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

extern const char schema_1_postgres_sql[], schema_2_postgres_sql[], schema_3_postgres_sql[];
extern const char schema_1_sqlite_sql[], schema_2_sqlite_sql[], schema_3_sqlite_sql[];

static const char *const sqlite_statements[] = {schema_1_sqlite_sql, schema_2_sqlite_sql,
                                                schema_3_sqlite_sql};
static const char *const postgres_statements[] = {schema_1_postgres_sql, schema_2_postgres_sql,
                                                  schema_3_postgres_sql};

const struct schema_migrations schema_migrations[] = {
    [SQL_SQLITE] = {sqlite_statements, sizeof sqlite_statements / sizeof sqlite_statements[0]},
    [SQL_POSTGRES] = {postgres_statements,
                      sizeof postgres_statements / sizeof postgres_statements[0]},
};

/* A commit may wait for a standby, but not for ever. */
#define COMMIT_MS 3000

/* Of two that migrate at once, the second waits here; PostgreSQL's number is "uic". That a table
 * exists already is for nobody to hear. */
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN EXCLUSIVE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL client_min_messages = warning;"
                     " SET LOCAL lock_timeout = '2s';"
                     " SELECT pg_advisory_xact_lock(7694691)",
};
/* The encoding, whether it is read-only, and which tables there are. */
static const char *const state_sql[] = {
    [SQL_SQLITE] = "SELECT 'UTF8', 'off',"
                   " EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'),"
                   " EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'uic_records')",
    [SQL_POSTGRES] = "SELECT current_setting('server_encoding'),"
                     " current_setting('transaction_read_only'),"
                     " (to_regclass('schema_migrations') IS NOT NULL)::integer,"
                     " (to_regclass('uic_records') IS NOT NULL)::integer",
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
static const char version_sql[] = "SELECT coalesce(max(version), 0) FROM schema_migrations";
static const char columns_sql[] =
    "SELECT id, uic_code, phone_number, input_hash, created_at, last_requested_at, is_active,"
    " notes, request_count, last_event_id, previous_event_ids, asked_by FROM uic_records LIMIT 0";

static enum sql_result foreign_explain(struct sql *sql)
{
    snprintf(sql->error, sizeof sql->error,
             "%.110s holds a table uic_records that is not this program's (the Python version's?): "
             "set DATABASE_URL to a new %s",
             sql->name, sql->dialect == SQL_SQLITE ? "file" : "database");
    return SQL_FAILED;
}

/* The version that the tables have, 0 when there are none. Refuses other programs' tables: by their
 * columns before the start, as each connection of a server would wait there for a lock. */
static enum sql_result version_read(struct sql *sql, bool serves, int64_t *version)
{
    enum sql_result result = sql_query(sql, state_sql[sql->dialect], SQL_NOTHING);

    *version = 0;
    if (result != SQL_ROW)
        return result;
    if (strcmp(sql_column(sql, 0), "UTF8") != 0)
        return sql_explain(sql, SQL_FAILED,
                           "the database's encoding is %.20s, not UTF8: make one with createdb "
                           "--encoding=UTF8 --template=template0",
                           sql_column(sql, 0));
    if (serves && strcmp(sql_column(sql, 1), "off") != 0)
        return sql_explain(sql, SQL_FAILED, "the server is read-only");
    const bool has_history = sql_column_number(sql, 2) == 1;
    const bool has_records = sql_column_number(sql, 3) == 1;
    result = has_history ? sql_run(sql, version_sql, SQL_NOTHING, version) : SQL_DONE;
    if (result == SQL_DONE && *version > 0 && !serves)
        result = sql_run(sql, columns_sql, SQL_NOTHING, NULL);
    if (result == SQL_FAILED || (result == SQL_DONE && *version == 0 && has_records))
        return foreign_explain(sql);
    return result;
}

static enum sql_result newer_explain(struct sql *sql, int64_t version, int count)
{
    return sql_explain(sql, SQL_FAILED,
                       "the tables (schema version %d) are newer than this program (%d), or older "
                       "than its first release: use a later program or a new database",
                       (int)version, count);
}

/* Once for all. The switch does not wait by itself when another process switches at once. */
static enum sql_result wal_use(struct sql *sql)
{
    enum sql_result result = SQL_AGAIN;

    for (int tries = 0; result == SQL_AGAIN && tries < 300; tries++) {
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        result = sql_query(sql, "PRAGMA journal_mode = WAL", SQL_NOTHING);
    }
    if (result != SQL_ROW)
        return result;
    const char *mode = sql_column(sql, 0);
    if (strcmp(mode, "wal") == 0 || strcmp(mode, "memory") == 0)
        return sql_next(sql);
    return sql_explain(sql, SQL_FAILED, "this file system has no write-ahead logging");
}

/* A change of tables takes what it takes; waiting for locks has its limit. */
static enum sql_result migrations_apply(struct sql *sql, const struct schema_migrations *migrations,
                                        int64_t version)
{
    if (version > migrations->count)
        return newer_explain(sql, version, migrations->count);
    if (version == migrations->count)
        return SQL_DONE;
    sql->due_ms = 0;
    enum sql_result result = sql_run(sql, history_sql[sql->dialect], SQL_NOTHING, NULL);
    for (; result == SQL_DONE && version < migrations->count; version++) {
        result = sql_run(sql, migrations->statements[version], SQL_NOTHING, NULL);
        if (result == SQL_DONE)
            result =
                sql_run(sql, applied_sql[sql->dialect], SQL_VALUES(sql_number(version + 1)), NULL);
    }
    sql->due_ms = clock_monotonic_ms() + COMMIT_MS;
    return result;
}

static void report_write(char report[ERROR_MAX], int64_t before, int count)
{
    if (before == count)
        snprintf(report, ERROR_MAX, "the tables are up to date (schema version %d)", count);
    else if (before == 0)
        snprintf(report, ERROR_MAX, "created the tables (schema version %d)", count);
    else
        snprintf(report, ERROR_MAX, "migrated from %d to %d", (int)before, count);
}

enum sql_result schema_migrate(struct sql *sql, const struct schema_migrations *migrations,
                               char report[ERROR_MAX])
{
    enum sql_result result = SQL_DONE;
    int64_t before;

    /* Looked at before the first change, so that a file that is not ours stays as it is. */
    if (sql->dialect == SQL_SQLITE && (result = version_read(sql, false, &before)) == SQL_DONE)
        result = wal_use(sql);
    if (result == SQL_DONE)
        result = sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL);
    if (result != SQL_DONE)
        return sql_end(sql, result);
    result = version_read(sql, false, &before);
    if (result == SQL_DONE)
        result = migrations_apply(sql, migrations, before);
    report_write(report, before, migrations->count);
    return sql_end(sql, result);
}

enum sql_result schema_check(struct sql *sql, const struct schema_migrations *migrations,
                             bool serves)
{
    int64_t version;
    const enum sql_result result = version_read(sql, serves, &version);

    if (result != SQL_DONE || version == migrations->count)
        return result;
    if (version > migrations->count && serves && sql->dialect == SQL_POSTGRES)
        return SQL_DONE;
    if (version > migrations->count)
        return newer_explain(sql, version, migrations->count);
    return sql_explain(sql, SQL_FAILED,
                       "the tables have schema version %d, this program needs %d: run whatsapp-uic "
                       "init-db",
                       (int)version, migrations->count);
}

struct sql_value schema_hash(const struct sql *sql, const unsigned char *hash, size_t size,
                             char room[SCHEMA_HASH_MAX])
{
    if (hash == NULL)
        return sql_text(NULL);
    hex_write(hash, size, room);
    return sql->dialect == SQL_SQLITE ? sql_text(room) : sql_bytes(hash, size);
}

struct sql_value schema_digits(const struct sql *sql, const char *digits,
                               char room[SCHEMA_HASH_MAX])
{
    const size_t size = strlen(digits) / 2;

    if (sql->dialect == SQL_SQLITE)
        return sql_text(digits);
    if (size >= SCHEMA_HASH_MAX || hex_read(digits, (unsigned char *)room, size) != 0)
        return sql_text(NULL);
    return sql_bytes(room, size);
}

static const unsigned char nobody[RECORD_PERSON_HASH_SIZE];

bool schema_is_nobody(const unsigned char *user_id)
{
    return memcmp(user_id, nobody, sizeof nobody) == 0;
}

struct sql_value schema_nobody(const struct sql *sql, char room[SCHEMA_HASH_MAX])
{
    return schema_hash(sql, nobody, sizeof nobody, room);
}

struct sql *schema_open(const char *url, int connect_ms, char error[ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_WRITE, connect_ms, NULL, error);

    if (sql == NULL)
        return NULL;
    sql->due_ms = clock_monotonic_ms() + connect_ms;
    if (schema_check(sql, &schema_migrations[sql->dialect], false) == SQL_DONE) {
        sql->due_ms = 0;
        return sql;
    }
    sql_finish(sql, SQL_FAILED, error);
    return NULL;
}
