/*
 * A whole file into memory, with a limit.
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stddef.h>

/* Reads a file of at most max bytes. Returns its bytes with a NUL behind them, to be freed by the
 * caller, or NULL with errno set: EFBIG when it is longer. */
char *file_read(const char *path, size_t max, size_t *length);

#endif
