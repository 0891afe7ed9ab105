/*
 * SQLite's side of sql.h: a file, opened with our settings. What stands in it is others' affair.
 */
#include "store/records/sql_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY ":memory:"
#define BUSY_MS 3000

/* Of a path in an error text; the rest of the line needs its room too. */
#define PATH_SHOWN 120

struct sqlite {
    struct sql sql; /* first */
    sqlite3 *database;
    sqlite3_stmt *kept[SQL_KEPT_MAX];
    sqlite3_stmt *statement; /* under way, or the last one; one of kept, or our own */
    bool is_kept;
};

static struct sqlite *sqlite_of(struct sql *sql)
{
    return (struct sqlite *)sql;
}

static enum sql_result result_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_ROW:
        return SQL_ROW;
    case SQLITE_OK:
    case SQLITE_DONE:
        return SQL_DONE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SQL_AGAIN;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? SQL_UNIQUE
                   : SQL_REFUSED;
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return SQL_REFUSED;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return SQL_FAILED;
    default:
        return SQL_DOWN;
    }
}

static enum sql_result check(struct sqlite *sqlite, int code)
{
    enum sql_result result = result_of(code);
    const char *why = sqlite3_errmsg(sqlite->database);

    if (result >= 0)
        return result;
    /* "UNIQUE constraint failed: uic_records.uic_code" */
    if (result == SQL_UNIQUE && strchr(why, ':'))
        snprintf(sqlite->sql.constraint, sizeof sqlite->sql.constraint, "%s", strchr(why, ':') + 2);
    return sql_explain(&sqlite->sql, result, why);
}

/* Lets go of the statement under way. */
static void statement_end(struct sqlite *sqlite)
{
    if (sqlite->is_kept)
        sqlite3_reset(sqlite->statement);
    else
        sqlite3_finalize(sqlite->statement);
    sqlite->statement = NULL;
    sqlite->is_kept = false;
}

static void sqlite_close(struct sql *sql)
{
    struct sqlite *sqlite = sqlite_of(sql);

    statement_end(sqlite);
    for (int i = 0; i < SQL_KEPT_MAX; i++)
        sqlite3_finalize(sqlite->kept[i]);
    sqlite3_close(sqlite->database);
    free(sqlite);
}

static enum sql_result sqlite_keep(struct sql *sql, int index)
{
    struct sqlite *sqlite = sqlite_of(sql);

    return check(sqlite, sqlite3_prepare_v3(sqlite->database, sql->kept[index], -1,
                                            SQLITE_PREPARE_PERSISTENT, &sqlite->kept[index], NULL));
}

/* The parameters that the statement has, by their numbers. */
static int values_bind(sqlite3_stmt *statement, const struct sql_value *values, int count)
{
    int code = SQLITE_OK;

    for (int i = sqlite3_bind_parameter_count(statement); i > 0 && code == SQLITE_OK; i--) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        int number = name != NULL ? atoi(name + 1) : i;
        const struct sql_value *value = &values[number - 1];

        if (number < 1 || number > count)
            code = SQLITE_RANGE;
        else if (value->type == SQL_NUMBER)
            code = sqlite3_bind_int64(statement, i, value->number);
        else if (value->type == SQL_TEXT)
            code = sqlite3_bind_text(statement, i, value->bytes, (int)value->length, SQLITE_STATIC);
        else if (value->type == SQL_BYTES)
            code = sqlite3_bind_blob(statement, i, value->bytes, (int)value->length, SQLITE_STATIC);
        else
            code = sqlite3_bind_null(statement, i);
    }
    return code;
}

/* Of several statements, runs all but the last. */
static int statements_prepare(struct sqlite *sqlite, const char *text)
{
    int code;

    while ((code = sqlite3_prepare_v2(sqlite->database, text, -1, &sqlite->statement, &text)) ==
               SQLITE_OK &&
           text[strspn(text, " \n\t;")] != '\0') {
        while (sqlite->statement != NULL && (code = sqlite3_step(sqlite->statement)) == SQLITE_ROW)
            continue;
        sqlite3_finalize(sqlite->statement);
        sqlite->statement = NULL;
        if (code != SQLITE_DONE && code != SQLITE_OK)
            return code;
    }
    return code;
}

/* A commit into a file that was moved or replaced would be lost with it. */
static bool is_lost_commit(const struct sqlite *sqlite, const char *statement)
{
    int moved = 0;

    return strcmp(statement, "COMMIT") == 0 &&
           sqlite3_file_control(sqlite->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved;
}

static enum sql_result sqlite_start(struct sql *sql, const char *statement, int index,
                                    const struct sql_value *values, int count)
{
    struct sqlite *sqlite = sqlite_of(sql);
    int code = SQLITE_OK;

    statement_end(sqlite);
    sqlite3_busy_timeout(sqlite->database, sql->answer_ms);
    if (is_lost_commit(sqlite, statement))
        return sql_explain(sql, SQL_DOWN, "the file was moved or deleted");
    if (index >= 0) {
        sqlite->statement = sqlite->kept[index];
        sqlite->is_kept = true;
    } else {
        code = statements_prepare(sqlite, statement);
    }
    if (code == SQLITE_OK)
        code = values_bind(sqlite->statement, values, count);
    return check(sqlite, code);
}

static enum sql_result sqlite_next(struct sql *sql)
{
    struct sqlite *sqlite = sqlite_of(sql);
    enum sql_result result;

    if (sqlite->statement == NULL)
        return SQL_DONE;
    result = check(sqlite, sqlite3_step(sqlite->statement));
    if (result != SQL_ROW)
        sqlite3_reset(sqlite->statement);
    return result;
}

static int64_t sqlite_changed(const struct sql *sql)
{
    return sqlite3_changes(((const struct sqlite *)sql)->database);
}

static const char *sqlite_column(const struct sql *sql, int column, size_t *length)
{
    sqlite3_stmt *row = ((const struct sqlite *)sql)->statement;
    const char *text = (const char *)sqlite3_column_text(row, column);

    *length = (size_t)sqlite3_column_bytes(row, column);
    return text;
}

static const char *sqlite_column_name(const struct sql *sql, int column)
{
    sqlite3_stmt *statement = ((const struct sqlite *)sql)->statement;

    return column < sqlite3_column_count(statement) ? sqlite3_column_name(statement, column) : NULL;
}

static const char *sqlite_place(const struct sql *sql)
{
    const char *path = sqlite3_db_filename(((const struct sqlite *)sql)->database, "main");

    return path != NULL && path[0] ? path : MEMORY;
}

static const struct sql_driver driver = {
    .close = sqlite_close,
    .keep = sqlite_keep,
    .start = sqlite_start,
    .next = sqlite_next,
    .changed = sqlite_changed,
    .column = sqlite_column,
    .column_name = sqlite_column_name,
    .place = sqlite_place,
};

/* "file:PATH?mode=ro&immutable=0", PATH with its odd characters as %XX. To be freed. */
static char *uri_create(const char *path)
{
    char *uri = NULL;
    size_t length;
    FILE *stream = open_memstream(&uri, &length);

    if (stream == NULL)
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

/* An empty file that only its owner may read, unless there is one. */
static int file_create(const char *path, char error[STORE_ERROR_MAX])
{
    /* O_EXCL: an existing file is not opened, because closing it again would drop the locks that
     * other connections of this process hold on it. */
    int fd = strcmp(path, MEMORY) == 0
                 ? -1
                 : open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd < 0 && strcmp(path, MEMORY) != 0 && errno != EEXIST) {
        snprintf(error, STORE_ERROR_MAX, "%.*s: %s", PATH_SHOWN, path, strerror(errno));
        return -1;
    }
    if (fd >= 0)
        close(fd);
    return 0;
}

static int file_open(struct sqlite *sqlite, const char *path, enum sql_access access,
                     char error[STORE_ERROR_MAX])
{
    int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
        (access == SQL_READ ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE);
    char *uri = access == SQL_READ ? uri_create(path) : NULL;
    int code = sqlite3_open_v2(uri != NULL ? uri : path, &sqlite->database, flags, NULL);

    free(uri);
    if (code != SQLITE_OK) {
        int system = sqlite->database != NULL ? sqlite3_system_errno(sqlite->database) : ENOMEM;
        snprintf(error, STORE_ERROR_MAX, "%.*s: %.100s", PATH_SHOWN, path,
                 system ? strerror(system) : sqlite3_errmsg(sqlite->database));
        return -1;
    }
    if (access != SQL_READ && sqlite3_db_readonly(sqlite->database, "main") == 1) {
        snprintf(error, STORE_ERROR_MAX, "%.*s: the file is read-only", PATH_SHOWN, path);
        return -1;
    }
    return 0;
}

struct sql *sql_sqlite_open(const char *url, enum sql_access access, char error[STORE_ERROR_MAX])
{
    const char *path = sql_url_path(url, error);
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);

    if (sqlite == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    sqlite->sql = (struct sql){.driver = &driver, .dialect = SQL_SQLITE, .answer_ms = BUSY_MS};
    if ((access == SQL_CREATE && file_create(path, error) != 0) ||
        file_open(sqlite, path, access, error) != 0)
        goto failed;
    /* FULL: a commit returns when the log is on the disk. */
    if (sql_run(&sqlite->sql, access == SQL_READ ? "BEGIN" : "PRAGMA synchronous = FULL",
                SQL_NOTHING, NULL) == SQL_DONE)
        return &sqlite->sql;
    snprintf(error, STORE_ERROR_MAX, "%s", sqlite->sql.error);
failed:
    sqlite_close(&sqlite->sql);
    return NULL;
}
