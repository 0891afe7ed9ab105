/*
 * The tables in a PostgreSQL database and their migrations. The SQL is in
 * store/records/sql/postgres/.
 */
#include "store/postgres/postgres_schema.h"
#include "store/postgres/postgres_result.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char postgres_schema_1[];

static const char *const record_statements[] = {postgres_schema_1};
const struct postgres_migrations postgres_record_migrations = {
    record_statements, sizeof record_statements / sizeof record_statements[0]};

/* Of two instances that start at once, the second waits here. The number is "uic". */
static const char lock_sql[] = "SELECT pg_advisory_xact_lock(7694691)";

static int pg_explain(PGconn *pg, const PGresult *result, char error[STORE_ERROR_MAX])
{
    char why[STORE_ERROR_MAX];

    if (result && PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY))
        postgres_result_explain(result, why);
    else
        snprintf(why, sizeof why, "%.200s", PQerrorMessage(pg));
    why[strcspn(why, "\n")] = '\0';
    snprintf(error, STORE_ERROR_MAX, "PostgreSQL: %.240s", why);
    return -1;
}

PGconn *postgres_connect(const struct postgres_url *url, char error[STORE_ERROR_MAX])
{
    PGconn *pg = postgres_url_connect(url);

    if (pg && PQstatus(pg) == CONNECTION_OK)
        return pg;
    if (pg)
        pg_explain(pg, NULL, error);
    else
        snprintf(error, STORE_ERROR_MAX, "out of memory");
    PQfinish(pg);
    return NULL;
}

static int statements_run(PGconn *pg, const char *sql, char error[STORE_ERROR_MAX])
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    int ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!ok)
        pg_explain(pg, result, error);
    PQclear(result);
    return ok ? 0 : -1;
}

/* The first value of the first row, as a number. */
static int number_select(PGconn *pg, const char *sql, int *number, char error[STORE_ERROR_MAX])
{
    PGresult *result = PQexec(pg, sql);
    int ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

    if (ok)
        *number = atoi(PQgetvalue(result, 0, 0));
    else
        pg_explain(pg, result, error);
    PQclear(result);
    return ok ? 0 : -1;
}

static int foreign_explain(PGconn *pg, char error[STORE_ERROR_MAX])
{
    snprintf(error, STORE_ERROR_MAX,
             "the database %.60s holds a table uic_records that is not this program's (the Python "
             "version's?): set DATABASE_URL to a new database",
             PQdb(pg));
    return -1;
}

static int encoding_check(PGconn *pg, char error[STORE_ERROR_MAX])
{
    const char *encoding = PQparameterStatus(pg, "server_encoding");

    if (encoding && strcmp(encoding, "UTF8") == 0)
        return 0;
    snprintf(error, STORE_ERROR_MAX,
             "the database %.60s has the encoding %.20s, not UTF8: make one with createdb "
             "--encoding=UTF8 --template=template0",
             PQdb(pg), encoding ? encoding : "unknown");
    return -1;
}

/* The version that the tables have, 0 when there are none. Refuses other programs' tables. */
static int version_read(PGconn *pg, const struct postgres_migrations *migrations, int *version,
                        char error[STORE_ERROR_MAX])
{
    int has_migrations;
    int has_records;

    *version = 0;
    if (encoding_check(pg, error) != 0 ||
        number_select(pg, "SELECT (to_regclass('schema_migrations') IS NOT NULL)::integer",
                      &has_migrations, error) != 0 ||
        number_select(pg, "SELECT (to_regclass('uic_records') IS NOT NULL)::integer", &has_records,
                      error) != 0)
        return -1;
    if (has_migrations &&
        number_select(pg, "SELECT coalesce(max(version), 0) FROM schema_migrations", version,
                      error) != 0)
        return -1;
    if (*version == 0 && has_records)
        return foreign_explain(pg, error);
    if (*version > 0 &&
        statements_run(pg,
                       "SELECT id, uic_code, phone_number, input_hash, created_at,"
                       " last_requested_at, is_active, notes, request_count, last_event_id,"
                       " previous_event_ids, asked_by FROM uic_records LIMIT 0",
                       error) != 0)
        return foreign_explain(pg, error);
    if (*version > migrations->count) {
        snprintf(error, STORE_ERROR_MAX,
                 "the database %.60s: the tables (schema version %d) are newer than this program "
                 "(%d), or older than its first release: use a later program or a new database",
                 PQdb(pg), *version, migrations->count);
        return -1;
    }
    return 0;
}

static int migration_apply(PGconn *pg, const char *migration, int version,
                           char error[STORE_ERROR_MAX])
{
    char sql[96];

    snprintf(sql, sizeof sql, "INSERT INTO schema_migrations VALUES (%d, now())", version);
    if (statements_run(pg,
                       "CREATE TABLE IF NOT EXISTS schema_migrations"
                       " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)",
                       error) != 0 ||
        statements_run(pg, migration, error) != 0)
        return -1;
    return statements_run(pg, sql, error);
}

int postgres_schema_migrate(PGconn *pg, const struct postgres_migrations *migrations,
                            char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    int before;
    int version;

    /* The notice that a table exists already is for nobody. */
    if (statements_run(pg, "BEGIN; SET LOCAL client_min_messages = warning", error) != 0 ||
        statements_run(pg, lock_sql, error) != 0 ||
        version_read(pg, migrations, &before, error) != 0)
        goto failed;
    for (version = before; version < migrations->count; version++) {
        if (migration_apply(pg, migrations->statements[version], version + 1, error) != 0)
            goto failed;
    }
    if (statements_run(pg, "COMMIT", error) != 0)
        goto failed;
    if (before == version)
        snprintf(report, STORE_ERROR_MAX, "the tables are up to date (schema version %d)", version);
    else if (before == 0)
        snprintf(report, STORE_ERROR_MAX, "created the tables (schema version %d)", version);
    else
        snprintf(report, STORE_ERROR_MAX, "migrated from %d to %d", before, version);
    return 0;

failed:
    PQclear(PQexec(pg, "ROLLBACK"));
    return -1;
}

int postgres_schema_check(PGconn *pg, const struct postgres_migrations *migrations,
                          char error[STORE_ERROR_MAX])
{
    int version;

    if (version_read(pg, migrations, &version, error) != 0)
        return -1;
    if (version < migrations->count) {
        snprintf(error, STORE_ERROR_MAX,
                 "the database %.60s: the tables have schema version %d, this program needs %d: "
                 "run whatsapp-uic init-db",
                 PQdb(pg), version, migrations->count);
        return -1;
    }
    return 0;
}

void postgres_schema_tidy(PGconn *pg)
{
    PQclear(PQexec(pg, "SET lock_timeout = '1s'; SELECT uic_totals_fold()"));
}

/* Runs a statement with name and value in it; *differs is its first column, if it has a row. */
static int mark_run(PGconn *pg, const char *sql, const char *name, const char *value, bool *differs,
                    char error[STORE_ERROR_MAX])
{
    const char *const values[] = {name, value};
    PGresult *result = PQexecParams(pg, sql, 2, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!ok)
        pg_explain(pg, result, error);
    if (status == PGRES_TUPLES_OK && PQntuples(result) == 1)
        *differs = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return ok ? 0 : -1;
}

int postgres_schema_mark(PGconn *pg, const char *name, const char *value, bool remember,
                         char error[STORE_ERROR_MAX])
{
    bool differs = false;

    if (remember &&
        mark_run(pg,
                 "INSERT INTO uic_marks VALUES ($1, $2) ON CONFLICT (name) DO UPDATE"
                 " SET value = excluded.value WHERE NOT EXISTS (SELECT FROM uic_records)",
                 name, value, &differs, error) != 0)
        return -1;
    if (mark_run(pg,
                 "SELECT value <> $2 AND EXISTS (SELECT FROM uic_records) FROM uic_marks"
                 " WHERE name = $1",
                 name, value, &differs, error) != 0)
        return -1;
    return differs ? RECORD_DIFFERS : 0;
}
