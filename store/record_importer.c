/* The front of importing: passes calls on to the backend that the URL names. */
#include "store/record_importer.h"
#include "store/record_backend.h"

struct record_importer *record_importer_open(const char *url, bool dry_run,
                                             char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    struct record_importer *importer =
        backend ? backend->importer->open(url, dry_run, error) : NULL;

    if (importer)
        importer->backend = backend->importer;
    return importer;
}

void record_importer_close(struct record_importer *importer)
{
    if (importer)
        importer->backend->close(importer);
}

int record_importer_put(struct record_importer *importer, const struct record_row *rows,
                        size_t count, enum record_import *results, size_t *taken,
                        char error[STORE_ERROR_MAX])
{
    *taken = 0;
    if (count == 0)
        return 0;
    return importer->backend->put(importer, rows, count, results, taken, error);
}
