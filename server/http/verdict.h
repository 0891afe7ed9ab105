/* What the readers of a request say of it. */
#ifndef SERVER_HTTP_VERDICT_H
#define SERVER_HTTP_VERDICT_H

struct http_verdict {
    int status;         /* 0, or the HTTP status to refuse with */
    const char *reason; /* for the JSON error; static */
};

#endif
