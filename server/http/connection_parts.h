/* What a connection and the watch over all of them are, between those who scan and who sweep. */
#ifndef SERVER_HTTP_CONNECTION_PARTS_H
#define SERVER_HTTP_CONNECTION_PARTS_H

#include "server/http/client.h"
#include "server/http/connection.h"
#include <event2/util.h>
#include <stdint.h>
#include <sys/queue.h>

struct bufferevent;
struct event;

struct connection {
    TAILQ_ENTRY(connection) link;
    struct connections *owner;
    struct bufferevent *stream; /* holds a reference */
    evutil_socket_t fd;         /* -1 until it is registered */
    struct client client;
    struct head_scanner scanner;
    enum head_phase phase;
    int64_t since_ms; /* when this phase began */
    size_t unread;    /* last bytes of the input that the scanner has not read */
    unsigned busy;    /* requests that wait for their response */
    bool refused;     /* answered with an error; what still comes is thrown away */
    bool close_after; /* close when the response under way is out */
    bool cut;         /* shut down; evhttp lets it go next */
    bool large;       /* one of those with a large body */
};

struct connections {
    struct event_base *base;
    struct connection_limits limits;
    TAILQ_HEAD(connection_list, connection) all;
    size_t count;
    size_t large_count;
    struct connection **by_fd;
    size_t by_fd_size;
    struct event *sweep;
    struct event *fresh; /* connections were accepted, evhttp has given them their descriptors */
    bool draining;
};

/* Forgets a connection that evhttp let go of. */
void connection_free(struct connection *connection);

/* Looks every now and then for connections that are slow, or finished. Returns 0, or -1 when out of
 * memory; connections->sweep is the caller's to free. */
int connection_sweep_start(struct connections *connections);

#endif
