/* Private to head.c and head_body.c: the scanner's state. */
#ifndef SERVER_HTTP_HEAD_PARTS_H
#define SERVER_HTTP_HEAD_PARTS_H

#include "server/http/head.h"

enum head_state {
    AT_REQUEST, /* nothing of the next request has come */
    IN_METHOD,
    IN_TARGET,
    IN_VERSION,
    AT_LINE_FEED, /* behind the carriage return of a line */
    AT_LINE,      /* the first byte of a header line, or of the empty one */
    IN_NAME,
    IN_VALUE, /* white space around the value included */
    AT_LAST_LINE_FEED,
    IN_BODY,
    IN_FRAME, /* between the chunks of a body */
    AT_END,   /* of one request; from here on nothing is read */
    REFUSED,
};

static const struct http_verdict head_good = {0, NULL};

struct http_verdict head_refuse(struct head_scanner *scanner, int status, const char *reason);

/* The most that the body may have. */
uint64_t head_body_max(const struct head_scanner *scanner);
/* Behind the head: whether a body may follow, and which. */
struct http_verdict head_body_begin(struct head_scanner *scanner);
/* One byte of what frames chunks. */
struct http_verdict head_body_frame(struct head_scanner *scanner, unsigned char c);
/* How many of so many bytes are the body's, or its chunk's; they are passed over. */
size_t head_body_skip(struct head_scanner *scanner, size_t length);

#endif
