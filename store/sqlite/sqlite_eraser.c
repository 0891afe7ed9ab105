/* Erasing in a SQLite file: what is deleted is overwritten, in the file and in the log beside it.
 */
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include <stdio.h>
#include <stdlib.h>

struct sqlite_erasing {
    struct record_eraser eraser;
    sqlite3 *database;
};

static void erasing_close(struct record_eraser *base)
{
    struct sqlite_erasing *erasing = (struct sqlite_erasing *)base;

    if (erasing->database)
        sqlite3_exec(erasing->database, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(erasing->database);
    free(erasing);
}

static struct record_eraser *erasing_open(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct sqlite_erasing *erasing = path ? calloc(1, sizeof *erasing) : NULL;

    if (!erasing) {
        if (path)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    erasing->database = sqlite_open(path, error);
    if (erasing->database &&
        sqlite_schema_check(erasing->database, &sqlite_record_migrations, error) == 0) {
        if (sqlite3_exec(erasing->database, "PRAGMA secure_delete = ON", NULL, NULL, NULL) ==
            SQLITE_OK)
            return &erasing->eraser;
        sqlite_explain(erasing->database, error);
    }
    erasing_close(&erasing->eraser);
    return NULL;
}

static int erasing_run(struct record_eraser *base, const char *sql, const char *const *values,
                       int count, int64_t *number, char error[STORE_ERROR_MAX])
{
    sqlite3 *database = ((struct sqlite_erasing *)base)->database;
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);

    *number = 0;
    for (int i = 0; code == SQLITE_OK && i < count; i++)
        code = sqlite3_bind_text(statement, i + 1, values[i], -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    else if (code == SQLITE_DONE)
        *number = sqlite3_changes(database);
    else
        sqlite_explain(database, error);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

const struct record_eraser_backend sqlite_eraser = {
    .open = erasing_open,
    .close = erasing_close,
    .run = erasing_run,
    .asked_count_sql = "SELECT count(*) FROM uic_records WHERE instr(asked_by, ' ' || $1)"
                       " AND phone_number <> $2",
    .asked_forget_sql = "UPDATE uic_records SET asked_by = nullif(replace(asked_by,"
                        "  substr(asked_by, instr(asked_by, ' ' || $1), 17), ''), '')"
                        " WHERE instr(asked_by, ' ' || $1)",
};
