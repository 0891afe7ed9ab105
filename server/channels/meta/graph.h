/*
 * A client of Meta's Graph API on a worker's loop: libcurl's multi interface, connections kept
 * alive, TLS verified. It carries bytes and says how it went.
 *
 *     struct graph *graph = graph_create(&settings, base, error);
 *     struct graph_call *call = graph_post(graph, body, length, done, arg);
 *     graph_free(graph);
 */
#ifndef SERVER_CHANNELS_META_GRAPH_H
#define SERVER_CHANNELS_META_GRAPH_H

#include "server/channels/meta/graph_answer.h"
#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

struct graph_settings {
    const char *url; /* https://graph.facebook.com */
    const char *version;
    const char *phone_number_id;
    const char *token;
    const char *ca_file; /* PEM; NULL: the system's authorities */
    unsigned connect_ms; /* for a connection, with TLS */
    unsigned total_ms;   /* for a call, with its answer */
    unsigned connections_max;
};

/* How a call went. */
struct graph_result {
    bool answered;          /* a whole HTTP answer came */
    bool request_sent;      /* at least a part of the request left: without an answer, Meta may have
                               handled it */
    int status;             /* of HTTP; 0: none */
    enum graph_says says;   /* of the answer's body */
    const char *id;         /* of the message, "" when not told */
    int code, subcode;      /* Meta's, of an error */
    bool transient;         /* Meta says so */
    int64_t retry_after_ms; /* 0: not said */
    int64_t took_us;
    const char *trace; /* by which Meta finds the call, "" when not told; plain ASCII */
    const char *why;   /* there was no answer: one line without secrets, else "" */
};

struct graph;
struct graph_call;

/* Copies the settings. Returns NULL with error. */
struct graph *graph_create(const struct graph_settings *settings, struct event_base *base,
                           char error[ERROR_MAX]);
/* Cancels the calls under way. */
void graph_free(struct graph *graph);

/* Posts a message; body is copied. `done` is called once, on the loop, never from within; the
 * result lives during the call. Returns NULL when memory is out. */
struct graph_call *graph_post(struct graph *graph, const char *body, size_t length,
                              void (*done)(void *arg, const struct graph_result *result),
                              void *arg);
/* Breaks a call off; `done` is not called. Not to be called from `done` for the same call. */
void graph_cancel(struct graph_call *call);

#endif
