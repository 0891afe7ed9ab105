/*
 * Sweeping a SQLite file for old records. Blocks; knows no threads.
 */
#ifndef STORE_SQLITE_SWEEP_H
#define STORE_SQLITE_SWEEP_H

#include "store/records.h"
#include <sqlite3.h>

/* How far sweeps have believed a clock, microseconds since 1970; INT64_MIN: nothing says so. */
int64_t sqlite_sweep_trusted(sqlite3 *database);

/* A step as record_sweep's, a transaction of its own. Returns 0, or -1 with error. */
int sqlite_sweep_step(sqlite3 *database, struct record_sweep *sweep, char error[STORE_ERROR_MAX]);

#endif
