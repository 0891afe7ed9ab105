/*
 * One line of the log, formatted into a fixed buffer.
 */
#ifndef SERVER_TELEMETRY_LOG_LINE_H
#define SERVER_TELEMETRY_LOG_LINE_H

#include "server/telemetry/log.h"

#define LOG_LINE_MAX 2048

struct log_line {
    char bytes[LOG_LINE_MAX]; /* ends with a line feed, not with a NUL */
    size_t length;
    bool cut;
};

/* The time is now. Control characters are escaped, bytes that are not UTF-8 replaced; a line that
 * does not fit ends early, with "…" in the text that was cut. fields may be NULL. */
void log_line_format(struct log_line *line, bool json, enum log_level level, const char *event,
                     const struct log_field *fields);

#endif
