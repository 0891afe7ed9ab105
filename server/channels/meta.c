/* The Meta channel: signature, then JSON to messages, replies to the queue, what Meta reports into
 * log and counts; and the subscription by which Meta gets to know the address. */
#include "server/channels/meta.h"

#include "server/channels/graph_verdict.h"
#include "server/channels/meta_clock.h"
#include "server/channels/meta_reply.h"
#include "server/channels/meta_signature.h"
#include "server/channels/signature.h"
#include "server/http/form.h"
#include "server/http/throttle.h"
#include "server/security/hasher.h"
#include "server/security/secret.h"
#include "server/telemetry/error_codes.h"
#include "server/telemetry/funnel.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/clock.h"
#include "store/figures.h"
#include "store/replies.h"
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MODE "subscribe"
#define CHALLENGE_MAX 256
#define QUERY_FIELDS_MAX 16

/* What Meta tells of our account again and again is said again after this time. */
#define ABOUT_US_EVERY_MS 60000

struct meta {
    struct channel channel;
    struct meta_settings settings;
    struct hmac_secrets secrets;
    int64_t next_about_us_ms; /* when the log may be told again */
};

/* A reply on its way into the queue. */
struct put {
    struct replies_entry entry;
    struct delivery *delivery;
    const struct message *message;
};

_Static_assert(MESSAGE_ADDRESS_MAX <= REPLY_ADDRESS_MAX, "the queue takes every address");

/* Counts what was no message, and says so once a request. */
static void tell_ignored(const struct meta_ignored *ignored)
{
    const size_t all =
        ignored->unknown + ignored->malformed + ignored->foreign + ignored->old + ignored->repeated;

    if (all == 0)
        return;
    metrics_add(METRIC_META_UNKNOWN, ignored->unknown);
    metrics_add(METRIC_META_MALFORMED, ignored->malformed);
    metrics_add(METRIC_META_FOREIGN, ignored->foreign);
    metrics_add(METRIC_META_OLD, ignored->old);
    metrics_add(METRIC_META_REPEATED, ignored->repeated);
    log_write(ignored->malformed + ignored->foreign > 0 ? LOG_WARNING : LOG_INFO, "meta_ignored",
              log_number("unknown", (int64_t)ignored->unknown),
              log_number("malformed", (int64_t)ignored->malformed),
              log_number("other_number", (int64_t)ignored->foreign),
              log_number("old", (int64_t)ignored->old),
              log_number("repeated", (int64_t)ignored->repeated));
}

/* One line for each error of a request, without a word of whose message it was. */
static void tell_error(struct meta *meta, const struct meta_report_error *error)
{
    const bool about_us = error->code > 0 && graph_is_about_us(error->code, error->subcode);
    const int64_t now_ms = clock_monotonic_ms();

    error_codes_add(error->code, error->count);
    if (about_us) {
        metrics_add(METRIC_META_ABOUT_US, error->count);
        if (now_ms < meta->next_about_us_ms)
            return;
        meta->next_about_us_ms = now_ms + ABOUT_US_EVERY_MS;
    }
    log_write(about_us ? LOG_CRITICAL : LOG_WARNING,
              about_us ? "meta_account_error" : "reply_undelivered",
              log_number("code", error->code), log_number("subcode", error->subcode),
              log_number("count", (int64_t)error->count));
}

/* What became of replies: counted, and told when it is an error. */
static void tell_report(struct meta *meta, const struct meta_report *report)
{
    struct figures_link *figures = meta->settings.figures;

    metrics_add(METRIC_META_SENT, report->sent);
    metrics_add(METRIC_META_DELIVERED, report->delivered);
    metrics_add(METRIC_META_READ, report->read);
    metrics_add(METRIC_META_FAILED, report->failed);
    metrics_add(METRIC_META_STATUS_OTHER, report->other);
    if (report->delivered + report->read + report->failed > 0) {
        figures_add(figures, FUNNEL_DELIVERED, (unsigned)report->delivered);
        figures_add(figures, FUNNEL_READ, (unsigned)report->read);
        figures_add(figures, FUNNEL_FAILED, (unsigned)report->failed);
    }
    for (size_t i = 0; i < report->error_count; i++)
        tell_error(meta, &report->errors[i]);
    if (report->errors_more > 0)
        log_write(LOG_WARNING, "reply_undelivered",
                  log_number("others", (int64_t)report->errors_more));
}

static int verify(struct meta *meta, const struct http_request *request, struct refusal *refusal)
{
    const char *value = http_header(request, META_SIGNATURE_HEADER);

    if (value == NULL) {
        /* fail2ban counts what nobody signed: not Twilio, whom a customer of hers sent here. */
        const bool twilio = http_header(request, TWILIO_SIGNATURE_HEADER) != NULL;
        *refusal = (struct refusal){
            400, twilio ? "Twilio does not write here" : META_SIGNATURE_HEADER " is missing",
            METRIC_SIGNATURES_MISSING, REFUSAL_NOT_OURS};
        return -1;
    }
    if (!meta_signature_matches(&meta->secrets, request->body, request->body_length, value)) {
        *refusal = (struct refusal){403, "the signature is wrong", METRIC_SIGNATURES_WRONG,
                                    REFUSAL_NOT_OURS};
        return -1;
    }
    return 0;
}

/* What time it is at Meta, by its newest message. */
static void hear_clock(struct meta *meta, const struct meta_batch *batch)
{
    int64_t sent_s = 0, ahead_s;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->messages[i].sent_s > sent_s)
            sent_s = batch->messages[i].sent_s;
    if (sent_s > 0 && meta_clock_hear(meta->settings.clock, sent_s, clock_wall_s(),
                                      clock_monotonic_ms(), &ahead_s))
        log_write(LOG_WARNING, "meta_clock_differs", log_number("ours_ahead_seconds", ahead_s),
                  log_text("hint", "our clock is wrong, or messages come late"));
}

/* The request itself may have told that it is later than we knew. */
static void drop_old(struct meta_batch *batch, int64_t oldest_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->messages[i].sent_s == 0 || batch->messages[i].sent_s >= oldest_s)
            batch->messages[kept++] = batch->messages[i];
    batch->ignored.old += batch->count - kept;
    batch->count = kept;
}

static int meta_receive(struct channel *channel, struct delivery *delivery, struct refusal *refusal)
{
    struct meta *meta = (struct meta *)channel;
    const struct config *config = meta->settings.config;
    const struct http_request *request = delivery->request;
    const struct meta_filter filter = {
        .phone_number_id = config->meta_phone_number_id,
        .oldest_s = meta_clock_oldest_s(meta->settings.clock),
    };
    struct meta_batch batch;

    if (verify(meta, request, refusal) != 0) {
        delivery->text_length = 0; /* nothing to wipe: a stranger's 3 MB cost as little as can be */
        return -1;
    }
    *refusal = (struct refusal){400, NULL, METRIC_META_MALFORMED, REFUSAL_OURS};
    if (meta_read(request->body, request->body_length, &filter, delivery->text, &batch,
                  &refusal->reason) != 0)
        return -1;
    delivery->text_length = batch.text_length;
    hear_clock(meta, &batch);
    drop_old(&batch, meta_clock_oldest_s(meta->settings.clock));
    tell_ignored(&batch.ignored);
    tell_report(meta, &batch.report);
    if (batch.count == 0) {
        free(batch.messages);
        return 0;
    }
    for (size_t i = 0; i < batch.count; i++)
        batch.messages[i].channel = channel->class->name;
    delivery->messages = batch.messages;
    delivery->count = batch.count;
    return 0;
}

static void put_end(struct put *put, enum store_status status)
{
    struct delivery *delivery = put->delivery;
    const struct message *message = put->message;

    free(put);
    if (status != STORE_OK)
        metrics_add(METRIC_META_UNQUEUED, 1);
    delivery_done(delivery, message, status == STORE_OK);
}

static void resume_from_put(struct store_ticket *ticket)
{
    struct replies_entry *entry =
        (struct replies_entry *)((char *)ticket - offsetof(struct replies_entry, ticket));

    put_end((struct put *)((char *)entry - offsetof(struct put, entry)), ticket->status);
}

/* The message's id is the key of its reply: when Meta sends the message again, its reply is queued
 * if it was not, and else is not queued twice. */
static void queue_reply(struct meta *meta, struct put *put, const struct exchange_reply *reply)
{
    const struct message *message = put->message;
    enum store_status status = STORE_DOWN;
    size_t length;
    char *json = meta_reply_write(meta->settings.flow, reply->conversation, message, reply->text,
                                  reply->length, &length);

    if (json != NULL) {
        put->entry = (struct replies_entry){
            .ticket.done = resume_from_put,
            .address = message->address,
            .address_length = message->address_length,
            .body = json,
            .body_length = length,
            .created_ms = clock_wall_ms(),
            .key = hasher_message_id(meta->settings.hasher, message->id, message->id_length),
        };
        status = replies_put(meta->settings.replies, &put->entry);
        OPENSSL_cleanse(json, length);
        free(json);
    }
    if (status != STORE_LATER)
        put_end(put, status);
}

/* A message that was not handled gets no "try again" from us: Meta tries again. */
static void meta_answer(struct channel *channel, struct delivery *delivery,
                        const struct message *message, const struct exchange_reply *reply)
{
    struct put *put;

    if (!reply->handled || reply->length == 0) {
        delivery_done(delivery, message, reply->handled);
        return;
    }
    put = calloc(1, sizeof *put);
    if (put == NULL) {
        delivery_done(delivery, message, false);
        return;
    }
    put->delivery = delivery;
    put->message = message;
    queue_reply((struct meta *)channel, put, reply);
}

static void meta_free(struct channel *channel)
{
    struct meta *meta = (struct meta *)channel;

    hmac_secrets_deinit(&meta->secrets);
    free(meta);
}

static const struct channel_class meta_class = {"meta", meta_receive, meta_answer, meta_free};

struct channel *meta_create(const struct meta_settings *settings,
                            struct exchange_service *exchanges)
{
    struct meta *meta = calloc(1, sizeof *meta);

    if (meta == NULL)
        return NULL;
    meta->channel = (struct channel){&meta_class, exchanges};
    meta->settings = *settings;
    if (hmac_secrets_init(&meta->secrets, settings->config->meta_app_secret, "SHA256") == 0)
        return &meta->channel;
    meta_free(&meta->channel);
    return NULL;
}

/* What may be given back: nothing that means anything to a browser. */
static bool is_challenge(struct form_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.",
                   text.bytes[i]) == NULL ||
            text.bytes[i] == '\0')
            return false;
    return text.length > 0 && text.length <= CHALLENGE_MAX;
}

/* A subscription while its token is judged. */
struct subscription {
    char challenge[CHALLENGE_MAX];
    size_t length;
};

static struct form_text single(const struct form *form, const char *key)
{
    size_t count;
    const struct form_text value = form_value(form, key, &count);

    return count == 1 ? value : (struct form_text){NULL, 0};
}

/* Returns NULL when the form is none; *right is whether it brings the token. */
static struct subscription *subscription_read(const struct form *form, const char *token,
                                              bool *right)
{
    const struct form_text mode = single(form, "hub.mode");
    const struct form_text given = single(form, "hub.verify_token");
    const struct form_text challenge = single(form, "hub.challenge");
    struct subscription *subscription;

    if (mode.length != sizeof MODE - 1 || memcmp(mode.bytes, MODE, mode.length) != 0 ||
        given.length == 0 || !is_challenge(challenge))
        return NULL;
    subscription = malloc(sizeof *subscription);
    if (subscription == NULL)
        return NULL;
    memcpy(subscription->challenge, challenge.bytes, challenge.length);
    subscription->length = challenge.length;
    *right = secret_is(token, given.bytes, given.length);
    return subscription;
}

static void log_refused(struct http_request *request)
{
    char client[PEER_TEXT_MAX];
    const char *who = http_client(request, client);

    metrics_add(METRIC_META_SUBSCRIPTIONS_REFUSED, 1);
    log_write(LOG_WARNING, "meta_subscription_refused", log_text(who, client));
}

static void reply_refused(struct http_request *request)
{
    http_reply_error(request, 403, "this is not the subscription that we wait for");
}

static void on_judged(void *arg, struct http_request *request, bool right)
{
    struct subscription *subscription = arg;

    if (right) {
        log_write(LOG_INFO, "meta_subscribed");
        http_reply(request, &(struct http_reply){.status = 200,
                                                 .content_type = "text/plain; charset=utf-8",
                                                 .body = subscription->challenge,
                                                 .length = subscription->length});
    } else {
        reply_refused(request);
    }
    free(subscription);
}

void meta_subscribe(const struct config *config, struct throttle *throttle,
                    struct http_request *request)
{
    const char *query = request->query != NULL ? request->query : "";
    const size_t length = strlen(query);
    const char *reason = NULL;
    char *storage = malloc(length + 1);
    struct subscription *subscription = NULL;
    struct form form;
    bool right = false;

    if (storage != NULL &&
        form_decode(&form, query, length, QUERY_FIELDS_MAX, storage, &reason) == 0)
        subscription = subscription_read(&form, config->meta_verify_token, &right);
    if (storage != NULL)
        OPENSSL_cleanse(storage, length);
    free(storage);
    if (!right)
        log_refused(request);
    if (subscription == NULL)
        reply_refused(request);
    else
        throttle_try(throttle, request, right, on_judged, subscription);
}
