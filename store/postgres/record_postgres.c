/*
 * Records in PostgreSQL. One thread writes the claims of all links (postgres_writer.c); sweeping
 * and reading totals have connections of their own on the link's loop, there only while they are
 * used.
 */
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"

#include <stdio.h>
#include <stdlib.h>

/* No server there, or one that is starting or stopping; not one that refuses us. */
static bool is_away(const struct postgres_url *url)
{
    PGPing answer = postgres_url_ping(url);

    return answer == PQPING_NO_RESPONSE || answer == PQPING_REJECT;
}

static int postgres_prepare(const char *text, char report[STORE_ERROR_MAX],
                            char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_migrate(pg, &postgres_record_migrations, report, error);
    else if (url && is_away(url))
        status = RECORD_AWAY;
    if (status == 0)
        postgres_schema_tidy(pg);
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

static int postgres_probe(const char *text, char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_check(pg, &postgres_record_migrations, error);
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

static int postgres_mark(const char *text, const char *name, const char *value, bool remember,
                         char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_mark(pg, name, value, remember, error);
    else if (url && is_away(url))
        status = RECORD_AWAY;
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

const struct record_backend record_postgres = {
    .scheme = "postgres",
    .has_clock = true,
    .prepare = postgres_prepare,
    .probe = postgres_probe,
    .mark = postgres_mark,
    .reader = &postgres_reader,
    .importer = &postgres_importer,
    .eraser = &postgres_eraser,
};
