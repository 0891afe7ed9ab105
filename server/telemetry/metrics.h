/*
 * What the server counts and measures, declared once with its help text: the lists make the enums
 * and the Prometheus exposition. Each thread counts alone without locks; reading sums. Knows
 * nothing of those who count.
 *
 * Names follow Prometheus: base units, _total for what only grows. What is listed here stands in
 * the table of docs/operations.md too; a test compares them.
 */
#ifndef SERVER_TELEMETRY_METRICS_H
#define SERVER_TELEMETRY_METRICS_H

#include "server/telemetry/http_status.h"
#include <stddef.h>
#include <stdint.h>

/* What only grows: X(symbol, "name", "labels or empty", "help"); here and below rows of one name
 * stand together, and the first one has the help. */
#define METRICS_COUNTERS(X)                                                                      \
    X(CONNECTIONS, "uic_connections_total", "", "Connections accepted")                          \
    X(CONNECTIONS_REFUSED, "uic_connections_refused_total", "",                                  \
      "Connections closed because too many were open")                                           \
    X(CONNECTIONS_TIMED_OUT, "uic_connections_timed_out_total", "",                              \
      "Connections closed because their client was too slow")                                    \
    X(CONNECTIONS_ABANDONED, "uic_connections_abandoned_total", "",                              \
      "Connections whose client had gone while they waited for the server to start")             \
    X(HEADS_REFUSED, "uic_http_heads_refused_total", "",                                         \
      "Requests refused for a malformed or ambiguous head")                                      \
    X(READERS_DISAGREED, "uic_http_readers_disagreed_total", "",                                 \
      "Connections closed because evhttp read a request otherwise than the guard before it")     \
    X(LIMIT_MESSAGES, "uic_limit_reached_total", "limit=\"messages_per_minute\"",                \
      "What was refused because a limit was reached")                                            \
    X(LIMIT_FRUITLESS, "uic_limit_reached_total", "limit=\"fruitless_messages\"", "")            \
    X(LIMIT_CODES, "uic_limit_reached_total", "limit=\"codes_per_day\"", "")                     \
    X(LIMIT_COUNTED, "uic_limit_reached_total", "limit=\"counted_numbers\"", "")                 \
    X(LIMIT_CONNECTIONS, "uic_limit_reached_total", "limit=\"connections\"", "")                 \
    X(LIMIT_HEAD, "uic_limit_reached_total", "limit=\"head_bytes\"", "")                         \
    X(LIMIT_URL, "uic_limit_reached_total", "limit=\"url_bytes\"", "")                           \
    X(LIMIT_BODY, "uic_limit_reached_total", "limit=\"body_bytes\"", "")                         \
    X(LIMIT_LARGE, "uic_limit_reached_total", "limit=\"large_bodies\"", "")                      \
    X(LIMIT_PARAMETERS, "uic_limit_reached_total", "limit=\"parameters\"", "")                   \
    X(SIGNATURES_MISSING, "uic_webhooks_refused_total", "reason=\"unsigned\"",                   \
      "Webhook requests refused because they are not from our account at the provider")          \
    X(SIGNATURES_WRONG, "uic_webhooks_refused_total", "reason=\"signature\"", "")                \
    X(ACCOUNTS_WRONG, "uic_webhooks_refused_total", "reason=\"account\"", "")                    \
    X(META_SUBSCRIPTIONS_REFUSED, "uic_webhooks_refused_total", "reason=\"subscription\"", "")   \
    X(META_UNQUEUED, "uic_meta_replies_unqueued_total", "",                                      \
      "Replies that found no place in the queue, so that their message comes again")             \
    X(META_SENT, "uic_meta_statuses_total", "status=\"sent\"",                                   \
      "What Meta said of messages that we sent")                                                 \
    X(META_DELIVERED, "uic_meta_statuses_total", "status=\"delivered\"", "")                     \
    X(META_READ, "uic_meta_statuses_total", "status=\"read\"", "")                               \
    X(META_FAILED, "uic_meta_statuses_total", "status=\"failed\"", "")                           \
    X(META_STATUS_OTHER, "uic_meta_statuses_total", "status=\"other\"", "")                      \
    X(META_ABOUT_US, "uic_meta_account_errors_total", "",                                        \
      "Errors that Meta told of our own account, number, token or payment")                      \
    X(META_UNKNOWN, "uic_meta_ignored_total", "reason=\"kind\"",                                 \
      "What came from Meta and was no message for us")                                           \
    X(META_MALFORMED, "uic_meta_ignored_total", "reason=\"malformed\"", "")                      \
    X(META_FOREIGN, "uic_meta_ignored_total", "reason=\"other_number\"", "")                     \
    X(META_OLD, "uic_meta_ignored_total", "reason=\"old\"", "")                                  \
    X(META_REPEATED, "uic_meta_ignored_total", "reason=\"repeated\"", "")                        \
    X(META_MOVED, "uic_meta_moved_total", "", "People whose new number or user id Meta told")    \
    X(META_UNMOVED, "uic_meta_unmoved_total", "",                                                \
      "New numbers that Meta told without a user id: nothing moved")                             \
    X(META_MOVES_UNDONE, "uic_meta_moves_undone_total", "",                                      \
      "New numbers and user ids that Meta is to tell again")                                     \
    X(TWILIO_STATUSES, "uic_twilio_ignored_total", "reason=\"status\"",                          \
      "What came from Twilio and was no message of somebody on WhatsApp")                        \
    X(TWILIO_GESTURES, "uic_twilio_ignored_total", "reason=\"kind\"", "")                        \
    X(TWILIO_ELSEWHERE, "uic_twilio_ignored_total", "reason=\"other_channel\"", "")              \
    X(MESSAGES, "uic_messages_total", "", "Messages handled to their reply")                     \
    X(MESSAGES_REDELIVERED, "uic_messages_redelivered_total", "",                                \
      "Messages that had been handled before")                                                   \
    X(MESSAGES_LATE, "uic_messages_late_total", "",                                              \
      "Messages sent so long before the newest of the same person that they changed nothing")    \
    X(MESSAGES_UNAVAILABLE, "uic_messages_unavailable_total", "",                                \
      "Messages answered with: try again in a minute")                                           \
    X(MESSAGES_REFUSED, "uic_messages_refused_total", "",                                        \
      "Messages refused with 503 because too many were being handled")                           \
    X(SESSION_CONFLICTS, "uic_session_conflicts_total", "",                                      \
      "Sessions that another message changed in between")                                        \
    X(SESSIONS_REFUSED, "uic_sessions_refused_total", "",                                        \
      "Loads and saves of sessions that Redis refused")                                          \
    X(SESSIONS_UNREPLICATED, "uic_sessions_unreplicated_total", "",                              \
      "Saves of sessions that too few replicas of Redis had in time")                            \
    X(CODES, "uic_codes_total", "", "Codes told")                                                \
    X(CODES_LENGTHENED, "uic_codes_lengthened_total", "",                                        \
      "Codes made longer because another person held the short one")                             \
    X(NEAR_ASKED, "uic_near_total", "step=\"asked\"",                                            \
      "Questions whether it is the same person as of a code that the number was told")           \
    X(OUTBOX_PUT, "uic_outbox_records_total", "step=\"put\"", "Records that went by the outbox") \
    X(OUTBOX_WRITTEN, "uic_outbox_records_total", "step=\"written\"", "")                        \
    X(OUTBOX_REFUSED, "uic_outbox_records_total", "step=\"refused\"", "")                        \
    X(OUTBOX_DROPPED, "uic_outbox_records_total", "step=\"dropped\"", "")                        \
    X(OUTBOX_UNREPLICATED, "uic_outbox_records_total", "step=\"unreplicated\"", "")              \
    X(ADMIN_REFUSED, "uic_admin_refused_total", "",                                              \
      "Requests for statistics without the token, or with a wrong one")                          \
    X(METRICS_REFUSED, "uic_metrics_refused_total", "",                                          \
      "Requests for these figures with a wrong token")                                           \
    X(LOGINS_RIGHT, "uic_admin_logins_total", "result=\"right\"",                                \
      "Tries to log in to the administration")                                                   \
    X(LOGINS_WRONG, "uic_admin_logins_total", "result=\"wrong\"", "")                            \
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
    X(REPLIES_RETRIED_FOREIGN, "uic_replies_retried_total", "reason=\"foreign\"", "")            \
    X(RECORDS_RETIRED, "uic_records_retired_total", "",                                          \
      "Codes removed because nobody asked for them in RETENTION_DAYS")                           \
    X(RETENTION_SWEEPS, "uic_retention_sweeps_total", "",                                        \
      "Times that all codes were looked through for those that RETENTION_DAYS removes")          \
    X(DUPLICATES_ROUNDS, "uic_duplicates_rounds_total", "",                                      \
      "Times that new records were compared with the others to their end")                       \
    X(LOG_LINES_DROPPED, "uic_log_lines_dropped_total", "", "Log lines lost to a full queue")

/* What goes up and down, each thread adding and subtracting its own: rows as above. */
#define METRICS_LEVELS(X)                                               \
    X(CONNECTIONS_OPEN, "uic_connections_open", "", "Connections open") \
    X(MESSAGES_IN_FLIGHT, "uic_messages_in_flight", "", "Messages being handled")

/* What is set, one value for the process: X(symbol, type, unit, "name", "labels", "help"). A value
 * in MICROSECONDS is exposed in seconds. */
#define METRICS_GAUGES(X)                                                                          \
    X(CONNECTIONS_LIMIT, "gauge", COUNT, "uic_connections_limit", "",                              \
      "Connections that may be open at once")                                                      \
    X(MESSAGES_IN_FLIGHT_LIMIT, "gauge", COUNT, "uic_messages_in_flight_limit", "",                \
      "Messages that may be handled at once")                                                      \
    X(WORKERS, "gauge", COUNT, "uic_workers", "", "Worker threads")                                \
    X(SESSIONS_UP, "gauge", COUNT, "uic_store_up", "store=\"sessions\"",                           \
      "Whether every worker has its store: sessions are in Redis (or memory), records in the "     \
      "database")                                                                                  \
    X(RECORDS_UP, "gauge", COUNT, "uic_store_up", "store=\"records\"", "")                         \
    X(READY, "gauge", COUNT, "uic_ready", "", "Whether /ready says 200")                           \
    X(OUTBOX_LENGTH, "gauge", COUNT, "uic_outbox_length", "", "Records waiting in the outbox")     \
    X(OUTBOX_AGE, "gauge", COUNT, "uic_outbox_oldest_seconds", "", "Age of the oldest of these")   \
    X(OUTBOX_FOREIGN, "gauge", COUNT, "uic_outbox_foreign", "",                                    \
      "Those of these that another salt, or a later version, sealed")                              \
    X(REPLIES_LENGTH, "gauge", COUNT, "uic_replies_waiting", "",                                   \
      "Replies through Meta that wait to be sent")                                                 \
    X(REPLIES_AGE, "gauge", COUNT, "uic_replies_oldest_seconds", "", "Age of the oldest of these") \
    X(RETENTION_HELD, "gauge", COUNT, "uic_retention_held", "",                                    \
      "Codes that RETENTION_DAYS would remove and that are held back")                             \
    X(LAST_BACKUP, "gauge", COUNT, "uic_last_backup_timestamp_seconds", "",                        \
      "When the last backup was made, in seconds since 1970; 0: none that is known")               \
    X(META_CLOCK, "gauge", COUNT, "uic_meta_clock_difference_seconds", "",                         \
      "How far our clock is from Meta's, at most")                                                 \
    X(PROCESS_CPU, "counter", MICROSECONDS, "process_cpu_seconds_total", "",                       \
      "Processor time used, in seconds")                                                           \
    X(PROCESS_MEMORY, "gauge", COUNT, "process_resident_memory_bytes", "", "Resident memory")      \
    X(PROCESS_FILES, "gauge", COUNT, "process_open_fds", "", "Open file descriptors")              \
    X(PROCESS_FILES_LIMIT, "gauge", COUNT, "process_max_fds", "",                                  \
      "File descriptors that may be open")                                                         \
    X(PROCESS_START, "gauge", MICROSECONDS, "process_start_time_seconds", "",                      \
      "When the server started, in seconds since 1970")

/* How values spread: X(symbol, scale, "name", "labels", "help"). Values of the scale SECONDS are
 * observed in microseconds, of ROWS as numbers. */
#define METRICS_HISTOGRAMS(X)                                                                      \
    X(EXCHANGE, SECONDS, "uic_message_duration_seconds", "",                                       \
      "From a message's arrival to its reply")                                                     \
    X(SESSION_LOAD, SECONDS, "uic_store_operation_duration_seconds", "operation=\"session_load\"", \
      "What a message waited for one operation of a store")                                        \
    X(SESSION_SAVE, SECONDS, "uic_store_operation_duration_seconds", "operation=\"session_save\"", \
      "")                                                                                          \
    X(CLAIM, SECONDS, "uic_store_operation_duration_seconds", "operation=\"claim\"", "")           \
    X(OUTBOX_WAIT, SECONDS, "uic_store_operation_duration_seconds", "operation=\"outbox_put\"",    \
      "")                                                                                          \
    X(COMMIT, SECONDS, "uic_commit_duration_seconds", "",                                          \
      "One transaction of the database, with all claims in it")                                    \
    X(GRAPH_CALL, SECONDS, "uic_graph_call_duration_seconds", "",                                  \
      "One call of Meta's API to its answer")                                                      \
    X(REPLY, SECONDS, "uic_reply_duration_seconds", "",                                            \
      "From a reply's making to Meta's word that it has it")                                       \
    X(COMMIT_CLAIMS, ROWS, "uic_commit_claims", "", "Claims in one transaction of the database")

/* Where requests go: X(symbol, "label"). OTHER is all that has no route. */
#define METRICS_ROUTES(X)     \
    X(OTHER, "other")         \
    X(WEBHOOK, "webhook")     \
    X(META, "meta")           \
    X(HEALTH, "health")       \
    X(READY, "ready")         \
    X(ROOT, "root")           \
    X(METRICS, "metrics")     \
    X(SIMULATOR, "simulator") \
    X(CLEANUP, "cleanup")     \
    X(ADMIN, "admin")

/* Bounds of a histogram's buckets, and the one without bound. */
#define METRICS_BUCKETS_MAX 15

#define METRICS_ENUM(symbol, ...) METRIC_##symbol,
#define METRICS_ROUTE_ENUM(symbol, ...) METRIC_ROUTE_##symbol,
#define METRICS_STATUS_ENUM(number, phrase) METRIC_STATUS_##number,
enum metric { METRICS_COUNTERS(METRICS_ENUM) METRICS_LEVELS(METRICS_ENUM) METRIC_COUNT };
enum metric_gauge { METRICS_GAUGES(METRICS_ENUM) METRIC_GAUGE_COUNT };
enum metric_histogram { METRICS_HISTOGRAMS(METRICS_ENUM) METRIC_HISTOGRAM_COUNT };
enum metric_route { METRICS_ROUTES(METRICS_ROUTE_ENUM) METRIC_ROUTE_COUNT };
enum metric_status { HTTP_STATUSES(METRICS_STATUS_ENUM) METRIC_STATUS_OTHER, METRIC_STATUS_COUNT };
#undef METRICS_ENUM
#undef METRICS_ROUTE_ENUM
#undef METRICS_STATUS_ENUM

/* How a histogram's values are divided among its buckets. */
struct metric_scale {
    uint64_t bounds[METRICS_BUCKETS_MAX]; /* ascending; the last one is UINT64_MAX */
    unsigned unit;                        /* so much is exposed as 1 */
};

/* What a histogram holds: how many values are above the bound before and up to this one. */
struct metric_distribution {
    uint64_t buckets[METRICS_BUCKETS_MAX];
    uint64_t sum;
};

/* Adds to this thread's counter or level; metrics_subtract only from a level to which this thread
 * added. */
void metrics_add(enum metric metric, uint64_t n);
void metrics_subtract(enum metric metric, uint64_t n);
/* Counts a request that was answered with this HTTP status. */
void metrics_request(enum metric_route route, int status);
/* Puts a value into this thread's histogram; a negative one counts as 0. */
void metrics_observe(enum metric_histogram histogram, int64_t value);
/* Sets a gauge, from any thread. */
void metrics_set(enum metric_gauge gauge, uint64_t value);

/* Sums over all threads, those that ended too. */
uint64_t metrics_sum(enum metric metric);
uint64_t metrics_requests(enum metric_route route, enum metric_status status);
void metrics_distribution(enum metric_histogram histogram, struct metric_distribution *sums);
uint64_t metrics_gauge(enum metric_gauge gauge);
const struct metric_scale *metrics_scale(enum metric_histogram histogram);

#endif
