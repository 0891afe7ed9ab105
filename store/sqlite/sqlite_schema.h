/*
 * The tables in a SQLite file: numbered migrations, each applied once, in one transaction.
 */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "store/ticket.h"
#include <sqlite3.h>

/* Migration n brings a file from version n - 1 to n; the list begins with n = 1. */
struct sqlite_migrations {
    const char *const *statements;
    int count;
};
extern const struct sqlite_migrations sqlite_record_migrations;

/* Applies what is missing, and says so in report. Safe when two processes do it at once. Returns 0
 * or -1 with error, also when the tables are not ours or of a later program. */
int sqlite_schema_migrate(sqlite3 *database, const struct sqlite_migrations *migrations,
                          char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX]);

/* Whether the tables are ours and of the last version; changes nothing. Returns 0 or -1. */
int sqlite_schema_check(sqlite3 *database, const struct sqlite_migrations *migrations,
                        char error[STORE_ERROR_MAX]);

/* As record_store_mark. */
int sqlite_schema_mark(sqlite3 *database, const char *name, const char *value, bool remember,
                       char error[STORE_ERROR_MAX]);

#endif
