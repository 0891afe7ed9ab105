/*
 * A SQLite file: from SQLAlchemy's URL to a connection with our settings. Knows no tables.
 */
#ifndef STORE_SQLITE_DATABASE_H
#define STORE_SQLITE_DATABASE_H

#include "store/ticket.h"
#include <sqlite3.h>

/* How long a statement waits for another process's lock. */
#define SQLITE_BUSY_MS 3000

/* The file that sqlite:///relative, sqlite:////absolute or sqlite:///:memory: names; points into
 * url. Returns NULL with error. */
const char *sqlite_path(const char *url, char error[STORE_ERROR_MAX]);
bool sqlite_path_is_memory(const char *path);

/* Creates an empty file that only its owner may read, unless there is one. Returns 0 or -1. */
int sqlite_file_create(const char *path, char error[STORE_ERROR_MAX]);

/* Opens a file that exists, for writing. Returns NULL with error; close with sqlite3_close. */
sqlite3 *sqlite_open(const char *path, char error[STORE_ERROR_MAX]);

/* Switches the file to write-ahead logging, once for all. Returns 0 or -1. */
int sqlite_use_wal(sqlite3 *database, char error[STORE_ERROR_MAX]);

/* Writes "FILE: what the connection failed at last" and returns -1. */
int sqlite_explain(sqlite3 *database, char error[STORE_ERROR_MAX]);

#endif
