/* What Meta tells of messages that we sent, and of ourselves: statuses and errors. Pure. */
#ifndef SERVER_CHANNELS_META_REPORT_H
#define SERVER_CHANNELS_META_REPORT_H

#include <jansson.h>
#include <stddef.h>

/* Different errors of one request that are told apart. */
#define META_ERRORS_MAX 16

struct meta_report_error {
    int code, subcode; /* 0: none that we can read */
    size_t count;
};

struct meta_report {
    size_t sent, delivered, read, failed, other; /* statuses */
    struct meta_report_error errors[META_ERRORS_MAX];
    size_t error_count;
    size_t errors_more; /* that found no place */
};

/* Adds what the value of a change tells: value.statuses with their errors, and value.errors. */
void meta_report_read(struct meta_report *report, const json_t *value);

#endif
