/* Reading a SQLite file, ours while the server writes it, or the Python version's: opened so that
 * nothing can be written. */
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record_query {
    sqlite3 *database;
    sqlite3_stmt *statement;
};

/* "file:PATH?mode=ro&immutable=0", PATH with its odd characters as %XX. To be freed. */
static char *uri_create(const char *path)
{
    char *uri = NULL;
    size_t length;
    FILE *stream = open_memstream(&uri, &length);

    if (!stream)
        return NULL;
    fputs("file:", stream);
    for (; *path; path++) {
        if (strchr("%?#", *path))
            fprintf(stream, "%%%02X", (unsigned char)*path);
        else
            fputc(*path, stream);
    }
    fputs("?mode=ro&immutable=0", stream);
    if (fclose(stream) == 0)
        return uri;
    free(uri);
    return NULL;
}

static void sqlite_query_close(struct record_query *query)
{
    if (!query)
        return;
    sqlite3_finalize(query->statement);
    sqlite3_close(query->database);
    free(query);
}

/* One transaction for all that is read: it writes nothing and ends with the connection. */
static struct record_query *sqlite_query_open(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    struct record_query *query = path ? calloc(1, sizeof *query) : NULL;
    char *uri = path ? uri_create(path) : NULL;
    int flags =
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (!query || !uri) {
        if (path)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        goto failed;
    }
    if (sqlite3_open_v2(uri, &query->database, flags, NULL) != SQLITE_OK) {
        snprintf(error, STORE_ERROR_MAX, "%.120s: %.100s", path, sqlite3_errmsg(query->database));
        goto failed;
    }
    sqlite3_busy_timeout(query->database, SQLITE_BUSY_MS);
    if (sqlite3_exec(query->database, "BEGIN", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite_explain(query->database, error);
        goto failed;
    }
    free(uri);
    return query;

failed:
    free(uri);
    sqlite_query_close(query);
    return NULL;
}

static int sqlite_query_run(struct record_query *query, const char *sql,
                            char error[STORE_ERROR_MAX])
{
    sqlite3_finalize(query->statement);
    query->statement = NULL;
    if (sqlite3_prepare_v2(query->database, sql, -1, &query->statement, NULL) != SQLITE_OK)
        return sqlite_explain(query->database, error);
    return 0;
}

static const char *sqlite_query_column(const struct record_query *query, int column)
{
    if (column >= sqlite3_column_count(query->statement))
        return NULL;
    return sqlite3_column_name(query->statement, column);
}

static int sqlite_query_next(struct record_query *query, struct record_cell cells[RECORD_CELLS_MAX],
                             char error[STORE_ERROR_MAX])
{
    int code = sqlite3_step(query->statement);

    if (code == SQLITE_DONE)
        return 0;
    if (code != SQLITE_ROW)
        return sqlite_explain(query->database, error);
    for (int i = 0; i < sqlite3_column_count(query->statement) && i < RECORD_CELLS_MAX; i++) {
        cells[i].text = (const char *)sqlite3_column_text(query->statement, i);
        cells[i].length = (size_t)sqlite3_column_bytes(query->statement, i);
    }
    return 1;
}

const struct record_reader_backend sqlite_reader = {
    .open = sqlite_query_open,
    .close = sqlite_query_close,
    .run = sqlite_query_run,
    .column = sqlite_query_column,
    .next = sqlite_query_next,
};
