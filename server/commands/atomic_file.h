/*
 * A file that is there when it is complete, and not before: written under another name beside its
 * place, for its owner only, and then renamed. Or standard output, a device or a named pipe, which
 * are written to at once. A link is refused.
 */
#ifndef SERVER_COMMANDS_ATOMIC_FILE_H
#define SERVER_COMMANDS_ATOMIC_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct atomic_file {
    FILE *stream;
    const char *path; /* NULL: standard output */
    char *temporary;
};

/* path may be NULL and outlives the file. Until the file is closed, SIGINT, SIGTERM and SIGHUP end
 * nothing but make atomic_file_good false. Returns 0, or -1 after one line on standard error. */
int atomic_file_open(struct atomic_file *file, const char *path);
/* Whether writing has a point: nothing failed, and nobody asked to stop. */
bool atomic_file_good(const struct atomic_file *file);
/* Puts the file in its place, or when it is not complete, or not good, takes it away. Returns 0, or
 * -1 after one line on standard error when a complete file did not get there. */
int atomic_file_close(struct atomic_file *file, bool complete);

#endif
