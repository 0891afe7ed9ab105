/* Draws the progress bar. */
#include "server/commands/progress.h"
#include "store/base/clock.h"
#include <stdio.h>
#include <unistd.h>

#define WIDTH 30
#define REDRAW_MS 100

void progress_begin(struct progress *progress, const char *what, int64_t total)
{
    *progress = (struct progress){what, total, 0, isatty(STDERR_FILENO) == 1};
}

void progress_show(struct progress *progress, int64_t done)
{
    int64_t total = progress->total > done ? progress->total : done;

    if (!progress->on_terminal)
        return;
    int64_t now = clock_monotonic_ms();
    if (now - progress->shown_ms < REDRAW_MS)
        return;
    progress->shown_ms = now;
    int filled = total > 0 ? (int)(done * WIDTH / total) : 0;
    fprintf(stderr, "\r%s [", progress->what);
    for (int i = 0; i < WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %lld of %lld\033[K", (long long)done, (long long)total);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->on_terminal)
        fputs("\r\033[K", stderr);
    progress->shown_ms = 0;
}
