/*
 * The tables in a PostgreSQL database: numbered migrations, each applied once. Blocks: for the
 * command line and the start.
 */
#ifndef STORE_POSTGRES_SCHEMA_H
#define STORE_POSTGRES_SCHEMA_H

#include "store/postgres/postgres_url.h"
#include "store/ticket.h"
#include <libpq-fe.h>

/* Migration n brings the tables from version n - 1 to n; the list begins with n = 1. */
struct postgres_migrations {
    const char *const *statements;
    int count;
};
extern const struct postgres_migrations postgres_record_migrations;

/* Returns NULL with error; close with PQfinish. */
PGconn *postgres_connect(const struct postgres_url *url, char error[STORE_ERROR_MAX]);

/* Applies what is missing, in one transaction, and says so in report. Safe when two instances do it
 * at once. Returns 0 or -1 with error, also when the tables are not ours or of a later program. */
int postgres_schema_migrate(PGconn *pg, const struct postgres_migrations *migrations,
                            char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX]);

/* Whether the tables are ours and of the last version; changes nothing. Returns 0 or -1. */
int postgres_schema_check(PGconn *pg, const struct postgres_migrations *migrations,
                          char error[STORE_ERROR_MAX]);

/* Makes the totals of past hours smaller; when it cannot, they stay as they are. */
void postgres_schema_tidy(PGconn *pg);

/* As record_store_mark. */
int postgres_schema_mark(PGconn *pg, const char *name, const char *value, bool remember,
                         char error[STORE_ERROR_MAX]);

#endif
