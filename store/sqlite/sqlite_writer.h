/*
 * The statements of a claim: batches of claims, each one transaction on one connection. Blocks;
 * knows no threads.
 */
#ifndef STORE_SQLITE_WRITER_H
#define STORE_SQLITE_WRITER_H

#include "store/records.h"

/* Claims in one transaction at most. */
#define SQLITE_BATCH_MAX 512

struct sqlite_writer;

/* Opens a prepared file; ":memory:" is prepared here. Returns NULL with error. */
struct sqlite_writer *sqlite_writer_open(const char *path, char error[STORE_ERROR_MAX]);
void sqlite_writer_close(struct sqlite_writer *writer);

/*
 * Registers the claims, a list of SQLITE_BATCH_MAX at most; an empty one still writes, changing
 * nothing, to see whether it can. Returns 0: committed, every claim has its status and outcome. Or
 * -1 with error: nothing is committed, the claims are as they were.
 */
int sqlite_writer_commit(struct sqlite_writer *writer, struct record_claim *claims,
                         char error[STORE_ERROR_MAX]);

/* A step of a sweep, a transaction of its own. Returns 0 or -1 with error. */
int sqlite_writer_sweep(struct sqlite_writer *writer, struct record_sweep *sweep,
                        char error[STORE_ERROR_MAX]);

/* Reads the totals. Returns 0 or -1 with error. */
int sqlite_writer_totals(struct sqlite_writer *writer, struct record_totals *totals,
                         char error[STORE_ERROR_MAX]);

#endif
