/* One line of the log, formatted into a fixed buffer. */
#ifndef SERVER_TELEMETRY_LOG_LINE_H
#define SERVER_TELEMETRY_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

enum log_field_kind { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_NUMBER };

struct log_field {
    const char *name;
    enum log_field_kind kind;
    const char *text; /* NULL: the field is left out */
    int64_t number;
};

#define log_text(name, value) ((struct log_field){(name), LOG_FIELD_TEXT, (value), 0})
#define log_number(name, value) ((struct log_field){(name), LOG_FIELD_NUMBER, NULL, (value)})

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
