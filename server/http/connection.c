/* The watch over connections: scanner, limits of number.
 *
 * Scanner and evhttp go in step. The scanner stands still at the end of a request until evhttp has
 * handed it over and it is being answered; what evhttp then left in the buffer must be what the
 * scanner has not read. If it is not, one of them took bytes for something else, and nothing behind
 * them is to be trusted: the connection closes.
 *
 * Nothing is read from a connection while a request of it is handled or its response is written,
 * and the scanner refuses a request that is too large: so what a connection holds is bounded. */
#include "server/http/connection.h"

#include "server/http/client.h"
#include "server/http/connection_parts.h"
#include "server/http/head.h"
#include "server/http/listening.h"
#include "server/http/refusal.h"
#include "server/http/response.h"
#include "server/http/tls.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void connection_enter(struct connection *connection, enum head_phase phase)
{
    connection->phase = phase;
    connection->since_ms = clock_monotonic_ms();
}

/* The response to a client that evhttp never gets to see; a fresh socket buffer always takes it. A
 * client of TLS that was not greeted yet is told nothing. */
static void send_refusal(const struct connection *connection, struct http_verdict verdict)
{
    char answer[REFUSAL_MAX];
    const bool is_head = head_method(&connection->scanner) == HEAD_METHOD_HEAD;
    const size_t length = refusal_print(answer, verdict, is_head);

    if (connection->owner->limits.tls != NULL)
        tls_send_last(connection->stream, answer, length);
    else if (send(connection->fd, answer, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_write(LOG_DEBUG, "refusal_not_sent");
}

/* While a response is under way the refusal could only overtake it, so the connection just closes
 * behind that response. */
static void connection_refuse(struct connection *connection, struct http_verdict verdict)
{
    char client[CLIENT_ADDRESS_TEXT_MAX];
    const struct evbuffer *unsent = bufferevent_get_output(connection->stream);

    connection->refused = true;
    connection->since_ms = clock_monotonic_ms();
    if (connection->busy > 0 || evbuffer_get_length(unsent) > 0) {
        connection->close_after = true;
        return;
    }
    send_refusal(connection, verdict);
    shutdown(connection->fd, SHUT_WR);
    metrics_request(METRIC_ROUTE_OTHER, verdict.status);
    client_address_print(&connection->client.address, client);
    log_write(LOG_INFO, "request_refused", log_number("status", verdict.status),
              log_text("reason", verdict.reason),
              log_text(connection->client.trusted ? "proxy" : "client", client));
}

/* Registers the connection under its descriptor; refuses what is too many or comes too late. */
static void connection_register(struct connection *connection)
{
    struct connections *owner = connection->owner;
    evutil_socket_t fd = bufferevent_getfd(connection->stream);

    if (fd < 0 || (size_t)fd >= owner->by_fd_size) {
        connection->refused = true;
        return;
    }
    connection->fd = fd;
    owner->by_fd[fd] = connection;
    if (listening_was_left(fd)) {
        metrics_add(METRIC_CONNECTIONS_ABANDONED, 1);
        connection->refused = connection->cut = true;
        shutdown(fd, SHUT_RDWR);
    } else if (!client_enter(&connection->client, owner->limits.clients, fd)) {
        metrics_add(METRIC_LIMIT_CONNECTIONS, 1);
        connection_refuse(connection,
                          (struct http_verdict){429, "too many connections from this address"});
    } else if (owner->count > owner->limits.connections_max) {
        metrics_add(METRIC_CONNECTIONS_REFUSED, 1);
        connection_refuse(connection,
                          (struct http_verdict){503, "too many connections, try again shortly"});
    }
}

/* Those that were accepted since the last time stand at the end. */
static void on_fresh(evutil_socket_t fd, short what, void *arg)
{
    struct connections *owner = arg;
    struct connection *connection = TAILQ_LAST(&owner->all, connection_list);

    (void)fd;
    (void)what;
    for (; connection != NULL && connection->fd < 0 && !connection->refused;
         connection = TAILQ_PREV(connection, connection_list, link))
        connection_register(connection);
}

/* Scans what is unread, as far as the request goes. */
static struct http_verdict scan_unread(struct connection *connection)
{
    struct evbuffer *buffer = bufferevent_get_input(connection->stream);
    struct http_verdict verdict = {0, NULL};
    struct evbuffer_ptr from;
    struct evbuffer_iovec piece;

    while (verdict.status == 0 && connection->unread > 0 &&
           head_phase(&connection->scanner) != HEAD_PHASE_COMPLETE) {
        evbuffer_ptr_set(buffer, &from, evbuffer_get_length(buffer) - connection->unread,
                         EVBUFFER_PTR_SET);
        if (evbuffer_peek(buffer, -1, &from, &piece, 1) < 1)
            break;
        connection->unread -=
            head_scan(&connection->scanner, piece.iov_base, piece.iov_len, &verdict);
    }
    return verdict;
}

/* A large body begins: takes one of the few places for it. Returns whether there is one. */
static bool connection_enlarge(struct connection *connection)
{
    struct connections *owner = connection->owner;

    if (connection->large)
        return true;
    if (owner->large_count >= CONNECTIONS_LARGE_MAX)
        return false;
    owner->large_count++;
    connection->large = true;
    return true;
}

/* Behind the response. */
static void connection_shrink(struct connection *connection)
{
    if (!connection->large)
        return;
    connection->owner->large_count--;
    connection->large = false;
}

/* Looks at what is unread before evhttp does. */
static void connection_look(struct connection *connection)
{
    struct http_verdict verdict = scan_unread(connection);
    const enum head_phase phase = head_phase(&connection->scanner);

    if (phase != connection->phase || phase == HEAD_PHASE_IDLE)
        connection_enter(connection, phase);
    if (verdict.status == 0 && phase >= HEAD_PHASE_BODY &&
        head_body_is_large(&connection->scanner) && !connection_enlarge(connection))
        verdict = (struct http_verdict){503, "too many large requests, try again shortly"};
    if (verdict.status != 0) {
        refusal_count(verdict);
        connection_refuse(connection, verdict);
    }
}

/* Runs when bytes were read, before evhttp looks at them. */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    if (info->n_added == 0)
        return;
    connection->unread += info->n_added;
    if (!connection->refused && !connection->close_after)
        connection_look(connection);
    if (connection->refused && connection->busy == 0)
        evbuffer_drain(buffer, evbuffer_get_length(buffer));
}

void connection_free(struct connection *connection)
{
    struct connections *owner = connection->owner;

    client_leave(&connection->client, owner->limits.clients);
    if (connection->large)
        owner->large_count--;

    TAILQ_REMOVE(&owner->all, connection, link);
    owner->count--;
    metrics_subtract(METRIC_CONNECTIONS_OPEN, 1);
    if (connection->fd >= 0)
        owner->by_fd[connection->fd] = NULL;
    evbuffer_remove_cb(bufferevent_get_input(connection->stream), on_input, connection);
    bufferevent_decref(connection->stream);
    free(connection);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct connections *owner = arg;
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->stream = owner->limits.tls != NULL
                             ? tls_stream(owner->limits.tls, base)
                             : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (connection->stream == NULL) {
        free(connection);
        return NULL;
    }
    connection->owner = owner;
    connection->fd = -1;
    head_init(&connection->scanner, &owner->limits.request);
    connection_enter(connection, HEAD_PHASE_IDLE);
    bufferevent_incref(connection->stream);
    evbuffer_add_cb(bufferevent_get_input(connection->stream), on_input, connection);
    TAILQ_INSERT_TAIL(&owner->all, connection, link);
    owner->count++;
    metrics_add(METRIC_CONNECTIONS, 1);
    metrics_add(METRIC_CONNECTIONS_OPEN, 1);
    event_active(owner->fresh, EV_TIMEOUT, 0);
    return connection->stream;
}

static struct connection *connection_find(const struct connections *connections,
                                          struct evhttp_request *request)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    evutil_socket_t fd =
        evcon == NULL ? -1 : bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));

    return fd < 0 || (size_t)fd >= connections->by_fd_size ? NULL : connections->by_fd[fd];
}

/* Whether the scanner read the same request. */
static bool connection_agrees(const struct connection *connection, struct evhttp_request *request)
{
    const struct head_scanner *scanner = &connection->scanner;
    const struct evbuffer *input = bufferevent_get_input(connection->stream);
    const struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;

    return head_phase(scanner) == HEAD_PHASE_COMPLETE &&
           connection->unread == evbuffer_get_length(input) &&
           head_body_length(scanner) == evbuffer_get_length(body) &&
           (head_method(scanner) == HEAD_METHOD_POST) == is_post;
}

struct http_verdict connection_busy(struct connections *connections, struct evhttp_request *request)
{
    struct connection *connection = connection_find(connections, request);

    if (connection == NULL)
        return (struct http_verdict){0, NULL};
    connection->busy++;
    if (!connection_agrees(connection, request)) {
        metrics_add(METRIC_READERS_DISAGREED, 1);
        log_write(LOG_CRITICAL, "request_readers_disagreed");
        connection->refused = true;
        connection->close_after = true;
        return (struct http_verdict){400, "the request is ambiguous"};
    }
    connection->close_after = connection->close_after || head_closes(&connection->scanner);
    if (client_begin(&connection->client, connections->limits.clients, request))
        return (struct http_verdict){0, NULL};
    metrics_add(METRIC_LIMIT_CONNECTIONS, 1);
    return (struct http_verdict){429, "too many requests from this address"};
}

int connection_client_address(struct connections *connections, struct evhttp_request *request,
                              struct client_address *address)
{
    const struct connection *connection = connection_find(connections, request);

    if (connection == NULL)
        return -1;
    *address = client_address_of_request(&connection->client, connections->limits.clients, request);
    return 0;
}

bool connection_is_proxy(const struct connections *connections,
                         const struct client_address *address)
{
    return clients_trust(connections->limits.clients, address);
}

bool connection_is_local(struct connections *connections, struct evhttp_request *request)
{
    const struct connection *connection = connection_find(connections, request);

    return connection != NULL && client_is_local(&connection->client, request);
}

void connection_responded(struct connections *connections, struct evhttp_request *request,
                          struct response_terms *terms)
{
    struct connection *connection = connection_find(connections, request);

    terms->closes = true;
    if (connection == NULL)
        return;
    terms->http_1_0 = head_is_1_0(&connection->scanner);
    connection_shrink(connection);
    if (!connection->close_after && !connections->draining) {
        head_next(&connection->scanner);
        connection_look(connection);
    }
    connection->busy--;
    client_end(&connection->client, connections->limits.clients);
    connection->since_ms = clock_monotonic_ms();
    terms->closes = connection->close_after || connections->draining;
}

void connections_drain(struct connections *connections)
{
    connections->draining = true;
}

size_t connections_count(const struct connections *connections)
{
    return connections->count;
}

static size_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1 << 20)
        return 1 << 20;
    return (size_t)limit.rlim_cur;
}

struct connections *connections_create(struct event_base *base, struct evhttp *http,
                                       const struct connection_limits *limits)
{
    struct connections *connections = calloc(1, sizeof *connections);

    if (connections == NULL)
        return NULL;
    connections->base = base;
    connections->limits = *limits;
    TAILQ_INIT(&connections->all);
    connections->by_fd_size = descriptor_limit();
    connections->by_fd = calloc(connections->by_fd_size, sizeof(struct connection *));
    connections->fresh = event_new(base, -1, 0, on_fresh, connections);
    if (connections->by_fd == NULL || connections->fresh == NULL ||
        connection_sweep_start(connections) != 0) {
        connections_free(connections);
        return NULL;
    }
    evhttp_set_bevcb(http, on_accept, connections);
    return connections;
}

void connections_free(struct connections *connections)
{
    if (connections == NULL)
        return;
    while (!TAILQ_EMPTY(&connections->all))
        connection_free(TAILQ_FIRST(&connections->all));
    if (connections->sweep != NULL)
        event_free(connections->sweep);
    if (connections->fresh != NULL)
        event_free(connections->fresh);
    free(connections->by_fd);
    free(connections);
}
