/* The metrics as Prometheus text (version 0.0.4). */
#ifndef SERVER_TELEMETRY_METRICS_TEXT_H
#define SERVER_TELEMETRY_METRICS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What runs here: the labels of uic_build_info; plain ASCII without quotes. */
struct metrics_build {
    const char *version;
    const char *flow;
    uint64_t flow_fingerprint; /* instances of one service have the same */
};

/* Everything, however long it is: to be freed by the caller; NULL when out of memory. */
char *metrics_text(const struct metrics_build *build, size_t *length);

#endif
