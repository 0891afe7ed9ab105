/*
 * A channel: a way by which messages come in and replies go out. A request goes through it in this
 * order: receive, one exchange for each message, answer. A channel knows nothing of conversations.
 *
 * All calls on the worker's thread.
 */
#ifndef SERVER_CHANNELS_CHANNEL_H
#define SERVER_CHANNELS_CHANNEL_H

#include "server/exchange/exchange.h"
#include "server/exchange/message.h"
#include "server/http/http.h"
#include "server/telemetry/metrics.h"

struct channel;

/* One webhook request while its messages are handled. */
struct delivery {
    struct channel *channel;
    struct http_request *request; /* NULL once it was replied to */
    struct message *messages;     /* &only, or an array from malloc that the delivery frees */
    size_t count;                 /* of messages; none is fine */
    struct message only;
    struct delivery_turns *turns; /* webhook.c's own */
    size_t running;
    bool driving;
    bool failed;
    size_t text_length; /* all of text, or as much as the channel knows to have used */
    char text[];        /* for what the messages point at: DELIVERY_TEXT_MAX, wiped at the end */
};

/* A form as it was decoded, and a text in it of which each byte became a U+FFFD. */
#define DELIVERY_TEXT_MAX(body_length) (4 * (body_length))

/* Lines for requests that are not taken: not from whom they should be, which may ban who sent them;
 * or from whom they should be, which must not. */
#define REFUSAL_NOT_OURS "request_not_ours"
#define REFUSAL_OURS "webhook_refused"

/* Meta's webhook looks for it too: Twilio, set up with Meta's address, must not be banned. */
#define TWILIO_SIGNATURE_HEADER "X-Twilio-Signature"

/* Why a request is not taken. */
struct refusal {
    int status;
    const char *reason; /* static; plain ASCII without quotes */
    enum metric metric; /* METRIC_COUNT: none */
    const char *event;  /* a line in the log, static; NULL: none */
};

struct channel_class {
    const char *name;
    /* Verifies that the request comes from whom it should, and only then finds its messages, which
     * may point into the delivery's text; the request's headers and body are gone then. Returns 0,
     * or -1 with refusal. */
    int (*receive)(struct channel *channel, struct delivery *delivery, struct refusal *refusal);
    /* The reply to one message is ready: sends it or makes sure that it will be sent, and calls
     * delivery_done, at once or later. reply is valid during the call. A channel that answers in
     * the response to the request sends that itself and sets request to NULL. */
    void (*answer)(struct channel *channel, struct delivery *delivery,
                   const struct message *message, const struct exchange_reply *reply);
    void (*free)(struct channel *channel);
};

/* A worker's channel begins with this struct. */
struct channel {
    const struct channel_class *class;
    struct exchange_service *exchanges; /* borrowed */
};

/* Takes one request through the channel to its response: 200, or 503 when not every message was
 * handled, so that whoever sent it sends it again. Messages of one person are handled in order, at
 * most WEBHOOK_PARALLEL persons at once. */
#define WEBHOOK_PARALLEL 64
void webhook_handle(struct channel *channel, struct http_request *request);

/* A message's reply is sent, or safely on its way; or (handled is false) the message must come
 * again. Once for each answer. */
void delivery_done(struct delivery *delivery, const struct message *message, bool handled);

/* While a channel receives a request: it is not answered before each hold was let go, later;
 * handled as of delivery_done. */
void delivery_hold(struct delivery *delivery);
void delivery_release(struct delivery *delivery, bool handled);

static inline void channel_free(struct channel *channel)
{
    if (channel != NULL)
        channel->class->free(channel);
}

#endif
