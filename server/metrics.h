/*
 * Counters, declared once with their help text; the list makes the enum, the sum and the
 * Prometheus exposition. Each thread counts alone without locks; reading sums.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* X(symbol, "name in the exposition", "labels or empty", "help"); rows of one name stand together.
 */
#define METRICS_COUNTERS(X)                                                                      \
    X(CONNECTIONS, "uic_connections_total", "", "Connections accepted")                          \
    X(CONNECTIONS_REFUSED, "uic_connections_refused_total", "",                                  \
      "Connections closed because too many were open")                                           \
    X(CONNECTIONS_TIMED_OUT, "uic_connections_timed_out_total", "",                              \
      "Connections closed because their client was too slow")                                    \
    X(REQUESTS_OK, "uic_http_requests_total", "status=\"2xx\"", "HTTP requests by status")       \
    X(REQUESTS_CLIENT_ERROR, "uic_http_requests_total", "status=\"4xx\"", "")                    \
    X(REQUESTS_SERVER_ERROR, "uic_http_requests_total", "status=\"5xx\"", "")                    \
    X(HEADS_REFUSED, "uic_http_heads_refused_total", "",                                         \
      "Requests refused for a malformed or ambiguous head")                                      \
    X(LIMIT_MESSAGES, "uic_limit_reached_total", "limit=\"messages_per_minute\"",                \
      "What was refused because a limit was reached")                                            \
    X(LIMIT_CODES, "uic_limit_reached_total", "limit=\"codes_per_day\"", "")                     \
    X(LIMIT_CONNECTIONS, "uic_limit_reached_total", "limit=\"connections\"", "")                 \
    X(LIMIT_HEAD, "uic_limit_reached_total", "limit=\"head_bytes\"", "")                         \
    X(LIMIT_URL, "uic_limit_reached_total", "limit=\"url_bytes\"", "")                           \
    X(LIMIT_BODY, "uic_limit_reached_total", "limit=\"body_bytes\"", "")                         \
    X(LIMIT_PARAMETERS, "uic_limit_reached_total", "limit=\"parameters\"", "")                   \
    X(SIGNATURES_MISSING, "uic_webhooks_refused_total", "reason=\"unsigned\"",                   \
      "Webhook requests refused because they are not from our account at the provider")          \
    X(SIGNATURES_WRONG, "uic_webhooks_refused_total", "reason=\"signature\"", "")                \
    X(ACCOUNTS_WRONG, "uic_webhooks_refused_total", "reason=\"account\"", "")                    \
    X(MESSAGES, "uic_messages_total", "", "Messages handled to their reply")                     \
    X(MESSAGES_REDELIVERED, "uic_messages_redelivered_total", "",                                \
      "Messages that had been handled before")                                                   \
    X(MESSAGES_UNAVAILABLE, "uic_messages_unavailable_total", "",                                \
      "Messages answered with: try again in a minute")                                           \
    X(MESSAGES_REFUSED, "uic_messages_refused_total", "",                                        \
      "Messages refused with 503 because too many were being handled")                           \
    X(SESSION_CONFLICTS, "uic_session_conflicts_total", "",                                      \
      "Sessions that another message changed in between")                                        \
    X(CODES_NEW, "uic_codes_total", "kind=\"new\"", "Codes told, by kind")                       \
    X(CODES_EXISTING, "uic_codes_total", "kind=\"existing\"", "")                                \
    X(CODES_LENGTHENED, "uic_codes_lengthened_total", "",                                        \
      "Codes made longer because another person held the short one")                             \
    X(OUTBOX_PUT, "uic_outbox_records_total", "step=\"put\"", "Records that went by the outbox") \
    X(OUTBOX_WRITTEN, "uic_outbox_records_total", "step=\"written\"", "")                        \
    X(OUTBOX_REFUSED, "uic_outbox_records_total", "step=\"refused\"", "")                        \
    X(REPLIES_SENT, "uic_replies_total", "outcome=\"sent\"",                                     \
      "Replies through Meta that came to an end")                                                \
    X(REPLIES_REFUSED, "uic_replies_total", "outcome=\"refused\"", "")                           \
    X(REPLIES_UNCONFIRMED, "uic_replies_total", "outcome=\"unconfirmed\"", "")                   \
    X(REPLIES_TOO_OLD, "uic_replies_total", "outcome=\"too_old\"", "")                           \
    X(REPLIES_DAMAGED, "uic_replies_total", "outcome=\"damaged\"", "")                           \
    X(REPLIES_RETRIED_UNREACHABLE, "uic_replies_retried_total", "reason=\"unreachable\"",        \
      "Attempts to send a reply that are made again")                                            \
    X(REPLIES_RETRIED_UNCONFIRMED, "uic_replies_retried_total", "reason=\"unconfirmed\"", "")    \
    X(REPLIES_RETRIED_THROTTLED, "uic_replies_retried_total", "reason=\"throttled\"", "")        \
    X(REPLIES_RETRIED_FAILING, "uic_replies_retried_total", "reason=\"failing\"", "")            \
    X(REPLIES_RETRIED_LOCKED_OUT, "uic_replies_retried_total", "reason=\"locked_out\"", "")      \
    X(LOG_LINES_DROPPED, "uic_log_lines_dropped_total", "", "Log lines lost to a full queue")

/* What goes up and down, one value for the process: X(symbol, "name", "help"). */
#define METRICS_GAUGES(X)                                                                 \
    X(OUTBOX_LENGTH, "uic_outbox_length", "Records waiting in the outbox")                \
    X(OUTBOX_AGE, "uic_outbox_oldest_seconds", "Age of the oldest one of these")          \
    X(REPLIES_LENGTH, "uic_replies_waiting", "Replies through Meta that wait to be sent") \
    X(REPLIES_AGE, "uic_replies_oldest_seconds", "Age of the oldest one of these")

enum metric {
#define METRICS_ENUM(symbol, name, labels, help) METRIC_##symbol,
    METRICS_COUNTERS(METRICS_ENUM)
#undef METRICS_ENUM
        METRIC_COUNT
};

enum metric_gauge {
#define METRICS_ENUM(symbol, name, help) METRIC_##symbol,
    METRICS_GAUGES(METRICS_ENUM)
#undef METRICS_ENUM
        METRIC_GAUGE_COUNT
};

/* Sets a gauge, from any thread. */
void metrics_set(enum metric_gauge gauge, uint64_t value);

/* Adds to this thread's counter. */
void metrics_add(enum metric metric, uint64_t n);
/* The sum over all threads, those that ended too. */
uint64_t metrics_sum(enum metric metric);
/* Prometheus text of all counters and gauges; returns its length without the NUL, cut to capacity.
 */
size_t metrics_exposition(char *out, size_t capacity);

#endif
