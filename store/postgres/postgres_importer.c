/*
 * Importing into PostgreSQL: COPY into a temporary table, one INSERT from there, and only when not
 * all went in, a question why. A transaction each; with a dry run one for all, which is undone.
 */
#include "store/base/hex.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_result.h"
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct postgres_importing {
    struct record_importer importer;
    PGconn *pg;
    bool dry_run;
    char *line; /* of COPY */
};

/* A pooler may give each transaction another server process, so nothing is to outlive it. */
static const char tables_sql[] =
    "SET LOCAL client_min_messages = warning; SET LOCAL jit = off;"
    "CREATE TEMP TABLE IF NOT EXISTS uic_import (line integer, uic_code text COLLATE \"C\","
    " phone_number text, input_hash bytea, created_at timestamptz, last_requested_at timestamptz,"
    " is_active boolean, notes text, request_count integer) ON COMMIT DROP;"
    "TRUNCATE uic_import";

/* What a dry run would have taken. */
static const char seen_sql[] = "CREATE TEMP TABLE uic_import_seen (uic_code text COLLATE \"C\""
                               " UNIQUE, input_hash bytea UNIQUE) ON COMMIT DROP";

static const char insert_sql[] =
    "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at,"
    " is_active, notes, request_count) SELECT uic_code, phone_number, input_hash, created_at,"
    " last_requested_at, is_active, notes, request_count FROM uic_import ORDER BY line"
    " ON CONFLICT DO NOTHING";

static const char dry_sql[] =
    "INSERT INTO uic_import_seen SELECT uic_code, input_hash FROM uic_import AS i"
    " WHERE NOT EXISTS (SELECT FROM uic_records AS r WHERE r.input_hash = i.input_hash)"
    " AND NOT EXISTS (SELECT FROM uic_records AS r WHERE r.uic_code = i.uic_code) ORDER BY line"
    " ON CONFLICT DO NOTHING";

/* The code that the answers of each row have now, if they have one. */
static const char *const held_sql[] = {
    "SELECT line, (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.input_hash)"
    " FROM uic_import AS i",
    "SELECT line, coalesce("
    "  (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.input_hash),"
    "  (SELECT s.uic_code FROM uic_import_seen AS s WHERE s.input_hash = i.input_hash))"
    " FROM uic_import AS i",
};

static void importing_close(struct record_importer *base)
{
    struct postgres_importing *importing = (struct postgres_importing *)base;

    PQfinish(importing->pg);
    free(importing->line);
    free(importing);
}

static struct record_importer *importing_open(const char *text, bool dry_run,
                                              char error[STORE_ERROR_MAX])
{
    struct postgres_importing *importing = calloc(1, sizeof *importing);
    struct postgres_url *url = postgres_url_parse(text, error);

    if (!importing || !url)
        goto failed;
    importing->dry_run = dry_run;
    importing->line = malloc(2 * RECORD_NOTES_MAX + 2048);
    importing->pg = importing->line ? postgres_connect(url, error) : NULL;
    if (!importing->pg ||
        postgres_schema_check(importing->pg, &postgres_record_migrations, error) != 0)
        goto failed;
    if (dry_run && (postgres_run(importing->pg, "BEGIN", error) != 0 ||
                    postgres_run(importing->pg, seen_sql, error) != 0))
        goto failed;
    postgres_url_free(url);
    return &importing->importer;

failed:
    if (!importing || (url && !importing->line))
        snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (importing)
        importing_close(&importing->importer);
    postgres_url_free(url);
    return NULL;
}

/* A text as COPY wants it; \N is no text. */
static char *text_append(char *at, const char *text)
{
    static const char odd[] = "\\\n\r\t";
    static const char even[] = "\\nrt";

    if (!text)
        return stpcpy(at, "\\N");
    for (; *text; text++) {
        const char *found = strchr(odd, *text);
        if (found)
            *at++ = '\\';
        *at++ = found ? even[found - odd] : *text;
    }
    return at;
}

static size_t line_format(char *line, size_t number, const struct record_row *row)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX];
    char *at = line + sprintf(line, "%zu\t", number);

    record_time_format(row->created_us, created);
    record_time_format(row->last_requested_us, last);
    at = text_append(at, row->code);
    *at++ = '\t';
    at = text_append(at, row->phone_number);
    at = stpcpy(at, "\t\\\\x");
    hex_write(row->input_hash, RECORD_HASH_SIZE, at);
    at += 2 * RECORD_HASH_SIZE;
    at += sprintf(at, "\t%s+00\t%s+00\t%c\t", created, last, row->is_active ? 't' : 'f');
    at = text_append(at, row->notes);
    at += sprintf(at, "\t%d\n", row->request_count);
    return (size_t)(at - line);
}

static int rows_copy(struct postgres_importing *importing, const struct record_row *rows,
                     size_t count, char error[STORE_ERROR_MAX])
{
    PGconn *pg = importing->pg;
    bool sent = true;
    int status = 0;

    if (postgres_run(pg, "COPY uic_import FROM STDIN", error) != 0)
        return -1;
    for (size_t i = 0; i < count && sent; i++) {
        size_t length = line_format(importing->line, i, &rows[i]);
        sent = PQputCopyData(pg, importing->line, (int)length) == 1;
    }
    sent = PQputCopyEnd(pg, NULL) == 1 && sent;
    for (PGresult *result; (result = PQgetResult(pg)); PQclear(result)) {
        char why[STORE_ERROR_MAX];
        if (status == 0 && PQresultStatus(result) != PGRES_COMMAND_OK) {
            postgres_result_explain(result, why);
            snprintf(error, STORE_ERROR_MAX, "PostgreSQL: %.200s", why);
            status = -1;
        }
    }
    if (status == 0 && !sent) {
        snprintf(error, STORE_ERROR_MAX, "PostgreSQL: the connection was lost");
        status = -1;
    }
    return status;
}

/* Which rows did not go in, and why. */
static int results_find(struct postgres_importing *importing, const struct record_row *rows,
                        size_t count, enum record_import *results, char error[STORE_ERROR_MAX])
{
    PGresult *held = NULL;

    /* By the indices, however small the tables are thought to be. */
    if (postgres_run(importing->pg, "SET LOCAL enable_seqscan = off", error) == 0)
        held = postgres_call(importing->pg, held_sql[importing->dry_run], error);
    for (int i = 0; held && i < PQntuples(held); i++) {
        size_t line = strtoul(PQgetvalue(held, i, 0), NULL, 10);
        if (line >= count)
            continue;
        if (PQgetisnull(held, i, 1))
            results[line] = RECORD_CODE_HELD;
        else if (strcmp(PQgetvalue(held, i, 1), rows[line].code) != 0)
            results[line] = RECORD_ANSWERS_HELD;
    }
    PQclear(held);
    return held ? 0 : -1;
}

static int rows_put(struct postgres_importing *importing, const struct record_row *rows,
                    size_t count, enum record_import *results, size_t *taken,
                    char error[STORE_ERROR_MAX])
{
    if (postgres_run(importing->pg, tables_sql, error) != 0 ||
        rows_copy(importing, rows, count, error) != 0)
        return -1;
    PGresult *result =
        postgres_call(importing->pg, importing->dry_run ? dry_sql : insert_sql, error);
    if (!result)
        return -1;
    *taken = strtoul(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return *taken == count ? 0 : results_find(importing, rows, count, results, error);
}

static int importing_put(struct record_importer *base, const struct record_row *rows, size_t count,
                         enum record_import *results, size_t *taken, char error[STORE_ERROR_MAX])
{
    struct postgres_importing *importing = (struct postgres_importing *)base;

    memset(results, 0, count * sizeof *results);
    if (importing->dry_run)
        return rows_put(importing, rows, count, results, taken, error);
    if (postgres_run(importing->pg, "BEGIN", error) != 0)
        return -1;
    if (rows_put(importing, rows, count, results, taken, error) == 0)
        return postgres_run(importing->pg, "COMMIT", error);
    PQclear(PQexec(importing->pg, "ROLLBACK"));
    return -1;
}

const struct record_importer_backend postgres_importer = {
    .open = importing_open,
    .close = importing_close,
    .put = importing_put,
};
