/* What a driver fills in; each function is its namesake of sql.h. */
#ifndef STORE_SQL_SQL_DRIVER_H
#define STORE_SQL_SQL_DRIVER_H

#include "store/sql/sql.h"

struct sql_driver {
    void (*close)(struct sql *sql);
    enum sql_result (*keep)(struct sql *sql, int index);
    /* index: of the statement in kept, or -1. Returns SQL_DONE or a failure. */
    enum sql_result (*start)(struct sql *sql, const char *statement, int index,
                             const struct sql_value *values, int count);
    enum sql_result (*next)(struct sql *sql);
    const char *(*column)(const struct sql *sql, int column, size_t *length);
    const char *(*column_name)(const struct sql *sql, int column);
};

struct sql *sql_sqlite_open(const char *url, enum sql_access access, char error[ERROR_MAX]);
struct sql *sql_postgres_open(const char *url, enum sql_access access, int connect_ms, bool *away,
                              char error[ERROR_MAX]);
/* Whether the URL is one of the driver's, with error. Returns 0 or -1. */
int sql_postgres_check(const char *url, char error[ERROR_MAX]);

#endif
