/*
 * As much of HTTP/1.1 as a client needs that sends one request at a time and gets answers with a
 * Content-Length.
 */
#ifndef LOAD_RESPONSE_H
#define LOAD_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct response {
    int status;
    bool closes; /* the server closes behind it */
    const char *body;
    size_t body_length;
};

/* Returns 1 when bytes hold one whole answer, 0 when more must come, -1 when it is none. */
int response_read(struct response *response, const char *bytes, size_t length);

#endif
