/* Cuts what a file descriptor gives into lines. */
#include "server/commands/lines.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int lines_open(struct lines *lines, int fd, size_t max)
{
    *lines = (struct lines){.fd = fd, .max = max, .buffer = malloc(2 * max + 1)};
    return lines->buffer ? 0 : -1;
}

void lines_close(struct lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* Reads more behind what is there: at most max bytes then are in a line without its end. */
static int fill(struct lines *lines)
{
    size_t capacity = 2 * lines->max + 1;
    if (lines->end == capacity) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    ssize_t n;
    do
        n = read(lines->fd, lines->buffer + lines->end, capacity - lines->end);
    while (n < 0 && errno == EINTR);
    lines->ended = n == 0;
    lines->end += n > 0 ? (size_t)n : 0;
    return n < 0 ? -1 : 0;
}

int lines_next(struct lines *lines, const char **line, size_t *length)
{
    size_t searched = 0;
    bool skipped = false;
    for (;;) {
        const char *start = lines->buffer + lines->start;
        size_t available = lines->end - lines->start;
        const char *feed = memchr(start + searched, '\n', available - searched);
        if (feed != NULL || lines->ended) {
            *line = start;
            *length = feed != NULL ? (size_t)(feed - start) : available;
            lines->start += *length + (feed != NULL);
            if (skipped || *length > lines->max)
                return LINES_TOO_LONG;
            return feed != NULL || *length > 0 ? LINES_LINE : LINES_END;
        }
        searched = available;
        if (available > lines->max) {
            skipped = true;
            lines->start = lines->end = searched = 0;
        }
        if (fill(lines) != 0)
            return LINES_FAILED;
    }
}
