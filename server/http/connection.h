/*
 * Connections of one worker, watched beside evhttp: every byte that arrives passes the head
 * scanner before evhttp reads it; clients that are malformed, too slow or too many are answered
 * and closed here. evhttp has no hooks for this in 2.1, so each connection's bufferevent carries a
 * callback on its input buffer and a reference of ours, by which we see that evhttp let it go.
 *
 * All calls on the worker's thread.
 */
#ifndef SERVER_HTTP_CONNECTION_H
#define SERVER_HTTP_CONNECTION_H

#include "server/http/client_address.h"
#include "server/http/head.h"
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct evhttp;
struct evhttp_request;
struct client_address;
struct clients;
struct response_terms;
struct tls;

struct connection_limits {
    struct head_limits request;
    unsigned connections_max; /* open at once on this worker */
    struct clients *clients;  /* counted by address; borrowed */
    struct tls *tls;          /* how they come; NULL: in clear; borrowed */
    unsigned head_ms;         /* from the first byte of a head to its last */
    unsigned body_ms;         /* from the end of the head to the last byte of the body */
    unsigned idle_ms;         /* between two requests */
};

/* Requests under way on this worker whose body only request.large_path may have: their bytes come
 * before it is known who sends them, so there are few, and one more is refused with 503. */
#define CONNECTIONS_LARGE_MAX 8

struct connections;

/* Puts the watch on every connection that http accepts. Returns NULL when out of memory. */
struct connections *connections_create(struct event_base *base, struct evhttp *http,
                                       const struct connection_limits *limits);
/* After evhttp_free. */
void connections_free(struct connections *connections);

size_t connections_count(const struct connections *connections);

/* evhttp handed over a request; connection_responded will tell of its response. A status in the
 * verdict is the response: a trusted proxy brings it from an address that has too many under way
 * already, or evhttp read something else than the scanner. */
struct http_verdict connection_busy(struct connections *connections,
                                    struct evhttp_request *request);
/* Who sent a request that is not yet answered: the other end, or for whom it speaks when it is a
 * trusted proxy. Returns 0, or -1 when the connection is gone. */
int connection_client_address(struct connections *connections, struct evhttp_request *request,
                              struct client_address *address);
/* Whether that is a trusted proxy. */
bool connection_is_proxy(const struct connections *connections,
                         const struct client_address *address);
/* Whether the request was made on this machine, with no proxy between. */
bool connection_is_local(struct connections *connections, struct evhttp_request *request);
/* Just before the response is sent: fills in which version it has, and whether the connection
 * closes behind it. */
void connection_responded(struct connections *connections, struct evhttp_request *request,
                          struct response_terms *terms);

/* From now on every connection is closed after its response, idle ones shortly. */
void connections_drain(struct connections *connections);

#endif
