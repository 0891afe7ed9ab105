/* Importing into a SQLite file: row by row in one transaction, and the question why only of a row
 * that did not go in. A dry run keeps what it would have written in a temporary table. */
#include "store/base/hex.h"
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sqlite_importing {
    struct record_importer importer;
    sqlite3 *database;
    const char *begin;
    sqlite3_stmt *insert; /* ?1 hash, ?2 code, then the rest */
    sqlite3_stmt *held;   /* ?1 hash -> the code of these answers */
};

static const char insert_sql[] =
    "INSERT INTO uic_records (input_hash, uic_code, phone_number, created_at, last_requested_at,"
    " is_active, notes, request_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT DO NOTHING";
static const char held_sql[] = "SELECT uic_code FROM uic_records WHERE input_hash = ?1";

static const char seen_sql[] =
    "CREATE TEMP TABLE uic_import_seen (uic_code TEXT UNIQUE, input_hash TEXT UNIQUE)";
static const char dry_insert_sql[] =
    "INSERT INTO uic_import_seen (input_hash, uic_code) SELECT ?1, ?2"
    " WHERE NOT EXISTS (SELECT 1 FROM uic_records WHERE input_hash = ?1 OR uic_code = ?2)"
    " ON CONFLICT DO NOTHING";
static const char dry_held_sql[] =
    "SELECT uic_code FROM uic_records WHERE input_hash = ?1"
    " UNION ALL SELECT uic_code FROM uic_import_seen WHERE input_hash = ?1 LIMIT 1";

static void importing_close(struct record_importer *base)
{
    struct sqlite_importing *importing = (struct sqlite_importing *)base;

    sqlite3_finalize(importing->insert);
    sqlite3_finalize(importing->held);
    sqlite3_close(importing->database);
    free(importing);
}

static struct record_importer *importing_open(const char *url, bool dry_run,
                                              char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct sqlite_importing *importing = path ? calloc(1, sizeof *importing) : NULL;

    if (!importing) {
        if (path)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    importing->begin = dry_run ? "BEGIN" : "BEGIN IMMEDIATE";
    importing->database = sqlite_open(path, error);
    if (!importing->database ||
        sqlite_schema_check(importing->database, &sqlite_record_migrations, error) != 0)
        goto failed;
    if ((dry_run && sqlite3_exec(importing->database, seen_sql, NULL, NULL, NULL) != SQLITE_OK) ||
        sqlite3_prepare_v2(importing->database, dry_run ? dry_insert_sql : insert_sql, -1,
                           &importing->insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(importing->database, dry_run ? dry_held_sql : held_sql, -1,
                           &importing->held, NULL) != SQLITE_OK) {
        sqlite_explain(importing->database, error);
        goto failed;
    }
    return &importing->importer;

failed:
    importing_close(&importing->importer);
    return NULL;
}

/* A dry run's statement has but two of the parameters; the others fall on none. */
static void row_bind(sqlite3_stmt *insert, const char *hash, const struct record_row *row,
                     const char *created, const char *last)
{
    sqlite3_bind_text(insert, 1, hash, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, row->code, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, row->phone_number, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, created, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, last, -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 6, row->is_active);
    sqlite3_bind_text(insert, 7, row->notes, -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 8, row->request_count);
}

/* Why a row did not go in. Returns SQLITE_DONE, or the error. */
static int held_find(sqlite3_stmt *held, const char *hash, const struct record_row *row,
                     enum record_import *result)
{
    sqlite3_bind_text(held, 1, hash, -1, SQLITE_STATIC);
    int code = sqlite3_step(held);

    if (code == SQLITE_DONE) {
        *result = RECORD_CODE_HELD;
    } else if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(held, 0);
        *result = text && strcmp(text, row->code) == 0 ? RECORD_IMPORTED : RECORD_ANSWERS_HELD;
        code = SQLITE_DONE;
    }
    sqlite3_reset(held);
    return code;
}

static int row_put(struct sqlite_importing *importing, const struct record_row *row,
                   enum record_import *result, size_t *taken)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX], hash[2 * RECORD_HASH_SIZE + 1];

    record_time_format(row->created_us, created);
    record_time_format(row->last_requested_us, last);
    hex_write(row->input_hash, RECORD_HASH_SIZE, hash);
    row_bind(importing->insert, hash, row, created, last);
    int code = sqlite3_step(importing->insert);
    bool inserted = code == SQLITE_DONE && sqlite3_changes(importing->database) > 0;
    sqlite3_reset(importing->insert);
    *result = RECORD_IMPORTED;
    *taken += inserted;
    if (code == SQLITE_DONE && !inserted)
        code = held_find(importing->held, hash, row, result);
    return code == SQLITE_DONE ? 0 : -1;
}

static int importing_put(struct record_importer *base, const struct record_row *rows, size_t count,
                         enum record_import *results, size_t *taken, char error[STORE_ERROR_MAX])
{
    struct sqlite_importing *importing = (struct sqlite_importing *)base;
    sqlite3 *database = importing->database;

    if (sqlite3_exec(database, importing->begin, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_explain(database, error);
    for (size_t i = 0; i < count; i++)
        if (row_put(importing, &rows[i], &results[i], taken) != 0)
            goto failed;
    if (sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
failed:
    sqlite_explain(database, error);
    if (!sqlite3_get_autocommit(database))
        sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

const struct record_importer_backend sqlite_importer = {
    .open = importing_open,
    .close = importing_close,
    .put = importing_put,
};
