/*
 * The front of the record store: chooses the backend by the URL's scheme and passes calls on.
 * URLs may hold passwords, so errors from here never quote one.
 */
#include "store/record_backend.h"

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

int record_store_prepare(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->prepare(url, report, error) : -1;
}

int record_store_probe(const char *url, char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->probe(url, error) : -1;
}

int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->mark(url, name, value, remember, error) : -1;
}
