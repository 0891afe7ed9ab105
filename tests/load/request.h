/*
 * A message as Twilio's webhook: all fields that Twilio sends, and its signature when there is a
 * token.
 */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

#include "tests/load/crowd.h"

struct request_writer;

struct request_settings {
    const char *host; /* for the Host header */
    const char *path;
    const char *public_url; /* what is signed, without the path; with a token only */
    const char *token;      /* NULL: nothing is signed */
};

/* NULL when out of memory or the token cannot be used. The settings must live as long. */
struct request_writer *request_writer_create(const struct request_settings *settings);
void request_writer_free(struct request_writer *writer);

/* The whole request; the bytes are the writer's, until the next one. */
const char *request_write(struct request_writer *writer, const struct crowd *crowd, uint64_t serial,
                          const struct line *line, size_t *length);

#endif
