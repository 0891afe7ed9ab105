/* The Meta channel: signature, then JSON to messages, and replies to the queue. */
#include "server/channels/meta/meta.h"

#include "server/channels/meta/clock.h"
#include "server/channels/meta/mover.h"
#include "server/channels/meta/reply.h"
#include "server/channels/meta/signature.h"
#include "server/channels/meta/tell.h"
#include "server/exchange/person.h"
#include "server/security/keyed_hashes.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/replies.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct meta {
    struct channel channel;
    struct meta_settings settings;
    struct hmac_secrets secrets;
    struct meta_teller teller;
    struct mover mover;
    int64_t full_until_ms; /* the log was told that the queue is full; monotonic */
};

/* A reply on its way into the queue. */
struct put {
    struct replies_entry entry;
    struct meta *meta;
    struct delivery *delivery;
    const struct message *message;
};

_Static_assert(MESSAGE_ADDRESS_MAX <= REPLY_ADDRESS_MAX, "the queue takes every address");

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
static void drop_old(struct meta_batch *batch, struct meta_clock *clock)
{
    const int64_t oldest_s = meta_clock_oldest_s(clock, META_MESSAGE_AGE_S);
    const int64_t oldest_move_s = meta_clock_oldest_s(clock, META_MOVE_AGE_S);
    size_t kept = 0, kept_moves = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->messages[i].sent_s == 0 || batch->messages[i].sent_s >= oldest_s)
            batch->messages[kept++] = batch->messages[i];
    for (size_t i = 0; i < batch->move_count; i++)
        if (batch->moves[i].sent_s >= oldest_move_s)
            batch->moves[kept_moves++] = batch->moves[i];
    batch->ignored.old += batch->count - kept + batch->move_count - kept_moves;
    batch->count = kept;
    batch->move_count = kept_moves;
}

static int meta_receive(struct channel *channel, struct delivery *delivery, struct refusal *refusal)
{
    struct meta *meta = (struct meta *)channel;
    const struct config *config = meta->settings.config;
    const struct http_request *request = delivery->request;
    const struct meta_filter filter = {
        .phone_number_id = config->meta_phone_number_id,
        .oldest_s = meta_clock_oldest_s(meta->settings.clock, META_MESSAGE_AGE_S),
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
    drop_old(&batch, meta->settings.clock);
    meta_tell_ignored(&batch.ignored);
    meta_tell_report(&meta->teller, &batch.report);
    mover_begin(&meta->mover, delivery, batch.moves, batch.move_count);
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

/* Once a minute: it is full for as long as Meta takes nothing. */
static void tell_full(struct meta *meta)
{
    const int64_t now_ms = clock_monotonic_ms();

    if (now_ms < meta->full_until_ms)
        return;
    meta->full_until_ms = now_ms + 60 * 1000;
    log_write(LOG_ERROR, "replies_full", log_text("meanwhile", "Meta sends each message again"));
}

static void put_end(struct put *put, enum store_status status)
{
    struct delivery *delivery = put->delivery;
    const struct message *message = put->message;

    if (status == STORE_FULL)
        tell_full(put->meta);
    free(put);
    if (status != STORE_OK)
        metrics_add(METRIC_META_UNQUEUED, 1);
    delivery_done(delivery, message, status == STORE_OK);
}

static void resume_from_put(struct store_ticket *ticket)
{
    put_end(container_of(ticket, struct put, entry.ticket), ticket->status);
}

/* The message's id is the key of its reply: when Meta sends the message again, its reply is queued
 * if it was not, and else is not queued twice. */
static void queue_reply(struct meta *meta, struct put *put, const struct exchange_reply *reply)
{
    const struct message *message = put->message;
    char address[MESSAGE_ADDRESS_MAX + 1];
    struct record_person person = {0};
    enum store_status status = STORE_DOWN;
    size_t length;
    char *json = meta_reply_write(meta->settings.flow, reply->conversation, message, reply->text,
                                  reply->length, &length);

    if (json != NULL && person_read_user_id(meta->settings.hashes, message, &person) == 0) {
        put->entry = (struct replies_entry){
            .ticket.done = resume_from_put,
            .address = address,
            .address_length = person_address(message, &person, address),
            .body = json,
            .body_length = length,
            .created_ms = clock_wall_ms(),
            .key = keyed_hashes_message_id(meta->settings.hashes, message->id, message->id_length),
        };
        status = replies_put(meta->settings.replies, &put->entry);
    }
    if (json != NULL)
        OPENSSL_cleanse(json, length);
    free(json);
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
    put->meta = (struct meta *)channel;
    put->delivery = delivery;
    put->message = message;
    queue_reply(put->meta, put, reply);
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
    meta->teller.counters = settings->counters;
    mover_init(&meta->mover, settings->records, settings->hashes, settings->numbers);
    if (hmac_secrets_init(&meta->secrets, settings->config->meta_app_secret, "SHA256") == 0)
        return &meta->channel;
    meta_free(&meta->channel);
    return NULL;
}
