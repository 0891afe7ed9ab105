/* Responses, and their bytes. */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;

struct http_header {
    const char *name;
    const char *value;
};

#define HTTP_RESPONSE_HEADERS_MAX 6

struct http_response {
    int status;
    const char *content_type; /* NULL: there is no body */
    const char *body;
    size_t length;
    /* More headers, up to the first without a name: Allow, Retry-After, … A Cache-Control among
     * them stands instead of no-store. */
    struct http_header headers[HTTP_RESPONSE_HEADERS_MAX];
};

/* What the request and its connection have to say about the response. */
struct response_terms {
    const char *date; /* as the header says it */
    bool is_head;     /* goes without its body */
    bool http_1_0;    /* the client's version; the connection then closes */
    bool closes;      /* the connection, behind it */
};

/* Appends head and body, with the headers that every response has for browsers. Returns 0, or -1
 * when out of memory; then nothing was appended. */
int response_print(struct evbuffer *out, const struct http_response *response,
                   const struct response_terms *terms);

#endif
