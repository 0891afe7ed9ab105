/*
 * The front of the record store: chooses the backend by the URL's scheme and passes calls on.
 * URLs may hold passwords, so errors from here never quote one.
 */
#include "store/record_backend.h"
#include "store/records/sql.h"

#include <stdio.h>
#include <string.h>

static const struct record_backend *const backends[] = {&record_sqlite, &record_postgres};

const struct record_backend *record_backend_find(const char *url, char error[STORE_ERROR_MAX])
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strncmp(url, backends[i]->scheme, strlen(backends[i]->scheme)) == 0)
            return backends[i];
    }
    snprintf(error, STORE_ERROR_MAX,
             "the database URL begins neither with sqlite:/// nor with postgresql://");
    return NULL;
}

/* How long a database may take to be reached: whoever starts does not wait for a name server. */
#define REACH_MS 3000

/* Returns 0, RECORD_AWAY or -1 with error. */
static int reach(const char *url, char error[STORE_ERROR_MAX])
{
    int dialect = sql_url_dialect(url, error);
    bool away = false;

    if (dialect != SQL_POSTGRES)
        return dialect < 0 ? -1 : 0;
    struct sql *sql = sql_open_or_away(url, SQL_WRITE, REACH_MS, &away, error);
    sql_close(sql);
    return sql ? 0 : away ? RECORD_AWAY : -1;
}

int record_store_prepare(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    int status = reach(url, error);
    return status == 0 ? backend->prepare(url, report, error) : status;
}

int record_store_probe(const char *url, char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return reach(url, error) == 0 ? backend->probe(url, error) : -1;
}

int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    int status = reach(url, error);
    return status == 0 ? backend->mark(url, name, value, remember, error) : status;
}
