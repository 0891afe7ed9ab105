/* What a result of PostgreSQL says about what went wrong. */
#ifndef STORE_POSTGRES_RESULT_H
#define STORE_POSTGRES_RESULT_H

#include "store/ticket.h"
#include <libpq-fe.h>
#include <stdbool.h>

/* What the server said of a failed statement, and its SQLSTATE; one line. */
void postgres_result_explain(const PGresult *result, char why[STORE_ERROR_MAX]);

/* Whether the error is this one, as "42P01" for a table that is not there. */
bool postgres_result_is(const PGresult *result, const char *sqlstate);

/* Makes one line of what a server said. */
void postgres_line_clean(char *line);

#endif
