/* Between the queue and the Graph API: starts calls, and gives each end back with a count and,
 * where somebody should know of it, a line in the log. */
#include "server/channels/meta/sender.h"

#include "flow/conversation.h"
#include "server/channels/meta/graph.h"
#include "server/channels/meta/graph_verdict.h"
#include "server/config/config.h"
#include "server/security/keyed_hashes.h"
#include "server/security/keys.h"
#include "server/telemetry/error_codes.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/replies.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replies on their way into the queue at once. */
#define STORE_IN_FLIGHT_MAX 4096
/* And in it, in Redis and without. */
#define WAITING_MAX 160000
#define WAITING_IN_MEMORY_MAX 10000
#define DAY_MS (24 * 60 * 60 * 1000)
/* Calls under way in one worker. At the hundred milliseconds or so that Meta takes, far more than
 * 80 a second. */
#define CALLS_MAX 128
#define CONNECT_MS 5000
#define TOTAL_MS 15000
#define LEASE_MS (TOTAL_MS / 3 * 4)
/* The same trouble is said again after this time. */
#define TROUBLE_EVERY_MS 60000

struct sender {
    struct keyed_hashes *hashes;
    struct replies_link *replies;
    struct graph *graph;
    int64_t next_lockout_ms, next_trouble_ms; /* when the log may be told again */
};

static const enum metric kind_metrics[] = {
    [GRAPH_SENT] = METRIC_REPLIES_SENT,
    [GRAPH_REFUSED] = METRIC_REPLIES_REFUSED,
    [GRAPH_UNREACHABLE] = METRIC_REPLIES_RETRIED_UNREACHABLE,
    [GRAPH_UNCONFIRMED] = METRIC_REPLIES_RETRIED_UNCONFIRMED,
    [GRAPH_UNCONFIRMED_3] = METRIC_REPLIES_UNCONFIRMED,
    [GRAPH_THROTTLED] = METRIC_REPLIES_RETRIED_THROTTLED,
    [GRAPH_FAILING] = METRIC_REPLIES_RETRIED_FAILING,
    [GRAPH_LOCKED_OUT] = METRIC_REPLIES_RETRIED_LOCKED_OUT,
    [GRAPH_FOREIGN] = METRIC_REPLIES_RETRIED_FOREIGN,
};

void sender_store_settings(const struct config *config, const struct keys *keys,
                           struct replies_settings *settings)
{
    *settings = (struct replies_settings){
        .in_redis = config->redis_url != NULL,
        .in_flight_max = STORE_IN_FLIGHT_MAX,
        .length_max = config->redis_url != NULL ? WAITING_MAX : WAITING_IN_MEMORY_MAX,
        .put_ttl_ms = (int64_t)config->session_timeout_minutes * 2 * 60 * 1000,
        .age_max_ms = DAY_MS,
        .per_second = config->meta_messages_per_second,
        .lease_ms = LEASE_MS,
        .look_ms = 1000,
    };
    memcpy(settings->seal_key, keys->reply_seal, REPLIES_KEY_SIZE);
    memcpy(settings->address_key, keys->reply_address, REPLIES_KEY_SIZE);
}

/* Telling */

static bool is_time(int64_t *next_ms)
{
    int64_t now = clock_monotonic_ms();

    if (now < *next_ms)
        return false;
    *next_ms = now + TROUBLE_EVERY_MS;
    return true;
}

static void result_log(const struct sender *sender, enum log_level level, const char *event,
                       const struct reply *reply, const struct graph_result *result)
{
    char tag[KEYED_HASHES_TAG_MAX];

    keyed_hashes_address_tag(sender->hashes, reply->address, reply->address_length, clock_wall_s(),
                             tag);
    log_write(level, event, log_text("who", tag), log_number("status", result->status),
              log_number("code", result->code), log_number("subcode", result->subcode),
              log_text("trace", *result->trace ? result->trace : NULL),
              log_text("reason", *result->why ? result->why : NULL),
              log_number("attempts", (int64_t)reply->attempts + 1));
}

/* What holds up one reply is said at the level of debugging, what holds up all of them once a
 * minute. */
static void verdict_log(struct sender *sender, const struct reply *reply, enum graph_kind kind,
                        const struct graph_result *result)
{
    if (kind == GRAPH_REFUSED)
        result_log(sender, LOG_ERROR, "reply_refused", reply, result);
    else if (kind == GRAPH_UNCONFIRMED_3)
        result_log(sender, LOG_ERROR, "reply_unconfirmed", reply, result);
    else if (kind == GRAPH_LOCKED_OUT && is_time(&sender->next_lockout_ms))
        result_log(sender, LOG_CRITICAL, "meta_lets_nothing_through", reply, result);
    else if (kind == GRAPH_UNREACHABLE && is_time(&sender->next_trouble_ms))
        result_log(sender, LOG_ERROR, "meta_unreachable", reply, result);
    else if (kind == GRAPH_FOREIGN && is_time(&sender->next_trouble_ms))
        result_log(sender, LOG_ERROR, "not_meta_answers", reply, result);
    else if (kind != GRAPH_SENT)
        result_log(sender, LOG_DEBUG, "reply_waits", reply, result);
}

static void on_length(void *arg, uint64_t length, int64_t oldest_age_ms)
{
    (void)arg;
    metrics_set(METRIC_REPLIES_LENGTH, length);
    metrics_set(METRIC_REPLIES_AGE, length > 0 ? (uint64_t)oldest_age_ms / 1000 : 0);
}

static void on_dropped(void *arg, enum reply_drop drop)
{
    (void)arg;
    metrics_add(drop == REPLY_TOO_OLD ? METRIC_REPLIES_TOO_OLD : METRIC_REPLIES_DAMAGED, 1);
    log_write(LOG_ERROR, "reply_dropped",
              log_text("reason", drop == REPLY_TOO_OLD
                                     ? "it waited for a day"
                                     : "it does not open (damaged, or sealed under another salt)"));
}

static void on_trouble(void *arg, const char *why)
{
    (void)arg;
    log_write(LOG_CRITICAL, "replies_unreadable", log_text("reason", why));
}

static void on_connection(void *arg, bool up, const char *why)
{
    (void)arg;
    if (up)
        log_write(LOG_INFO, "replies_up", log_text("detail", why));
    else
        log_write(LOG_ERROR, "replies_down", log_text("reason", why));
}

/* Sending */

/* By what a swiped answer will name it. When an earlier attempt may have arrived too, the person
 * may swipe either: neither is known as the newest. */
static uint64_t sent_id(const struct sender *sender, const struct reply *reply,
                        const struct graph_result *result)
{
    if (reply->memo > 0 || result->id[0] == '\0')
        return 0;
    return keyed_hashes_message_id(sender->hashes, result->id, strlen(result->id)) & FLOW_ID_MAX;
}

static void on_answer(void *arg, const struct graph_result *result)
{
    struct reply *reply = arg;
    struct sender *sender = reply->arg;
    const struct graph_verdict verdict = graph_judge(result, reply->attempts, reply->memo);

    if (result->answered)
        metrics_observe(METRIC_GRAPH_CALL, result->took_us);
    if (verdict.kind == GRAPH_SENT) {
        metrics_observe(METRIC_REPLY, clock_wall_us() - reply->created_ms * 1000);
        reply->sent_id = sent_id(sender, reply, result);
    }
    metrics_add(kind_metrics[verdict.kind], 1);
    if (result->says == GRAPH_SAYS_ERROR)
        error_codes_add(result->code, 1);
    verdict_log(sender, reply, verdict.kind, result);
    if (verdict.kind == GRAPH_UNCONFIRMED)
        reply->memo++;
    const enum reply_end end = verdict.kind == GRAPH_SENT     ? REPLY_SENT
                               : graph_is_later(verdict.kind) ? REPLY_LATER
                                                              : REPLY_REFUSED;
    reply_done(reply, end, verdict.delay_ms);
}

static void on_send(struct reply *reply)
{
    const struct sender *sender = reply->arg;

    reply->transfer = graph_post(sender->graph, reply->body, reply->body_length, on_answer, reply);
    if (reply->transfer == NULL) /* memory is out */
        reply_done(reply, REPLY_LATER, 1000);
}

static void on_cancel(struct reply *reply)
{
    graph_cancel(reply->transfer);
}

/* Life */

static int start_graph(struct sender *sender, const struct config *config, struct event_base *base,
                       char error[ERROR_MAX])
{
    const struct graph_settings settings = {
        .url = config->meta_graph_url,
        .version = config->meta_graph_version,
        .phone_number_id = config->meta_phone_number_id,
        .token = config->meta_whatsapp_token,
        .ca_file = config->meta_ca_file,
        .connect_ms = CONNECT_MS,
        .total_ms = TOTAL_MS,
        .connections_max = CALLS_MAX,
    };

    sender->graph = graph_create(&settings, base, error);
    return sender->graph != NULL ? 0 : -1;
}

static int start_replies(struct sender *sender, const struct sender_settings *settings,
                         struct event_base *base, char error[ERROR_MAX])
{
    const struct replies_sender calls = {on_send, on_cancel, sender, CALLS_MAX};
    const struct replies_watch watch = {
        .connection = {on_connection, sender},
        .length = on_length,
        .dropped = on_dropped,
        .trouble = on_trouble,
        .arg = sender,
    };

    sender->replies = replies_attach(settings->store, base, settings->redis, &calls, &watch, error);
    return sender->replies != NULL ? 0 : -1;
}

struct sender *sender_create(const struct sender_settings *settings, struct event_base *base,
                             char error[ERROR_MAX])
{
    struct sender *sender = calloc(1, sizeof *sender);

    snprintf(error, ERROR_MAX, "out of memory");
    if (sender == NULL)
        return NULL;
    sender->hashes = settings->hashes;
    if (start_graph(sender, settings->config, base, error) == 0 &&
        start_replies(sender, settings, base, error) == 0)
        return sender;
    sender_free(sender);
    return NULL;
}

void sender_free(struct sender *sender)
{
    if (sender == NULL)
        return;
    replies_detach(sender->replies);
    graph_free(sender->graph);
    free(sender);
}

struct replies_link *sender_replies(struct sender *sender)
{
    return sender->replies;
}

void sender_rest(struct sender *sender)
{
    replies_rest(sender->replies);
}

bool sender_at_rest(const struct sender *sender)
{
    return replies_at_rest(sender->replies);
}
