/*
 * The lines of a file descriptor, however it is cut into reads, each with a limit.
 */
#ifndef SERVER_COMMANDS_LINES_H
#define SERVER_COMMANDS_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
    int fd;
    size_t max;
    char *buffer; /* of 2 * max + 1 bytes; start to end is what was read and not given */
    size_t start, end;
    bool ended;
};

enum { LINES_FAILED = -1, LINES_END, LINES_LINE, LINES_TOO_LONG };

/* Returns 0, or -1 when there is no memory. */
int lines_open(struct lines *lines, int fd, size_t max);
void lines_close(struct lines *lines);

/* LINES_LINE: the next line without its line feed, valid until the next call; LINES_TOO_LONG: it
 * had more than max bytes and was skipped; LINES_END; LINES_FAILED with errno. */
int lines_next(struct lines *lines, const char **line, size_t *length);

#endif
