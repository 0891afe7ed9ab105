/*
 * libcurl on libevent: curl says which sockets and which timer to watch, the loop tells it what
 * happened there, and finished transfers are taken from its queue.
 *
 * A request goes out by one attempt of ours only: curl would send it again by itself when a kept
 * connection turns out to be dead, and nobody would know of the repeat. It can do so only with a
 * body that can be rewound, so ours cannot.
 */
#include "server/channels/meta/graph.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* An answer is a few hundred bytes; what is longer is cut, and then says nothing. */
#define ANSWER_MAX 16384
/* Meta, and what stands before it, closes idle connections after a minute or so. */
#define IDLE_MAX_S 45

struct graph_call {
    LIST_ENTRY(graph_call) next;
    struct graph *graph;
    CURL *easy;
    void (*done)(void *arg, const struct graph_result *result);
    void *arg;
    char *body;
    size_t length, read;
    char error[CURL_ERROR_SIZE];
    size_t answer_length;
    char answer[ANSWER_MAX];
};

struct graph {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct curl_slist *headers;
    char *url;
    char *ca_file;
    long connect_ms, total_ms;
    LIST_HEAD(, graph_call) calls;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void library_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Calls */

static void call_free(struct graph_call *call)
{
    LIST_REMOVE(call, next);
    if (call->easy != NULL) {
        curl_multi_remove_handle(call->graph->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    if (call->body != NULL) {
        OPENSSL_cleanse(call->body, call->length);
        free(call->body);
    }
    free(call);
}

void graph_cancel(struct graph_call *call)
{
    call_free(call);
}

static size_t on_body(char *out, size_t size, size_t count, void *arg)
{
    struct graph_call *call = arg;
    size_t left = call->length - call->read, room = size * count;
    size_t part = left < room ? left : room;

    memcpy(out, call->body + call->read, part);
    call->read += part;
    return part;
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct graph_call *call = arg;
    size_t length = size * count, room = sizeof call->answer - call->answer_length;
    size_t part = length < room ? length : room;

    memcpy(call->answer + call->answer_length, bytes, part);
    call->answer_length += part;
    return length;
}

static bool was_sent(CURL *easy, CURLcode code)
{
    long sent = 0;

    if (code == CURLE_SEND_FAIL_REWIND)
        return true;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0;
}

static void call_finish(struct graph_call *call, CURLcode code)
{
    struct graph_result result = {.answered = code == CURLE_OK, .id = "", .trace = "", .why = ""};
    struct graph_answer answer = {0};
    curl_off_t took_us = 0, retry_after_s = 0;
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    result.took_us = took_us;
    if (result.answered) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        graph_answer_read(&answer, call->answer, call->answer_length);
        result.request_sent = true;
        result.status = (int)status;
        result.says = answer.says;
        result.id = answer.id;
        result.code = answer.code;
        result.subcode = answer.subcode;
        result.transient = answer.transient;
        result.retry_after_ms = retry_after_s * 1000;
        result.trace = answer.trace;
    } else {
        result.request_sent = was_sent(call->easy, code);
        result.why = call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
    }
    call->done(call->arg, &result);
    call_free(call);
}

static void calls_finish(struct graph *graph)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(graph->multi, &left)) != NULL) {
        struct graph_call *call;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        call_finish(call, message->data.result);
    }
}

/* Sockets and the timer */

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct graph *graph = arg;
    int running,
        action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(graph->multi, fd, action, &running);
    calls_finish(graph);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct graph *graph = arg;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(graph->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    calls_finish(graph);
}

/* curl's: watch this socket for that. The event is kept with the socket, by curl. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct graph *graph = arg;
    struct event *event = socket_arg;
    short wanted = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

    (void)easy;
    if (event != NULL)
        event_free(event);
    event = what != CURL_POLL_REMOVE ? event_new(graph->base, fd, wanted, on_socket, graph) : NULL;
    if (event != NULL)
        event_add(event, NULL);
    curl_multi_assign(graph->multi, fd, event);
    return what == CURL_POLL_REMOVE || event != NULL ? 0 : -1;
}

/* curl's: call again after so long. */
static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct graph *graph = arg;

    (void)multi;
    if (ms < 0)
        event_del(graph->timer);
    else
        event_add(graph->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
    return 0;
}

/* Posting */

static CURL *easy_create(struct graph_call *call)
{
    const struct graph *graph = call->graph;
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, graph->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (graph->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, graph->ca_file);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, graph->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, graph->total_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, graph->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->length);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    return easy;
}

struct graph_call *graph_post(struct graph *graph, const char *body, size_t length,
                              void (*done)(void *arg, const struct graph_result *result), void *arg)
{
    struct graph_call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    LIST_INSERT_HEAD(&graph->calls, call, next);
    call->graph = graph;
    call->done = done;
    call->arg = arg;
    call->length = length;
    call->body = malloc(length + 1);
    if (call->body == NULL)
        goto failed;
    memcpy(call->body, body, length);
    call->easy = easy_create(call);
    if (call->easy == NULL || curl_multi_add_handle(graph->multi, call->easy) != CURLM_OK)
        goto failed;
    return call;
failed:
    call_free(call);
    return NULL;
}

/* Life */

static int headers_create(struct graph *graph, const char *token)
{
    char line[4096];
    int length = snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    const char *const lines[] = {line, "Content-Type: application/json", "Accept: application/json",
                                 "Expect:"};
    int status = length > 0 && (size_t)length < sizeof line ? 0 : -1;

    for (size_t i = 0; status == 0 && i < sizeof lines / sizeof *lines; i++) {
        struct curl_slist *more = curl_slist_append(graph->headers, lines[i]);
        if (more == NULL)
            status = -1;
        else
            graph->headers = more;
    }
    OPENSSL_cleanse(line, sizeof line);
    return status;
}

static int url_create(struct graph *graph, const struct graph_settings *settings)
{
    return asprintf(&graph->url, "%s/%s/%s/messages", settings->url, settings->version,
                    settings->phone_number_id) < 0
               ? -1
               : 0;
}

static int multi_create(struct graph *graph, const struct graph_settings *settings)
{
    graph->multi = curl_multi_init();
    if (graph->multi == NULL)
        return -1;
    curl_multi_setopt(graph->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(graph->multi, CURLMOPT_SOCKETDATA, graph);
    curl_multi_setopt(graph->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(graph->multi, CURLMOPT_TIMERDATA, graph);
    curl_multi_setopt(graph->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(graph->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)settings->connections_max);
    curl_multi_setopt(graph->multi, CURLMOPT_MAXCONNECTS, (long)settings->connections_max);
    return 0;
}

struct graph *graph_create(const struct graph_settings *settings, struct event_base *base,
                           char error[ERROR_MAX])
{
    struct graph *graph = calloc(1, sizeof *graph);

    snprintf(error, ERROR_MAX, "cannot prepare the client of the Graph API");
    if (graph == NULL)
        return NULL;
    pthread_once(&once, library_init);
    LIST_INIT(&graph->calls);
    graph->base = base;
    graph->connect_ms = (long)settings->connect_ms;
    graph->total_ms = (long)settings->total_ms;
    graph->timer = evtimer_new(base, on_timer, graph);
    if (graph->timer == NULL || headers_create(graph, settings->token) != 0 ||
        url_create(graph, settings) != 0 || multi_create(graph, settings) != 0)
        goto failed;
    if (settings->ca_file != NULL && (graph->ca_file = strdup(settings->ca_file)) == NULL)
        goto failed;
    return graph;
failed:
    graph_free(graph);
    return NULL;
}

void graph_free(struct graph *graph)
{
    struct graph_call *call;

    if (graph == NULL)
        return;
    while ((call = LIST_FIRST(&graph->calls)) != NULL)
        call_free(call);
    if (graph->multi != NULL)
        curl_multi_cleanup(graph->multi);
    if (graph->timer != NULL)
        event_free(graph->timer);
    for (struct curl_slist *line = graph->headers; line != NULL; line = line->next)
        OPENSSL_cleanse(line->data, strlen(line->data));
    curl_slist_free_all(graph->headers);
    free(graph->url);
    free(graph->ca_file);
    free(graph);
}
