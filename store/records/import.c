/*
 * Importing: rows go as JSON, which both databases read, into one INSERT; only when not all went
 * in, a question why. A transaction each; with a dry run one for all, which is undone: what it
 * would have written is kept in a temporary table.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of JSON in one statement, more or less. */
#define TEXT_MAX (16 * 1024 * 1024)
#define STATEMENT_MAX 2048

extern const char import_rows_postgres_sql[], import_rows_sqlite_sql[];

static const char *const rows_sql[] = {
    [SQL_SQLITE] = import_rows_sqlite_sql,
    [SQL_POSTGRES] = import_rows_postgres_sql,
};
/* By the indices, however small the tables are thought to be. */
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL jit = off; SET LOCAL enable_seqscan = off",
};
static const char seen_sql[] =
    "CREATE TEMP TABLE uic_import_seen AS SELECT uic_code, input_hash FROM uic_records LIMIT 0;"
    "CREATE UNIQUE INDEX uic_import_seen_code ON uic_import_seen (uic_code);"
    "CREATE UNIQUE INDEX uic_import_seen_hash ON uic_import_seen (input_hash)";

/* Each with import_rows.sql for its %s; by whether it is a dry run. */
static const char *const insert_sql[] = {
    "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at,"
    " is_active, notes, request_count) SELECT code, phone, hash, created, last, active, notes, "
    "count"
    " FROM (%s) AS i WHERE true ORDER BY line ON CONFLICT DO NOTHING",
    "INSERT INTO uic_import_seen SELECT code, hash FROM (%s) AS i"
    " WHERE NOT EXISTS (SELECT 1 FROM uic_records AS r WHERE r.input_hash = i.hash)"
    " AND NOT EXISTS (SELECT 1 FROM uic_records AS r WHERE r.uic_code = i.code)"
    " ORDER BY line ON CONFLICT DO NOTHING",
};
/* The code that the answers of each row have now, if they have one. */
static const char *const held_sql[] = {
    "SELECT line, (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.hash)"
    " FROM (%s) AS i",
    "SELECT line, coalesce("
    "  (SELECT r.uic_code FROM uic_records AS r WHERE r.input_hash = i.hash),"
    "  (SELECT s.uic_code FROM uic_import_seen AS s WHERE s.input_hash = i.hash)) FROM (%s) AS i",
};

struct record_importer {
    struct sql *sql;
    bool dry_run;
    char insert[STATEMENT_MAX], held[STATEMENT_MAX];
};

/* The template with the rows of the dialect in the place of its %s. */
static void statement_write(char statement[STATEMENT_MAX], const char *template, const char *rows)
{
    const char *place = strstr(template, "%s");

    snprintf(statement, STATEMENT_MAX, "%.*s%s%s", (int)(place - template), template, rows,
             place + 2);
}

struct record_importer *record_importer_open(const char *url, bool dry_run,
                                             char error[STORE_ERROR_MAX])
{
    struct record_importer *importer = calloc(1, sizeof *importer);

    if (importer == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    importer->dry_run = dry_run;
    importer->sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (importer->sql == NULL)
        goto failed;
    const char *rows = rows_sql[importer->sql->dialect];
    statement_write(importer->insert, insert_sql[dry_run], rows);
    statement_write(importer->held, held_sql[dry_run], rows);
    if (!dry_run ||
        (sql_run(importer->sql,
                 importer->sql->dialect == SQL_SQLITE ? "BEGIN" : begin_sql[SQL_POSTGRES],
                 SQL_NOTHING, NULL) == SQL_DONE &&
         sql_run(importer->sql, seen_sql, SQL_NOTHING, NULL) == SQL_DONE))
        return importer;
    sql_fail(importer->sql, error);
failed:
    record_importer_close(importer);
    return NULL;
}

void record_importer_close(struct record_importer *importer)
{
    if (importer == NULL)
        return;
    sql_close(importer->sql);
    free(importer);
}

static void text_write(FILE *json, const char *name, const char *text)
{
    fprintf(json, ",\"%s\":", name);
    if (text == NULL) {
        fputs("null", json);
        return;
    }
    putc_unlocked('"', json);
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
            fprintf(json, "\\u%04x", (unsigned char)*text);
        else
            putc_unlocked(*text, json);
    }
    putc_unlocked('"', json);
}

static void row_write(FILE *json, size_t line, const struct record_row *row)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX], hash[2 * RECORD_HASH_SIZE + 1];

    record_time_format(row->created_us, created);
    record_time_format(row->last_requested_us, last);
    hex_write(row->input_hash, RECORD_HASH_SIZE, hash);
    fprintf(json, "%c{\"line\":%zu,\"active\":%s,\"count\":%d", line == 0 ? '[' : ',', line,
            row->is_active ? "true" : "false", row->request_count);
    text_write(json, "code", row->code);
    text_write(json, "phone", row->phone_number);
    text_write(json, "hash", hash);
    text_write(json, "created", created);
    text_write(json, "last", last);
    text_write(json, "notes", row->notes);
    putc_unlocked('}', json);
}

/* As many of the rows as a statement should have. To be freed; NULL when there is no memory. */
static char *rows_write(const struct record_row *rows, size_t *count)
{
    char *text = NULL;
    size_t length, line = 0;
    FILE *json = open_memstream(&text, &length);

    if (json == NULL)
        return NULL;
    while (line < *count && ftell(json) < TEXT_MAX) {
        row_write(json, line, &rows[line]);
        line++;
    }
    *count = line;
    putc_unlocked(']', json);
    if (fclose(json) == 0)
        return text;
    free(text);
    return NULL;
}

/* Which rows did not go in, and why. */
static enum sql_result results_find(struct record_importer *importer, const char *json,
                                    const struct record_row *rows, size_t count,
                                    enum record_import *results)
{
    struct sql *sql = importer->sql;
    enum sql_result result = sql_start(sql, importer->held, SQL_VALUES(sql_text(json)));

    while (result >= 0 && (result = sql_next(sql)) == SQL_ROW) {
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
        return sql_explain(importer->sql, SQL_FAILED, "out of memory");
    result = sql_run(importer->sql, importer->insert, SQL_VALUES(sql_text(json)), &inserted);
    *taken += (size_t)inserted;
    if (result == SQL_DONE && (size_t)inserted < *count)
        result = results_find(importer, json, rows, *count, results);
    free(json);
    return result;
}

int record_importer_put(struct record_importer *importer, const struct record_row *rows,
                        size_t count, enum record_import *results, size_t *taken,
                        char error[STORE_ERROR_MAX])
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
    if (result == SQL_DONE && !importer->dry_run)
        result = sql_run(sql, "COMMIT", SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        return 0;
    sql_fail(importer->sql, error);
    sql_run(sql, "ROLLBACK", SQL_NOTHING, NULL);
    return -1;
}
