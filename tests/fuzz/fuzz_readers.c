/* Two readers of the same bytes, side by side: what the head scanner lets through, evhttp takes for
 * the same requests, one by one, with the same ends. */
#include "fuzz.h"
#include "server/http/head.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUESTS_MAX 64
#define ROUNDS_MAX 100000 /* of the loop without an answer */

static const struct head_limits limits = {2000, 200, 1000, "/large", 5000};

/* One request as a reader sees it. */
struct seen {
    bool is_post;
    size_t end; /* bytes from the first of all to its last */
    size_t body_length;
};

static struct {
    struct event_base *base;
    struct evhttp *http;
    struct sockaddr_un address;
    struct bufferevent *stream;
    size_t received;
    struct seen seen[REQUESTS_MAX];
    size_t count;
} evhttp;

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    (void)buffer;
    (void)arg;
    evhttp.received += info->n_added;
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    (void)arg;
    evhttp.stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    evbuffer_add_cb(bufferevent_get_input(evhttp.stream), on_input, NULL);
    return evhttp.stream;
}

static void on_request(struct evhttp_request *request, void *arg)
{
    (void)arg;
    PROMISE(evhttp.count < REQUESTS_MAX);
    evhttp.seen[evhttp.count++] = (struct seen){
        .is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST,
        .end = evhttp.received - evbuffer_get_length(bufferevent_get_input(evhttp.stream)),
        .body_length = evbuffer_get_length(evhttp_request_get_input_buffer(request)),
    };
    evhttp_send_reply(request, 204, "No Content", NULL);
}

/* Once for all inputs; in the abstract namespace, so that nothing stays behind. */
static void evhttp_start(void)
{
    struct evconnlistener *listener;

    evhttp.base = event_base_new();
    evhttp.http = evhttp_new(evhttp.base);
    evhttp.address.sun_family = AF_UNIX;
    snprintf(evhttp.address.sun_path + 1, sizeof evhttp.address.sun_path - 1, "uic-fuzz-%d",
             (int)getpid());
    listener = evconnlistener_new_bind(evhttp.base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 8,
                                       (struct sockaddr *)&evhttp.address, sizeof evhttp.address);
    PROMISE(listener != NULL && evhttp_bind_listener(evhttp.http, listener) != NULL);
    evhttp_set_bevcb(evhttp.http, on_accept, NULL);
    evhttp_set_gencb(evhttp.http, on_request, NULL);
    evhttp_set_max_headers_size(evhttp.http, 2 * (ev_ssize_t)limits.head_max);
    evhttp_set_max_body_size(evhttp.http, 2 * (ev_ssize_t)limits.large_body_max);
    evhttp_set_allowed_methods(evhttp.http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
}

/* The requests that the scanner lets through, up to one that ends the connection. */
static size_t scan(const uint8_t *data, size_t size, struct seen *seen)
{
    struct http_verdict verdict = {0, NULL};
    struct head_scanner scanner;
    size_t used = 0, count = 0;

    head_init(&scanner, &limits);
    while (used < size && verdict.status == 0 && count < REQUESTS_MAX) {
        used += head_scan(&scanner, (const char *)data + used, size - used, &verdict);
        if (head_phase(&scanner) != HEAD_PHASE_COMPLETE)
            break;
        seen[count++] = (struct seen){head_method(&scanner) == HEAD_METHOD_POST, used,
                                      (size_t)head_body_length(&scanner)};
        if (head_closes(&scanner))
            break;
        head_next(&scanner);
    }
    return count;
}

/* In two packets, cut where an input byte says. */
static void feed(const uint8_t *data, size_t size, size_t wanted)
{
    const size_t cut = size * data[size - 1] / 256;
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    char answers[4096];

    evhttp.received = evhttp.count = 0;
    PROMISE(client >= 0 &&
            connect(client, (const struct sockaddr *)&evhttp.address, sizeof evhttp.address) == 0);
    PROMISE(send(client, data, cut, MSG_NOSIGNAL) == (ssize_t)cut);
    for (int i = 0; i < 4; i++)
        event_base_loop(evhttp.base, EVLOOP_NONBLOCK);
    PROMISE(send(client, data + cut, size - cut, MSG_NOSIGNAL) == (ssize_t)(size - cut));
    for (int i = 0; i < ROUNDS_MAX && evhttp.count < wanted; i++) {
        event_base_loop(evhttp.base, EVLOOP_NONBLOCK);
        while (recv(client, answers, sizeof answers, MSG_DONTWAIT) > 0)
            continue;
    }
    /* Whatever it would still make of them. */
    for (int i = 0; i < 4; i++)
        event_base_loop(evhttp.base, EVLOOP_NONBLOCK);
    close(client);
    for (int i = 0; i < 4; i++)
        event_base_loop(evhttp.base, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen scanned[REQUESTS_MAX];
    size_t count = scan(data, size, scanned);

    if (evhttp.base == NULL)
        evhttp_start();
    if (count == 0)
        return 0;
    feed(data, scanned[count - 1].end, count);
    PROMISE(evhttp.count == count);
    for (size_t i = 0; i < count; i++) {
        PROMISE(evhttp.seen[i].end == scanned[i].end);
        PROMISE(evhttp.seen[i].is_post == scanned[i].is_post);
        PROMISE(evhttp.seen[i].body_length == scanned[i].body_length);
    }
    return 0;
}
