/* evhttp glue: listening socket, request view, response. */
#include "server/http/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 1024
#define JSON_TYPE "application/json; charset=utf-8"

struct http {
    struct event_base *base;
    struct evhttp *evhttp;
    struct evhttp_bound_socket *socket;
    struct connections *connections;
    http_handler *handler;
    void *arg;
    time_t date_s; /* of date */
    char date[32];
};

struct request_storage {
    struct http_request view;
    char target[]; /* path and query, cut apart */
};

const char *http_header(const struct http_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->source), name);
}

int http_client_address(const struct http_request *request, struct client_address *address)
{
    return connection_client_address(request->http->connections, request->source, address);
}

bool http_is_local(const struct http_request *request)
{
    return connection_is_local(request->http->connections, request->source);
}

const char *http_client_print(const struct http_request *request,
                              char text[CLIENT_ADDRESS_TEXT_MAX])
{
    struct client_address address;

    *text = '\0';
    if (http_client_address(request, &address) != 0)
        return "client";
    client_address_print(&address, text);
    return connection_is_proxy(request->http->connections, &address) ? "proxy" : "client";
}

void http_forget_input(struct http_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request->source);

    evhttp_clear_headers(evhttp_request_get_input_headers(request->source));
    evbuffer_drain(body, evbuffer_get_length(body));
    request->body = "";
    request->body_length = 0;
}

/* Formatted once a second. */
static const char *http_date(struct http *http)
{
    const time_t now = time(NULL);
    struct tm parts;

    if (now != http->date_s) {
        http->date_s = now;
        strftime(http->date, sizeof http->date, "%a, %d %b %Y %H:%M:%S GMT",
                 gmtime_r(&now, &parts));
    }
    return http->date;
}

/* What evhttp does for a response of its own, but that it would read on while that is written. Its
 * request is done when all is written, and then the connection closes or takes the next one. A
 * request in chunks has no response in chunks. */
static void response_start(struct evhttp_request *source, struct bufferevent *stream)
{
    bufferevent_data_cb on_written;
    bufferevent_event_cb on_event;
    void *arg;

    bufferevent_getcb(stream, NULL, &on_written, &on_event, &arg);
    bufferevent_setcb(stream, NULL, on_written, on_event, arg);
    bufferevent_enable(stream, EV_WRITE);
    source->chunked = 0;
    evhttp_send_reply_end(source);
}

void http_respond(struct http_request *request, const struct http_response *response)
{
    struct http *http = request->http;
    struct evhttp_request *source = request->source;
    struct evhttp_connection *connection = evhttp_request_get_connection(source);
    struct response_terms terms = {
        .date = http_date(http),
        .is_head = evhttp_request_get_command(source) == EVHTTP_REQ_HEAD,
    };

    connection_responded(http->connections, source, &terms);
    metrics_request(request->route, response->status);
    free(request);
    if (connection == NULL) { /* the client is gone */
        evhttp_send_reply_end(source);
        return;
    }
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
    if (response_print(bufferevent_get_output(stream), response, &terms) != 0)
        terms.closes = true;
    if (terms.closes) /* for evhttp, which goes by it */
        evhttp_add_header(evhttp_request_get_output_headers(source), "Connection", "close");
    response_start(source, stream);
}

void http_respond_error(struct http_request *request, int status, const char *reason)
{
    char body[256];
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", reason);
    struct http_response response = {
        .status = status, .content_type = JSON_TYPE, .body = body, .length = (size_t)length};

    if (status == 503 || status == 429)
        response.headers[0] = (struct http_header){"Retry-After", "1"};
    http_respond(request, &response);
}

static enum http_method method_of(struct evhttp_request *source)
{
    switch (evhttp_request_get_command(source)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        return HTTP_GET;
    case EVHTTP_REQ_POST:
        return HTTP_POST;
    case EVHTTP_REQ_OPTIONS:
        return HTTP_OPTIONS;
    default:
        return HTTP_OTHER;
    }
}

/* Path and query, copied behind each other; of a whole address what stands behind its host. */
static char *copy_target(char *to, const char *target)
{
    if (*target != '/' && *target != '*') {
        target = strstr(target, "//") + 2;
        target += strcspn(target, "/?");
        if (*target != '/')
            *to++ = '/';
    }
    strcpy(to, target);
    return strchr(to, '?');
}

static struct http_request *request_create(struct http *http, struct evhttp_request *source)
{
    const char *target = evhttp_request_get_uri(source);
    struct request_storage *storage = malloc(sizeof *storage + strlen(target) + 2);
    struct evbuffer *body = evhttp_request_get_input_buffer(source);

    if (storage == NULL)
        return NULL;
    char *question = copy_target(storage->target, target);
    if (question != NULL)
        *question++ = '\0';
    storage->view = (struct http_request){
        .method = method_of(source),
        .path = storage->target,
        .query = question,
        .body_length = evbuffer_get_length(body),
        .http = http,
        .source = source,
    };
    if (storage->view.body_length > 0)
        storage->view.body = (const char *)evbuffer_pullup(body, -1);
    else
        storage->view.body = "";
    return &storage->view;
}

static void on_request(struct evhttp_request *source, void *arg)
{
    struct http *http = arg;
    struct http_request *request = request_create(http, source);

    if (request == NULL) {
        metrics_request(METRIC_ROUTE_OTHER, HTTP_SERVUNAVAIL);
        evhttp_send_error(source, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    const struct http_verdict verdict = connection_busy(http->connections, source);
    if (verdict.status == 0)
        http->handler(http->arg, request);
    else
        http_respond_error(request, verdict.status, verdict.reason);
}

/* On host and port; NULL with error. */
static struct evconnlistener *listen_on(struct http *http, const char *host, unsigned port,
                                        char error[ERROR_MAX])
{
    const unsigned flags =
        LEV_OPT_REUSEABLE | LEV_OPT_REUSEABLE_PORT | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *address = NULL;
    struct evconnlistener *listener = NULL;
    const int on = 1;
    char service[12];

    snprintf(service, sizeof service, "%u", port);
    int status = getaddrinfo(host, service, &hints, &address);
    if (status != 0) {
        snprintf(error, ERROR_MAX, "HOST %s: %s", host, gai_strerror(status));
        return NULL;
    }
    errno = 0;
    listener = evconnlistener_new_bind(http->base, NULL, NULL, flags, BACKLOG, address->ai_addr,
                                       (int)address->ai_addrlen);
    if (listener == NULL)
        snprintf(error, ERROR_MAX, "cannot listen on %s port %u: %s", host, port, strerror(errno));
    else /* inherited by the accepted sockets: a short response leaves at once */
        setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    freeaddrinfo(address);
    return listener;
}

/* Of a socket that all workers share. */
static struct evconnlistener *listen_with(struct http *http, int shared_fd, char error[ERROR_MAX])
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    const int fd = fcntl(shared_fd, F_DUPFD_CLOEXEC, 3);
    struct evconnlistener *listener =
        fd < 0 ? NULL : evconnlistener_new(http->base, NULL, NULL, flags, 0, fd);

    if (listener == NULL) {
        snprintf(error, ERROR_MAX, "cannot share the listening socket: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return listener;
}

static int evhttp_configure(struct http *http, const struct connection_limits *limits)
{
    http->evhttp = evhttp_new(http->base);
    if (http->evhttp == NULL)
        return -1;
    http->connections = connections_create(http->base, http->evhttp, limits);
    if (http->connections == NULL)
        return -1;
    /* The scanner refuses first; these only stand behind it. */
    evhttp_set_max_headers_size(http->evhttp, 2 * (ev_ssize_t)limits->request.head_max);
    evhttp_set_max_body_size(http->evhttp, 2 * (ev_ssize_t)(limits->request.large_path != NULL
                                                                ? limits->request.large_body_max
                                                                : limits->request.body_max));
    evhttp_set_allowed_methods(http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_default_content_type(http->evhttp, NULL);
    evhttp_set_gencb(http->evhttp, on_request, http);
    return 0;
}

struct http *http_create(struct event_base *base, const struct http_address *address,
                         const struct connection_limits *limits, http_handler *handler, void *arg,
                         char error[ERROR_MAX])
{
    struct http *http = calloc(1, sizeof *http);

    if (http == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    http->base = base;
    http->handler = handler;
    http->arg = arg;
    struct evconnlistener *listener = address->shared_fd >= 0
                                          ? listen_with(http, address->shared_fd, error)
                                          : listen_on(http, address->host, address->port, error);
    if (listener == NULL) {
        free(http);
        return NULL;
    }
    if (evhttp_configure(http, limits) == 0)
        http->socket = evhttp_bind_listener(http->evhttp, listener);
    if (http->socket == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        evconnlistener_free(listener);
        http_free(http);
        return NULL;
    }
    return http;
}

void http_drain(struct http *http)
{
    connections_drain(http->connections);
}

void http_stop_listening(struct http *http)
{
    if (http->socket != NULL)
        evhttp_del_accept_socket(http->evhttp, http->socket);
    http->socket = NULL;
}

bool http_is_idle(const struct http *http)
{
    return connections_count(http->connections) == 0;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    if (http->evhttp != NULL)
        evhttp_free(http->evhttp);
    connections_free(http->connections);
    free(http);
}
