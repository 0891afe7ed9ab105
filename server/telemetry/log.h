/*
 * The log: one line for each event, text for people or JSON (LOG_JSON), to standard error.
 * Workers hand lines to one writer thread through a bounded queue, so that a slow pipe or disk
 * never holds a loop; lines that find it full are counted and announced, not waited for. To the
 * journal of systemd each line goes with its priority: journalctl -p err finds it.
 *
 *     log_write(LOG_INFO, "server_started", log_text("host", host), log_number("port", port));
 *
 * What is never logged: answers, names, phone numbers, tokens, salts, whole URLs with passwords.
 */
#ifndef SERVER_TELEMETRY_LOG_H
#define SERVER_TELEMETRY_LOG_H

#include "server/telemetry/log_line.h"
#include <stdbool.h>

/* What log_start sets, for the lines before it. */
void log_set(enum log_level level, bool json);
/* Starts the writer thread. Before log_start and after log_stop lines are written directly. */
int log_start(enum log_level level, bool json);
/* Writes what is queued and stops the thread. */
void log_stop(void);

bool log_enabled(enum log_level level);
/* Fields end with a LOG_FIELD_END; use log_write. */
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#define log_write(level, event, ...)                                                            \
    do {                                                                                        \
        if (log_enabled(level))                                                                 \
            log_event(level, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}}); \
    } while (0)

#endif
