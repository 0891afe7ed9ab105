/*
 * HTTP of one worker: evhttp behind the connection watch. Hands each complete request to the
 * router as a view and sends its response; the rest of the server does not know evhttp.
 *
 * All calls on the worker's thread. A request lives until http_respond; every request gets exactly
 * one response, at once or later.
 */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "server/http/connection.h"
#include "server/http/response.h"
#include "server/telemetry/metrics.h"
#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct client_address;

enum http_method {
    HTTP_GET = 1 << 0, /* HEAD too: the response then goes without its body */
    HTTP_POST = 1 << 1,
    HTTP_OPTIONS = 1 << 2,
    HTTP_OTHER = 1 << 3,
};

/* A view of a request; everything in it is valid until http_respond, headers and body until
 * http_forget_input. */
struct http_request {
    enum http_method method;
    const char *path;  /* as sent, without the query, NUL-terminated */
    const char *query; /* without the question mark; NULL when there is none */
    const char *body;
    size_t body_length;
    enum metric_route route; /* for whom it is counted; the router sets it */
    struct http *http;
    struct evhttp_request *source;
};

/* The value of a header, or NULL. */
const char *http_header(const struct http_request *request, const char *name);
/* Who asks: the other end, or for whom it speaks when it is a trusted proxy. Returns 0, or -1 when
 * the connection is gone. */
int http_client_address(const struct http_request *request, struct client_address *address);
/* Whether it was made on this machine: over the loopback, with no proxy between. */
bool http_is_local(const struct http_request *request);

/* The internet address of whom it comes from, for the log of what is refused. Returns what to call
 * it there: "client", or "proxy" when it is a trusted proxy that does not say for whom it speaks,
 * and whom nobody should ban. */
const char *http_client_print(const struct http_request *request,
                              char text[CLIENT_ADDRESS_TEXT_MAX]);

/* Headers and body are read: they are given back, and so wiped (security/zeroing_allocator.h); their
 * memory, which the processor still has in its cache, serves the next requests while this one
 * waits for its response. From then on no header is known, nor what a proxy said of its client:
 * nothing above is to be asked any more. */
void http_forget_input(struct http_request *request);

/* Sends the response, with the headers that every one has for browsers, and frees the request. */
void http_respond(struct http_request *request, const struct http_response *response);
/* {"error": reason} with a status. reason is plain ASCII without quotes. */
void http_respond_error(struct http_request *request, int status, const char *reason);

typedef void http_handler(void *arg, struct http_request *request);

struct http;

struct http_address {
    const char *host;
    unsigned port;
    int shared_fd; /* of all workers, borrowed until http_create returns; or -1 */
};

/* Serves on the shared socket, or on an own one (SO_REUSEPORT) of host and port. Returns NULL with
 * error. */
struct http *http_create(struct event_base *base, const struct http_address *address,
                         const struct connection_limits *limits, http_handler *handler, void *arg,
                         char error[ERROR_MAX]);
/* From now on connections close after their responses, idle ones shortly; new ones are welcome. */
void http_drain(struct http *http);
/* Takes no new connections any more. */
void http_stop_listening(struct http *http);
/* Whether every connection is gone. */
bool http_is_idle(const struct http *http);
void http_free(struct http *http);

#endif
