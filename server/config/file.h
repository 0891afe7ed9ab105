/*
 * A whole file into memory, with a limit; and who else may read or change it.
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a file of at most max bytes. Returns its bytes with a NUL behind them, to be freed by the
 * caller, or NULL with errno set: EFBIG when it is longer. */
char *file_read(const char *path, size_t max, size_t *length);

/* The same, and waits for nobody: errno is EISDIR for whatever is no regular file. */
char *file_read_regular(const char *path, size_t max, size_t *length);

/* Whether others than its owner, root and our group may read a file, or others than its owner and
 * root change it; a group that root gave it is taken for meant. Says in why what to do. false when
 * there is no such file. */
#define FILE_EXPOSED_MAX 160
bool file_is_exposed(const char *path, char why[FILE_EXPOSED_MAX]);

#endif
