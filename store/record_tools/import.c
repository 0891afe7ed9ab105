/*
 * Importing: rows go as JSON, which both databases read, into one INSERT; only when not all went
 * in, a question why. A transaction each; with a dry run one for all, which is undone: what it
 * would have written is kept in a temporary table.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of JSON in one statement, more or less. */
#define TEXT_MAX (16 * 1024 * 1024)
/* Of a row without its notes. */
#define ROW_BYTES 512
#define STATEMENT_MAX 2048

extern const char *const import_rows_sql[];

/* By the indices, however small the tables are thought to be. */
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL jit = off; SET LOCAL enable_seqscan = off",
};
static const char seen_sql[] =
    "CREATE TEMP TABLE uic_import_seen AS SELECT uic_code, input_hash FROM uic_records LIMIT 0;"
    "CREATE UNIQUE INDEX uic_import_seen_code ON uic_import_seen (uic_code);"
    "CREATE UNIQUE INDEX uic_import_seen_hash ON uic_import_seen (input_hash)";

/* Behind import_rows.sql as i; by whether it is a dry run. */
static const char *const insert_sql[] = {
    "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at,"
    " is_active, notes, request_count) SELECT code, phone, hash, created, last, active, notes,"
    " count"
    " FROM i WHERE true ORDER BY line ON CONFLICT DO NOTHING",
    "INSERT INTO uic_import_seen SELECT code, hash FROM i"
    " WHERE NOT EXISTS (SELECT 1 FROM uic_records AS r WHERE r.input_hash = i.hash)"
    " AND NOT EXISTS (SELECT 1 FROM uic_records AS r WHERE r.uic_code = i.code)"
    " ORDER BY line ON CONFLICT DO NOTHING",
};
/* The code that the answers of each row have now, if they have one. */
static const char *const held_sql[] = {
    "SELECT line, (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.hash)"
    " FROM i",
    "SELECT line, coalesce("
    "  (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.hash),"
    "  (SELECT s.uic_code FROM uic_import_seen AS s WHERE s.input_hash = i.hash)) FROM i",
};

struct record_importer {
    struct sql *sql;
    bool dry_run;
    char insert[STATEMENT_MAX], held[STATEMENT_MAX];
};

struct record_importer *record_importer_open(const char *url, bool dry_run, char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);

    if (sql == NULL)
        return NULL;
    const char *begin = sql->dialect == SQL_SQLITE ? "BEGIN" : begin_sql[SQL_POSTGRES];
    if (dry_run && (sql_run(sql, begin, SQL_NOTHING, NULL) != SQL_DONE ||
                    sql_run(sql, seen_sql, SQL_NOTHING, NULL) != SQL_DONE)) {
        sql_finish(sql, SQL_FAILED, error);
        return NULL;
    }
    struct record_importer *importer = calloc(1, sizeof *importer);
    if (importer == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        sql_close(sql);
        return NULL;
    }
    importer->sql = sql;
    importer->dry_run = dry_run;
    const char *rows = import_rows_sql[sql->dialect];
    snprintf(importer->insert, STATEMENT_MAX, "WITH i AS (%s) %s", rows, insert_sql[dry_run]);
    snprintf(importer->held, STATEMENT_MAX, "WITH i AS (%s) %s", rows, held_sql[dry_run]);
    return importer;
}

void record_importer_close(struct record_importer *importer)
{
    if (importer == NULL)
        return;
    sql_close(importer->sql);
    free(importer);
}

static json_t *row_pack(size_t line, const struct record_row *row)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX], hash[2 * RECORD_HASH_SIZE + 1];

    record_time_format(record_time_minute(row->created_us), created);
    record_time_format(record_time_minute(row->last_requested_us), last);
    hex_write(row->input_hash, RECORD_HASH_SIZE, hash);
    return json_pack("{s:i, s:b, s:i, s:s, s:s, s:s, s:s, s:s, s:s?}", "line", (int)line, "active",
                     row->is_active, "count", row->request_count, "code", row->code, "phone",
                     row->phone_number, "hash", hash, "created", created, "last", last, "notes",
                     row->notes);
}

/* As many of the rows as a statement should have. To be freed; NULL when a text is not UTF-8, or
 * there is no memory. */
static char *rows_write(const struct record_row *rows, size_t *count)
{
    json_t *array = json_array();
    size_t line = 0;
    char *text = NULL;

    for (size_t bytes = 0; line < *count && bytes < TEXT_MAX; line++) {
        if (json_array_append_new(array, row_pack(line, &rows[line])) != 0)
            goto out;
        bytes += ROW_BYTES + (rows[line].notes != NULL ? strlen(rows[line].notes) : 0);
    }
    *count = line;
    text = json_dumps(array, JSON_COMPACT);
out:
    json_decref(array);
    return text;
}

/* Which rows did not go in, and why. */
static enum sql_result results_find(struct record_importer *importer, const char *json,
                                    const struct record_row *rows, size_t count,
                                    enum record_import *results)
{
    struct sql *sql = importer->sql;
    enum sql_result result = sql_query(sql, importer->held, SQL_VALUES(sql_text(json)));

    for (; result == SQL_ROW; result = sql_next(sql)) {
        const size_t line = (size_t)sql_column_number(sql, 0);
        const char *held = sql_column(sql, 1);
        if (line >= count)
            continue;
        if (held == NULL)
            results[line] = RECORD_CODE_HELD;
        else if (strcmp(held, rows[line].code) != 0)
            results[line] = RECORD_ANSWERS_HELD;
    }
    return result;
}

static enum sql_result rows_put(struct record_importer *importer, const struct record_row *rows,
                                size_t *count, enum record_import *results, size_t *taken)
{
    char *json = rows_write(rows, count);
    enum sql_result result;
    int64_t inserted = 0;

    if (json == NULL)
        return sql_explain(importer->sql, SQL_FAILED, "a text is not UTF-8, or there is no memory");
    result = sql_run(importer->sql, importer->insert, SQL_VALUES(sql_text(json)), &inserted);
    *taken += (size_t)inserted;
    if (result == SQL_DONE && (size_t)inserted < *count)
        result = results_find(importer, json, rows, *count, results);
    free(json);
    return result;
}

int record_importer_put(struct record_importer *importer, const struct record_row *rows,
                        size_t count, enum record_import *results, size_t *taken,
                        char error[ERROR_MAX])
{
    struct sql *sql = importer->sql;
    enum sql_result result = SQL_DONE;

    *taken = 0;
    if (count == 0)
        return 0;
    memset(results, 0, count * sizeof *results);
    if (!importer->dry_run)
        result = sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL);
    for (size_t at = 0, some; result == SQL_DONE && at < count; at += some) {
        some = count - at;
        result = rows_put(importer, rows + at, &some, results + at, taken);
    }
    if (!importer->dry_run || result != SQL_DONE)
        result = sql_end(sql, result);
    return result == SQL_DONE ? 0 : sql_fail(sql, error);
}
