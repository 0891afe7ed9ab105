/*
 * Statements that block, for the command line; errors are one line and quote no values.
 */
#ifndef STORE_POSTGRES_CALL_H
#define STORE_POSTGRES_CALL_H

#include "store/ticket.h"
#include <libpq-fe.h>

/* Runs SQL, perhaps several statements. Returns the last one's result, or NULL with error. */
PGresult *postgres_call(PGconn *pg, const char *sql, char error[STORE_ERROR_MAX]);
/* One statement with its parameters as texts, $1 and so on. */
PGresult *postgres_call_with(PGconn *pg, const char *sql, int count, const char *const *values,
                             char error[STORE_ERROR_MAX]);
/* The same without a result that counts. Returns 0 or -1. */
int postgres_run(PGconn *pg, const char *sql, char error[STORE_ERROR_MAX]);

#endif
