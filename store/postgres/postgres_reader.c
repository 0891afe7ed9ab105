/* Reading a PostgreSQL database in one read-only transaction, through a cursor: some rows at a
 * time, however many there are. */
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record_query {
    PGconn *pg;
    PGresult *rows;
    int row; /* the next of rows */
    bool running;
};

static void postgres_query_close(struct record_query *query)
{
    if (!query)
        return;
    PQclear(query->rows);
    PQfinish(query->pg);
    free(query);
}

static struct record_query *postgres_query_open(const char *url_text, char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(url_text, error);
    struct record_query *query = url ? calloc(1, sizeof *query) : NULL;

    if (query)
        query->pg = postgres_connect(url, error);
    else if (url)
        snprintf(error, STORE_ERROR_MAX, "out of memory");
    postgres_url_free(url);
    if (query && query->pg &&
        postgres_run(query->pg,
                     "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                     " SET LOCAL DateStyle = ISO; SET LOCAL TimeZone = 'UTC'",
                     error) == 0)
        return query;
    postgres_query_close(query);
    return NULL;
}

static int rows_fetch(struct record_query *query, char error[STORE_ERROR_MAX])
{
    PQclear(query->rows);
    query->row = 0;
    query->rows = postgres_call(query->pg, "FETCH 2000 FROM uic_rows", error);
    return query->rows ? 0 : -1;
}

static int postgres_query_run(struct record_query *query, const char *sql,
                              char error[STORE_ERROR_MAX])
{
    char declaration[1200];

    if (query->running && postgres_run(query->pg, "CLOSE uic_rows", error) != 0)
        return -1;
    query->running = false;
    snprintf(declaration, sizeof declaration, "DECLARE uic_rows NO SCROLL CURSOR FOR %s", sql);
    if (postgres_run(query->pg, declaration, error) != 0)
        return -1;
    query->running = true;
    return rows_fetch(query, error);
}

static const char *postgres_query_column(const struct record_query *query, int column)
{
    return column < PQnfields(query->rows) ? PQfname(query->rows, column) : NULL;
}

static int postgres_query_next(struct record_query *query,
                               struct record_cell cells[RECORD_CELLS_MAX],
                               char error[STORE_ERROR_MAX])
{
    if (query->row == PQntuples(query->rows) && query->row > 0 && rows_fetch(query, error) != 0)
        return -1;
    if (query->row == PQntuples(query->rows))
        return 0;
    for (int i = 0; i < PQnfields(query->rows) && i < RECORD_CELLS_MAX; i++) {
        bool absent = PQgetisnull(query->rows, query->row, i) == 1;
        cells[i].text = absent ? NULL : PQgetvalue(query->rows, query->row, i);
        cells[i].length = (size_t)PQgetlength(query->rows, query->row, i);
    }
    query->row++;
    return 1;
}

const struct record_reader_backend postgres_reader = {
    .open = postgres_query_open,
    .close = postgres_query_close,
    .run = postgres_query_run,
    .column = postgres_query_column,
    .next = postgres_query_next,
};
