/* SQLite's side of sql.h: a file, opened with our settings. */
#include "store/sql/sql_driver.h"

#include "store/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY ":memory:"
/* That a lock is waited for, where nobody says how long. */
#define BUSY_MS 3000

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
    const enum sql_result result = result_of(code);

    if (result >= 0)
        return result;
    const char *why = sqlite3_errmsg(sqlite->database);
    /* "UNIQUE constraint failed: uic_records.uic_code" */
    if (result == SQL_UNIQUE && strchr(why, ':') != NULL)
        snprintf(sqlite->sql.constraint, sizeof sqlite->sql.constraint, "%s", strchr(why, ':') + 2);
    return sql_explain(&sqlite->sql, result, "%s", why);
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

/* Of a parameter, as "$1" or "$12". */
static int number_of(const char *name)
{
    const int first = name[1] - '0';

    return name[2] == '\0' ? first : 10 * first + name[2] - '0';
}

/* The parameters that the statement has, by their numbers. */
static int values_bind(sqlite3_stmt *statement, const struct sql_value *values, int count)
{
    int code = SQLITE_OK;

    for (int i = sqlite3_bind_parameter_count(statement); i > 0 && code == SQLITE_OK; i--) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        const int number = name != NULL ? number_of(name) : i;
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

/* Several statements are run to their end. */
static int statements_prepare(struct sqlite *sqlite, const char *text)
{
    const char *rest;
    const int code = sqlite3_prepare_v2(sqlite->database, text, -1, &sqlite->statement, &rest);

    if (code != SQLITE_OK || rest[strspn(rest, " \n\t;")] == '\0')
        return code;
    statement_end(sqlite);
    return sqlite3_exec(sqlite->database, text, NULL, NULL, NULL);
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

static int busy_ms(const struct sql *sql)
{
    const int64_t left_ms = sql->due_ms - clock_monotonic_ms();

    return sql->due_ms == 0 ? BUSY_MS : left_ms > 0 ? (int)left_ms : 0;
}

static enum sql_result sqlite_start(struct sql *sql, const char *statement, int index,
                                    const struct sql_value *values, int count)
{
    struct sqlite *sqlite = sqlite_of(sql);
    int code = SQLITE_OK;

    statement_end(sqlite);
    sqlite3_busy_timeout(sqlite->database, busy_ms(sql));
    if (is_lost_commit(sqlite, statement))
        return sql_explain(sql, SQL_DOWN, "the file was moved or deleted");
    sqlite->is_kept = index >= 0;
    if (sqlite->is_kept)
        sqlite->statement = sqlite->kept[index];
    else
        code = statements_prepare(sqlite, statement);
    if (code == SQLITE_OK)
        code = values_bind(sqlite->statement, values, count);
    return check(sqlite, code);
}

static enum sql_result sqlite_next(struct sql *sql)
{
    struct sqlite *sqlite = sqlite_of(sql);

    if (sqlite->statement == NULL)
        return SQL_DONE;
    const enum sql_result result = check(sqlite, sqlite3_step(sqlite->statement));
    if (result != SQL_ROW)
        sqlite3_reset(sqlite->statement);
    sql->changed = sqlite3_changes(sqlite->database);
    return result;
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

static const struct sql_driver driver = {
    .close = sqlite_close,
    .keep = sqlite_keep,
    .start = sqlite_start,
    .next = sqlite_next,
    .column = sqlite_column,
    .column_name = sqlite_column_name,
};

/* An empty file that only its owner may read, unless there is one: that is not opened, because
 * closing it again would drop the locks that other connections of this process hold on it. */
static enum sql_result file_create(struct sql *sql, const char *path)
{
    const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd < 0 && errno != EEXIST)
        return sql_explain(sql, SQL_FAILED, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return SQL_DONE;
}

static enum sql_result file_open(struct sqlite *sqlite, const char *path, enum sql_access access)
{
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (access == SQL_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    const int code = sqlite3_open_v2(path, &sqlite->database, flags, NULL);
    struct sql *sql = &sqlite->sql;

    if (code != SQLITE_OK) {
        const int system =
            sqlite->database != NULL ? sqlite3_system_errno(sqlite->database) : ENOMEM;
        return sql_explain(sql, SQL_FAILED, "%s",
                           system != 0 ? strerror(system) : sqlite3_errmsg(sqlite->database));
    }
    const char *whole = sqlite3_db_filename(sqlite->database, "main");
    if (whole != NULL && whole[0] != '\0')
        snprintf(sql->name, sizeof sql->name, "%s", whole);
    if (access != SQL_READ && sqlite3_db_readonly(sqlite->database, "main") == 1)
        return sql_explain(sql, SQL_FAILED, "the file is read-only");
    /* FULL: a commit returns when the log is on the disk. */
    return sql_run(sql, access == SQL_READ ? "BEGIN" : "PRAGMA synchronous = FULL", SQL_NOTHING,
                   NULL);
}

/* Nobody reads how much memory SQLite uses, and counting it locks at each piece. */
static void memory_uncount(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct sql *sql_sqlite_open(const char *url, enum sql_access access, char error[ERROR_MAX])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *path = sql_url_path(url, error);
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);

    pthread_once(&once, memory_uncount); /* before the first connection */

    if (sqlite == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    struct sql *sql = &sqlite->sql;
    *sql = (struct sql){.driver = &driver, .dialect = SQL_SQLITE, .socket = -1};
    snprintf(sql->name, sizeof sql->name, "%s", path);
    enum sql_result result = SQL_DONE;
    if (access == SQL_CREATE && strcmp(path, MEMORY) != 0)
        result = file_create(sql, path);
    if (result == SQL_DONE)
        result = file_open(sqlite, path, access);
    if (result == SQL_DONE)
        return sql;
    sql_finish(sql, result, error);
    return NULL;
}
