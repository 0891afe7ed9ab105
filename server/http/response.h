/* Prints responses, every byte of them. */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include "server/http/http.h"

struct evbuffer;

/* What the request and its connection have to say about the response. */
struct response_terms {
    const char *date; /* as the header says it */
    bool is_head;     /* goes without its body */
    bool http_1_0;    /* the client's version; the connection then closes */
    bool closes;      /* the connection, behind it */
};

/* Appends head and body. Returns 0, or -1 when out of memory; then nothing was appended. */
int response_print(struct evbuffer *out, const struct http_response *response,
                   const struct response_terms *terms);

#endif
