/* What both drivers share: which one a URL wants, statements that are kept, columns as numbers. */
#include "store/sql/sql_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sql_url_dialect(const char *url, char error[ERROR_MAX])
{
    if (strncmp(url, "sqlite://", 9) == 0)
        return sql_url_path(url, error) != NULL ? SQL_SQLITE : -1;
    if (strncmp(url, "postgres", 8) == 0)
        return sql_postgres_check(url, error) == 0 ? SQL_POSTGRES : -1;
    snprintf(error, ERROR_MAX,
             "the database URL begins neither with sqlite:/// nor with postgresql://");
    return -1;
}

const char *sql_url_path(const char *url, char error[ERROR_MAX])
{
    static const char prefix[] = "sqlite:///";
    const char *path = strncmp(url, prefix, strlen(prefix)) == 0 ? url + strlen(prefix) : "";

    if (path[0] == '\0') {
        snprintf(error, ERROR_MAX,
                 "the database URL names no file: sqlite:///./relative.db, sqlite:////absolute.db");
        return NULL;
    }
    if (strchr(path, '?') != NULL) {
        snprintf(error, ERROR_MAX, "a sqlite:/// URL takes no options behind '?'");
        return NULL;
    }
    return path;
}

struct sql *sql_open(const char *url, enum sql_access access, int connect_ms, bool *away,
                     char error[ERROR_MAX])
{
    const int dialect = sql_url_dialect(url, error);

    if (away != NULL)
        *away = false;
    if (dialect < 0)
        return NULL;
    return dialect == SQL_SQLITE ? sql_sqlite_open(url, access, error)
                                 : sql_postgres_open(url, access, connect_ms, away, error);
}

void sql_close(struct sql *sql)
{
    if (sql != NULL)
        sql->driver->close(sql);
}

struct sql_value sql_text(const char *text)
{
    return text == NULL ? (struct sql_value){.type = SQL_NULL}
                        : (struct sql_value){SQL_TEXT, .bytes = text, .length = strlen(text)};
}

enum sql_result sql_keep(struct sql *sql, const char *statement)
{
    if (sql->kept_count == SQL_KEPT_MAX)
        return sql_explain(sql, SQL_FAILED, "too many statements are kept");
    sql->kept[sql->kept_count] = statement;
    const enum sql_result result = sql->driver->keep(sql, sql->kept_count);
    sql->kept_count += result == SQL_DONE;
    return result;
}

/* The index of a statement that is kept, or -1. */
static int kept_find(const struct sql *sql, const char *statement)
{
    for (int i = 0; i < sql->kept_count; i++) {
        if (sql->kept[i] == statement || strcmp(sql->kept[i], statement) == 0)
            return i;
    }
    return -1;
}

enum sql_result sql_query(struct sql *sql, const char *statement, const struct sql_value *values,
                          int count)
{
    sql->error[0] = sql->constraint[0] = sql->state[0] = '\0';
    const enum sql_result result =
        sql->driver->start(sql, statement, kept_find(sql, statement), values, count);
    return result == SQL_DONE ? sql->driver->next(sql) : result;
}

enum sql_result sql_next(struct sql *sql)
{
    return sql->driver->next(sql);
}

enum sql_result sql_run(struct sql *sql, const char *statement, const struct sql_value *values,
                        int count, int64_t *number)
{
    enum sql_result result = sql_query(sql, statement, values, count);
    const bool found = result == SQL_ROW;

    if (number != NULL)
        *number = found ? sql_column_number(sql, 0) : 0;
    while (result == SQL_ROW)
        result = sql_next(sql);
    if (number != NULL && !found && result == SQL_DONE)
        *number = sql->changed;
    return result;
}

enum sql_result sql_end(struct sql *sql, enum sql_result result)
{
    if (result == SQL_DONE)
        result = sql_run(sql, "COMMIT", SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        return result;
    const struct sql told = *sql;
    sql_run(sql, "ROLLBACK", SQL_NOTHING, NULL);
    *sql = told;
    return result;
}

const char *sql_column(const struct sql *sql, int column)
{
    size_t length;

    return sql->driver->column(sql, column, &length);
}

size_t sql_column_length(const struct sql *sql, int column)
{
    size_t length = 0;

    return sql->driver->column(sql, column, &length) != NULL ? length : 0;
}

int64_t sql_column_number(const struct sql *sql, int column)
{
    const char *text = sql_column(sql, column);

    return text != NULL ? strtoll(text, NULL, 10) : INT64_MIN;
}

const char *sql_column_name(const struct sql *sql, int column)
{
    return sql->driver->column_name(sql, column);
}

enum sql_result sql_explain(struct sql *sql, enum sql_result result, const char *why, ...)
{
    const int length = snprintf(sql->error, sizeof sql->error, "%.100s: ", sql->name);
    va_list values;

    va_start(values, why);
    vsnprintf(sql->error + length, sizeof sql->error - (size_t)length, why, values);
    va_end(values);
    sql->error[strcspn(sql->error, "\n")] = '\0';
    /* A server may have said anything. */
    for (char *c = sql->error; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    return result;
}

int sql_fail(const struct sql *sql, char error[ERROR_MAX])
{
    memcpy(error, sql->error, ERROR_MAX);
    return -1;
}

int sql_finish(struct sql *sql, enum sql_result result, char error[ERROR_MAX])
{
    const int status = result == SQL_DONE ? 0 : sql_fail(sql, error);

    sql_close(sql);
    return status;
}
