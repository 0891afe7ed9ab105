/* libpq's blocking calls, and what the server says when it refuses. */
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_result.h"
#include <stdio.h>

static PGresult *result_check(PGresult *result, char error[STORE_ERROR_MAX])
{
    ExecStatusType status = PQresultStatus(result);
    char why[STORE_ERROR_MAX];

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN)
        return result;
    postgres_result_explain(result, why);
    snprintf(error, STORE_ERROR_MAX, "PostgreSQL: %.200s", why);
    PQclear(result);
    return NULL;
}

PGresult *postgres_call(PGconn *pg, const char *sql, char error[STORE_ERROR_MAX])
{
    return result_check(PQexec(pg, sql), error);
}

PGresult *postgres_call_with(PGconn *pg, const char *sql, int count, const char *const *values,
                             char error[STORE_ERROR_MAX])
{
    return result_check(PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0), error);
}

int postgres_run(PGconn *pg, const char *sql, char error[STORE_ERROR_MAX])
{
    PGresult *result = postgres_call(pg, sql, error);

    PQclear(result);
    return result ? 0 : -1;
}
