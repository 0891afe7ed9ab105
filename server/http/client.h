/*
 * The client of a connection: the other end, or for whom it speaks when it is a trusted proxy.
 * Both are counted for as long as they have something open here.
 */
#ifndef SERVER_HTTP_CLIENT_H
#define SERVER_HTTP_CLIENT_H

#include "server/http/client_address.h"
#include <event2/util.h>
#include <stdbool.h>

struct evhttp_request;

/* Zeroed before client_enter. */
struct client {
    struct client_address address; /* of the other end */
    bool counted;
    bool trusted;                    /* to say for whom it speaks */
    struct client_address forwarded; /* for whom it speaks just now */
    bool forwarded_counted;
};

/* Looks who is on the socket. Returns false when that address has too many connections. A proxy's
 * are not counted, but the requests that it brings. */
bool client_enter(struct client *client, struct clients *clients, evutil_socket_t fd);
/* A request came. Returns false when a proxy brings it from an address that has too many. */
bool client_begin(struct client *client, struct clients *clients, struct evhttp_request *request);
/* The request was answered. */
void client_end(struct client *client, struct clients *clients);
/* The connection is gone, and with it a request that was not answered. */
void client_leave(struct client *client, struct clients *clients);

/* Whether the request was made on this machine: it comes over the loopback, and nothing says that a
 * proxy brings it, trusted or not. */
bool client_is_local(const struct client *client, struct evhttp_request *request);

/* Who sent this request. */
struct client_address client_address_of_request(const struct client *client,
                                                const struct clients *clients,
                                                struct evhttp_request *request);

#endif
