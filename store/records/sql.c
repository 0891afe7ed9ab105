/* What both drivers share: which one a URL wants, statements that are kept, columns as numbers. */
#include "store/records/sql_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sql_url_dialect(const char *url, char error[STORE_ERROR_MAX])
{
    if (strncmp(url, "sqlite://", 9) == 0)
        return sql_url_path(url, error) ? SQL_SQLITE : -1;
    if (strncmp(url, "postgres", 8) == 0)
        return sql_postgres_check(url, error) == 0 ? SQL_POSTGRES : -1;
    snprintf(error, STORE_ERROR_MAX,
             "the database URL begins neither with sqlite:/// nor with postgresql://");
    return -1;
}

const char *sql_url_path(const char *url, char error[STORE_ERROR_MAX])
{
    static const char prefix[] = "sqlite:///";
    const char *path = strncmp(url, prefix, strlen(prefix)) == 0 ? url + strlen(prefix) : "";

    if (path[0] == '\0') {
        snprintf(error, STORE_ERROR_MAX,
                 "the database URL names no file: sqlite:///./relative.db, sqlite:////absolute.db");
        return NULL;
    }
    if (strchr(path, '?')) {
        snprintf(error, STORE_ERROR_MAX, "a sqlite:/// URL takes no options behind '?'");
        return NULL;
    }
    return path;
}

struct sql *sql_open_or_away(const char *url, enum sql_access access, int connect_ms, bool *away,
                             char error[STORE_ERROR_MAX])
{
    int dialect = sql_url_dialect(url, error);

    if (away != NULL)
        *away = false;
    if (dialect < 0)
        return NULL;
    return dialect == SQL_SQLITE ? sql_sqlite_open(url, access, error)
                                 : sql_postgres_open(url, access, connect_ms, away, error);
}

struct sql *sql_open(const char *url, enum sql_access access, int connect_ms,
                     char error[STORE_ERROR_MAX])
{
    return sql_open_or_away(url, access, connect_ms, NULL, error);
}

void sql_close(struct sql *sql)
{
    if (sql != NULL)
        sql->driver->close(sql);
}

struct sql_value sql_text(const char *text)
{
    return (struct sql_value){.type = text != NULL ? SQL_TEXT : SQL_NULL,
                              .bytes = text,
                              .length = text != NULL ? strlen(text) : 0};
}

/* The place of a statement among those that are kept, or of the first that is free; -1: none. */
static int kept_find(const struct sql *sql, const char *statement)
{
    for (int i = 0; i < SQL_KEPT_MAX; i++) {
        if (sql->kept[i] == statement)
            return i;
    }
    return -1;
}

enum sql_result sql_keep(struct sql *sql, const char *statement)
{
    int index = kept_find(sql, NULL);

    if (index < 0)
        return sql_explain(sql, SQL_FAILED, "too many statements are kept");
    sql->kept[index] = statement;
    enum sql_result result = sql->driver->keep(sql, index);
    if (result != SQL_DONE)
        sql->kept[index] = NULL;
    return result;
}

enum sql_result sql_start(struct sql *sql, const char *statement, const struct sql_value *values,
                          int count)
{
    sql->error[0] = sql->constraint[0] = sql->state[0] = '\0';
    return sql->driver->start(sql, statement, kept_find(sql, statement), values, count);
}

enum sql_result sql_next(struct sql *sql)
{
    return sql->driver->next(sql);
}

enum sql_result sql_run(struct sql *sql, const char *statement, const struct sql_value *values,
                        int count, int64_t *number)
{
    enum sql_result result = sql_start(sql, statement, values, count);
    bool found = false;

    while (result >= 0 && (result = sql_next(sql)) == SQL_ROW) {
        if (number != NULL && !found)
            *number = sql_column_number(sql, 0);
        found = true;
    }
    if (number != NULL && !found)
        *number = result == SQL_DONE ? sql->driver->changed(sql) : 0;
    return result;
}

void sql_roll_back(struct sql *sql)
{
    const struct sql told = *sql;

    sql_run(sql, "ROLLBACK", SQL_NOTHING, NULL);
    memcpy(sql->error, told.error, sizeof sql->error);
    memcpy(sql->constraint, told.constraint, sizeof sql->constraint);
    memcpy(sql->state, told.state, sizeof sql->state);
}

const char *sql_column(const struct sql *sql, int column)
{
    size_t length;

    return sql->driver->column(sql, column, &length);
}

size_t sql_column_length(const struct sql *sql, int column)
{
    size_t length = 0;

    return sql->driver->column(sql, column, &length) ? length : 0;
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

int sql_socket(const struct sql *sql)
{
    return sql->dialect == SQL_POSTGRES ? sql_postgres_socket(sql) : -1;
}

enum sql_result sql_hear(struct sql *sql)
{
    return sql->dialect == SQL_POSTGRES ? sql_postgres_hear(sql) : SQL_DONE;
}

const char *sql_place(const struct sql *sql)
{
    return sql->driver->place(sql);
}

enum sql_result sql_explain(struct sql *sql, enum sql_result result, const char *why)
{
    snprintf(sql->error, sizeof sql->error, "%.120s: %.130s", sql_place(sql), why);
    /* A server may have said anything. */
    for (char *c = sql->error; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    return result;
}

int sql_fail(const struct sql *sql, char error[STORE_ERROR_MAX])
{
    memcpy(error, sql->error, STORE_ERROR_MAX);
    return -1;
}
