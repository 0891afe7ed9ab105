/*
 * Many records into our tables at once, as they are, each unless it is there already. Blocks: for
 * the command line; a server may run meanwhile.
 *
 *     struct record_importer *importer = record_importer_open(url, dry_run, error);
 *     record_importer_put(importer, rows, count, results, &taken, error);     one transaction each
 *     record_importer_close(importer);
 */
#ifndef STORE_RECORD_IMPORTER_H
#define STORE_RECORD_IMPORTER_H

#include "store/record_reader.h"

/* Rows in one transaction at most. */
#define RECORD_IMPORT_MAX 5000

enum record_import {
    RECORD_IMPORTED,     /* now, or there already */
    RECORD_ANSWERS_HELD, /* refused: these answers have another code */
    RECORD_CODE_HELD,    /* refused: the code belongs to other answers */
};

struct record_importer;

/* Opens a prepared database. With dry_run nothing is written, but all results are as if it were.
 * Returns NULL with error. */
struct record_importer *record_importer_open(const char *url, bool dry_run,
                                             char error[STORE_ERROR_MAX]);
void record_importer_close(struct record_importer *importer);

/* Returns 0, committed, with a result for each row and the number of those that were not there
 * before; or -1 with error, and none of them is written. */
int record_importer_put(struct record_importer *importer, const struct record_row *rows,
                        size_t count, enum record_import *results, size_t *taken,
                        char error[STORE_ERROR_MAX]);

#endif
