/*
 * A progress bar on standard error, when that is a terminal; otherwise nothing.
 */
#ifndef SERVER_COMMANDS_PROGRESS_H
#define SERVER_COMMANDS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;
    int64_t total;
    int64_t shown_ms; /* when it was drawn last */
    bool on_terminal;
};

void progress_begin(struct progress *progress, const char *what, int64_t total);
/* Draws at most ten times a second, so it may be called for every row. */
void progress_show(struct progress *progress, int64_t done);
/* Takes the bar away: before other lines, and at the end. */
void progress_end(struct progress *progress);

#endif
