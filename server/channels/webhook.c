/*
 * Drives a webhook request through its channel: refuse or receive, one exchange for each message,
 * and the response when the last is answered.
 */
#include "server/channels/channel.h"

#include "server/telemetry/log.h"
#include <stdlib.h>
#include <string.h>

/* Whose turn it is when a request brings several messages: those of one person form a chain, whose
 * head is ready. Indices into the delivery's messages. */
struct delivery_turns {
    size_t *next;  /* the same person's next message; `count` when there is none */
    size_t *ready; /* messages that may begin, in order */
    size_t first;  /* of those in ready that have not begun */
    size_t last;   /* one behind the last */
    size_t numbers[];
};

static void delivery_free(struct delivery *delivery)
{
    if (delivery->messages != &delivery->only)
        free(delivery->messages);
    free(delivery->turns);
    explicit_bzero(delivery->text, delivery->text_length);
    free(delivery);
}

static void delivery_end(struct delivery *delivery)
{
    if (delivery->request != NULL && delivery->failed)
        http_respond_error(delivery->request, 503,
                           "not every message was handled, send them again");
    else if (delivery->request != NULL)
        http_respond(
            delivery->request,
            &(struct http_response){.status = 200, .content_type = "text/plain", .body = ""});
    delivery_free(delivery);
}

static int compare_addresses(const void *left, const void *right, void *arg)
{
    const struct message *messages = arg;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = strcmp(messages[a].address, messages[b].address);

    return order != 0 ? order : (a > b) - (a < b);
}

/* Chains the messages of each person. Returns 0 or -1. */
static int turns_create(struct delivery *delivery)
{
    const size_t count = delivery->count;
    struct delivery_turns *turns = malloc(sizeof *turns + 3 * count * sizeof(size_t));

    delivery->turns = turns;
    if (turns == NULL)
        return -1;
    turns->next = turns->numbers;
    turns->ready = turns->numbers + count;
    turns->first = turns->last = 0;
    size_t *sorted = turns->numbers + 2 * count;
    for (size_t i = 0; i < count; i++)
        sorted[i] = i;
    qsort_r(sorted, count, sizeof *sorted, compare_addresses, delivery->messages);
    for (size_t i = 0; i < count; i++) {
        bool again = i + 1 < count && strcmp(delivery->messages[sorted[i]].address,
                                             delivery->messages[sorted[i + 1]].address) == 0;
        turns->next[sorted[i]] = again ? sorted[i + 1] : count;
    }
    /* Whatever is nobody's next is a head; those that are get a flag in the sorted array. */
    memset(sorted, 0, count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        if (turns->next[i] < count)
            sorted[turns->next[i]] = 1;
    for (size_t i = 0; i < count; i++)
        if (sorted[i] == 0)
            turns->ready[turns->last++] = i;
    return 0;
}

static void on_reply(void *arg, const struct message *message, const struct exchange_reply *reply)
{
    struct delivery *delivery = arg;

    delivery->channel->class->answer(delivery->channel, delivery, message, reply);
}

static void message_begin(struct delivery *delivery, size_t i)
{
    delivery->running++;
    if (exchange_begin(delivery->channel->exchanges, &delivery->messages[i], on_reply, delivery) ==
        0)
        return;
    delivery->running--;
    delivery->failed = true;
}

/* Begins what may begin, and ends the delivery when nothing is left. */
static void delivery_drive(struct delivery *delivery)
{
    struct delivery_turns *turns = delivery->turns;

    delivery->driving = true;
    while (!delivery->failed && turns->first < turns->last && delivery->running < WEBHOOK_PARALLEL)
        message_begin(delivery, turns->ready[turns->first++]);
    delivery->driving = false;
    if (delivery->running == 0)
        delivery_end(delivery);
}

void delivery_done(struct delivery *delivery, const struct message *message, bool handled)
{
    struct delivery_turns *turns = delivery->turns;
    const size_t next = turns->next[message - delivery->messages];

    delivery->running--;
    if (!handled)
        delivery->failed = true;
    if (next < delivery->count)
        turns->ready[turns->last++] = next;
    if (!delivery->driving)
        delivery_drive(delivery);
}

void delivery_hold(struct delivery *delivery)
{
    delivery->running++;
}

void delivery_release(struct delivery *delivery, bool handled)
{
    delivery->running--;
    if (!handled)
        delivery->failed = true;
    if (!delivery->driving)
        delivery_drive(delivery);
}

/* One way to say no at the door: counted, logged, and nothing told of what was sent. */
static void refuse(struct http_request *request, const struct refusal *refusal)
{
    if (refusal->metric != METRIC_COUNT)
        metrics_add(refusal->metric, 1);
    if (refusal->event != NULL) {
        char client[CLIENT_ADDRESS_TEXT_MAX];
        const char *who = http_client_print(request, client);
        log_write(LOG_WARNING, refusal->event, log_number("status", refusal->status),
                  log_text("reason", refusal->reason), log_text(who, client));
    }
    http_respond_error(request, refusal->status, refusal->reason);
}

void webhook_handle(struct channel *channel, struct http_request *request)
{
    struct refusal refusal = {503, "out of memory", METRIC_COUNT, NULL};
    const size_t room = DELIVERY_TEXT_MAX(request->body_length);
    struct delivery *delivery = malloc(sizeof *delivery + room);

    if (delivery == NULL) {
        refuse(request, &refusal);
        return;
    }
    memset(delivery, 0, sizeof *delivery);
    delivery->channel = channel;
    delivery->request = request;
    delivery->messages = &delivery->only;
    delivery->text_length = room;
    delivery->driving = true;
    if (channel->class->receive(channel, delivery, &refusal) != 0) {
        refuse(request, &refusal);
        delivery_free(delivery);
        return;
    }
    if (delivery->request != NULL)
        http_forget_input(delivery->request);
    if (turns_create(delivery) != 0)
        delivery->failed = true; /* nothing begins; it may be held */
    delivery_drive(delivery);
}
