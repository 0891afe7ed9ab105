/* What an exchange ends with: one answer, one line in the log, and the counts. */
#include "server/exchange/exchange_parts.h"

#include "server/exchange/quota.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <string.h>

static void exchange_log(const struct exchange *exchange, int64_t took_us)
{
    log_write(LOG_INFO, "message", log_text("from", exchange->tag),
              log_text("channel", exchange->message->channel), log_text("result", exchange->result),
              log_number("question", exchange->outcome.step + 1), log_number("ms", took_us / 1000));
}

void exchange_answer_with(struct exchange *exchange, const struct exchange_reply *reply)
{
    exchange_answer *answer = exchange->answer;
    const struct message *message = exchange->message;

    if (answer == NULL)
        return;
    int64_t took_us = clock_monotonic_us() - exchange->started_us;
    metrics_observe(METRIC_EXCHANGE, took_us);
    exchange_log(exchange, took_us);
    exchange->answer = NULL;
    exchange->message = NULL;
    answer(exchange->arg, message, reply);
}

void exchange_answer_unavailable(struct exchange *exchange, const char *why)
{
    struct exchange_service *service = exchange->service;
    struct exchange_reply reply = {.text = service->reply};

    if (exchange->answer == NULL)
        return;
    exchange->result = why;
    metrics_add(METRIC_MESSAGES_UNAVAILABLE, 1);
    reply.length =
        flow_unavailable(service->settings.flow, &exchange->conversation, service->reply);
    exchange_answer_with(exchange, &reply);
}

/* This message's code was registered, and then the session was loaded again, which knows the
 * message already: it counts as what it was. Where another message of the person has been handled
 * since, the conversation is told, and not saved, as it was then. */
static void exchange_recall(struct exchange *exchange)
{
    if (exchange->outcome.effect == FLOW_IGNORE)
        flow_finish(&exchange->conversation, NULL, exchange->own.code, exchange->own.existing);
    exchange->outcome = exchange->own.outcome;
    exchange->result = exchange->own.result;
}

/* All answers were in: a code was told, or it was asked whether it is the same person. */
static void exchange_count_claim(const struct exchange *exchange)
{
    if (exchange->conversation.state == CONVERSATION_NEAR) {
        metrics_add(METRIC_NEAR_ASKED, 1);
        return;
    }
    metrics_add(METRIC_CODES, 1);
    quota_code(exchange->service->settings.quota, exchange->who, clock_monotonic_us() / 1000000);
}

bool exchange_answer_reply(struct exchange *exchange)
{
    struct exchange_service *service = exchange->service;
    const enum flow_effect effect = exchange->outcome.effect;
    struct exchange_reply reply = {
        .text = service->reply, .conversation = &exchange->conversation, .handled = true};

    if ((effect == FLOW_IGNORE || effect == FLOW_REPEAT) && exchange->own.code[0] != '\0')
        exchange_recall(exchange);
    if (exchange->outcome.effect != FLOW_IGNORE)
        reply.length = flow_reply(service->settings.flow, &exchange->conversation, service->reply);
    metrics_add(METRIC_MESSAGES, 1);
    if (exchange->outcome.event == FLOW_EVENT_REDELIVERED)
        metrics_add(METRIC_MESSAGES_REDELIVERED, 1);
    else if (exchange->outcome.event == FLOW_EVENT_LATE)
        metrics_add(METRIC_MESSAGES_LATE, 1);
    if (exchange->outcome.fruitless)
        metrics_add(METRIC_LIMIT_FRUITLESS, 1);
    if (exchange->outcome.effect == FLOW_CLAIM)
        exchange_count_claim(exchange);
    exchange_answer_with(exchange, &reply);
    explicit_bzero(service->reply, reply.length);
    return reply.length > 0 && flow_near_shown(&exchange->conversation, clock_wall_s());
}

/* What the store said last is the best there is: where it knew this message, "try again" would have
 * the same words count for the next question. */
void exchange_answer_late(struct exchange *exchange, const char *why)
{
    if ((exchange->again || exchange->kept) && exchange->outcome.effect != FLOW_CLAIM)
        exchange_answer_reply(exchange);
    else
        exchange_answer_unavailable(exchange, why);
}
