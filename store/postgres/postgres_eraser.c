/* Erasing in PostgreSQL. Numbers go as parameters, lest a server that logs statements keeps them.
 */
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"
#include <stdio.h>
#include <stdlib.h>

struct postgres_erasing {
    struct record_eraser eraser;
    PGconn *pg;
};

static void erasing_close(struct record_eraser *base)
{
    struct postgres_erasing *erasing = (struct postgres_erasing *)base;

    PQfinish(erasing->pg);
    free(erasing);
}

static struct record_eraser *erasing_open(const char *text, char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    struct postgres_erasing *erasing = url ? calloc(1, sizeof *erasing) : NULL;

    if (!erasing) {
        if (url)
            snprintf(error, STORE_ERROR_MAX, "out of memory");
        postgres_url_free(url);
        return NULL;
    }
    erasing->pg = postgres_connect(url, error);
    postgres_url_free(url);
    if (erasing->pg &&
        postgres_schema_check(erasing->pg, &postgres_record_migrations, error) == 0 &&
        postgres_run(erasing->pg, "SET TimeZone = 'UTC'", error) == 0)
        return &erasing->eraser;
    erasing_close(&erasing->eraser);
    return NULL;
}

static int erasing_run(struct record_eraser *base, const char *sql, const char *const *values,
                       int count, int64_t *number, char error[STORE_ERROR_MAX])
{
    PGconn *pg = ((struct postgres_erasing *)base)->pg;
    PGresult *result = postgres_call_with(pg, sql, count, values, error);

    *number = 0;
    if (result && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        *number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    else if (result)
        *number = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return result ? 0 : -1;
}

#define ASKED "position(decode($1, 'hex') in asked_by) % 8 = 1"

const struct record_eraser_backend postgres_eraser = {
    .open = erasing_open,
    .close = erasing_close,
    .run = erasing_run,
    .asked_count_sql = "SELECT count(*) FROM uic_records WHERE " ASKED " AND phone_number <> $2",
    .asked_forget_sql = "UPDATE uic_records SET asked_by = nullif(overlay(asked_by placing ''"
                        "  from position(decode($1, 'hex') in asked_by) for 8), '') WHERE " ASKED,
};
