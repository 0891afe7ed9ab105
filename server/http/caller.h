/*
 * Who calls over a connection: the other end, or for whom it speaks when it is a trusted proxy.
 * Both are counted in peers.h for as long as they have something open here.
 */
#ifndef SERVER_HTTP_CALLER_H
#define SERVER_HTTP_CALLER_H

#include "server/http/peers.h"
#include <event2/util.h>
#include <stdbool.h>

struct evhttp_request;

/* Zeroed before caller_enter. */
struct caller {
    struct peer peer; /* the other end */
    bool counted;
    bool trusted;       /* to say for whom it speaks */
    struct peer client; /* for whom it speaks just now */
    bool client_counted;
};

/* Looks who is on the socket. Returns false when that address has too many connections. A proxy's
 * are not counted, but the requests that it brings. */
bool caller_enter(struct caller *caller, struct peers *peers, evutil_socket_t fd);
/* A request came. Returns false when a proxy brings it from an address that has too many. */
bool caller_begin(struct caller *caller, struct peers *peers, struct evhttp_request *request);
/* The request was answered. */
void caller_end(struct caller *caller, struct peers *peers);
/* The connection is gone, and with it a request that was not answered. */
void caller_leave(struct caller *caller, struct peers *peers);

/* Whether the request was made on this machine: it comes over the loopback, and nothing says that a
 * proxy brings it, trusted or not. */
bool caller_is_local(const struct caller *caller, struct evhttp_request *request);

/* Who sent this request. */
struct peer caller_of(const struct caller *caller, const struct peers *peers,
                      struct evhttp_request *request);

#endif
