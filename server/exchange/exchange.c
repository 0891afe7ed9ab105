/* Begins and ends exchanges, lets in who may write, watches deadlines. */
#include "server/exchange/exchange.h"

#include "server/exchange/exchange_parts.h"
#include "server/exchange/person.h"
#include "server/exchange/quota.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <event2/event.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* How often deadlines are looked at. */
#define SWEEP_MS 250
_Static_assert(MESSAGE_ADDRESS_MAX < PHONE_NUMBER_MAX, "a record holds every address");

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct exchange_service *service = arg;
    int64_t due = clock_monotonic_us() - 1000 * (int64_t)service->settings.deadline_ms;
    struct exchange *next;

    (void)fd;
    (void)what;
    for (struct exchange *exchange = TAILQ_FIRST(&service->exchanges); exchange != NULL;
         exchange = next) {
        next = TAILQ_NEXT(exchange, link);
        if (exchange->started_us <= due)
            exchange_answer_late(exchange, "deadline_passed");
        if (exchange->waiting) {
            exchange->waiting = false;
            exchange_drive(exchange);
        }
    }
}

struct exchange_service *exchange_service_create(const struct exchange_settings *settings)
{
    const struct timeval interval = clock_timeval(SWEEP_MS);
    struct exchange_service *service = calloc(1, sizeof *service);

    if (service == NULL)
        return NULL;
    service->settings = *settings;
    TAILQ_INIT(&service->exchanges);
    service->sweep = event_new(settings->base, -1, EV_PERSIST, on_sweep, service);
    if (service->sweep == NULL || event_add(service->sweep, &interval) != 0) {
        exchange_service_free(service);
        return NULL;
    }
    return service;
}

void exchange_service_stop(struct exchange_service *service)
{
    struct exchange *exchange;

    TAILQ_FOREACH(exchange, &service->exchanges, link)
    {
        exchange_answer_unavailable(exchange, "stopping");
    }
}

void exchange_service_free(struct exchange_service *service)
{
    if (service == NULL)
        return;
    exchange_pool_free(service);
    if (service->sweep != NULL)
        event_free(service->sweep);
    free(service);
}

unsigned exchange_in_flight(const struct exchange_service *service)
{
    return service->in_flight;
}

/* Bytes of a normalised text that are compared; a longer one is no answer, and counts as it is. */
#define WORDS_MAX 1024

/* What a text says: whoever types it again changes a capital, an accent, a space. */
static uint64_t text_id(struct keyed_hashes *hashes, const struct message *message)
{
    char words[WORDS_MAX];
    size_t length;

    const bool normal = uic_normalize(UIC_EXTENDED, message->text, message->text_length, words,
                                      sizeof words, &length) == UIC_OK &&
                        length > 0;
    const uint64_t id = keyed_hashes_message_text(hashes, normal ? words : message->text,
                                                  normal ? length : message->text_length) &
                        FLOW_ID_MAX;
    explicit_bzero(words, sizeof words);
    return id;
}

/* Who it is, and what the conversation knows messages by. A message without an id
 * cannot be recognised when it comes again; a random one keeps its own claim idempotent. */
static int exchange_identify(struct exchange *exchange, const struct message *message)
{
    struct keyed_hashes *hashes = exchange->service->settings.hashes;
    struct flow_message *said = &exchange->said;
    uint64_t id;

    if (message->id_length > 0)
        id = keyed_hashes_message_id(hashes, message->id, message->id_length);
    else if (RAND_bytes((unsigned char *)&id, sizeof id) != 1)
        return -1;
    said->id = id & FLOW_ID_MAX;
    if (message->quoted_id_length > 0)
        said->quoted_id =
            keyed_hashes_message_id(hashes, message->quoted_id, message->quoted_id_length) &
            FLOW_ID_MAX;
    if (message->kind == FLOW_MESSAGE_TEXT)
        said->text_id = text_id(hashes, message);
    if (person_read_user_id(hashes, message, &exchange->claim.person) != 0)
        return -1;
    exchange->address_length = person_address(message, &exchange->claim.person, exchange->address);
    session_init(exchange->service->settings.sessions, &exchange->session, exchange->address,
                 exchange->address_length);
    memcpy(&exchange->who, exchange->session.who, sizeof exchange->who);
    keyed_hashes_tag(hashes, exchange->session.who, exchange->now_us / 1000000, exchange->tag);
    return said->id != 0 ? 0 : -1;
}

/* Whether the person may go on writing; if not, this is said once, and then nothing. */
static bool exchange_is_allowed(struct exchange *exchange)
{
    struct exchange_service *service = exchange->service;
    struct exchange_reply reply = {.text = service->reply, .handled = true};
    bool first;
    enum quota_verdict verdict = quota_message(service->settings.quota, exchange->who,
                                               exchange->started_us / 1000000, &first);

    if (verdict == QUOTA_LEFT)
        return true;
    exchange->result = verdict == QUOTA_CODES_SPENT ? "too_many_codes" : "too_many_messages";
    metrics_add(verdict == QUOTA_CODES_SPENT ? METRIC_LIMIT_CODES : METRIC_LIMIT_MESSAGES, 1);
    if (first)
        reply.length = flow_too_many(service->settings.flow, service->reply);
    exchange_answer_with(exchange, &reply);
    return false;
}

/* Whether it is to be known which reply of ours is the newest: only words can answer an older one,
 * for a button names its question. */
static bool exchange_quotes_ours(const struct exchange *exchange)
{
    return exchange->message->quotes_ours && exchange->message->kind == FLOW_MESSAGE_TEXT &&
           exchange->service->settings.replies != NULL;
}

int exchange_begin(struct exchange_service *service, const struct message *message,
                   exchange_answer *answer, void *arg)
{
    struct exchange *exchange;

    if (service->in_flight >= service->settings.in_flight_max ||
        (exchange = exchange_take(service)) == NULL) {
        metrics_add(METRIC_MESSAGES_REFUSED, 1);
        return -1;
    }
    conversation_start(&exchange->conversation, NULL, 0);
    exchange->service = service;
    exchange->answer = answer;
    exchange->arg = arg;
    exchange->message = message;
    exchange->started_us = clock_monotonic_us();
    exchange->now_us = clock_wall_us();
    exchange->said = (struct flow_message){
        .kind = message->kind,
        .text = message->text,
        .length = message->text_length,
        .quotes_older = message->quotes_own,
        .sent_s = message->sent_s,
    };
    if (exchange_identify(exchange, message) != 0) {
        metrics_add(METRIC_MESSAGES_REFUSED, 1);
        exchange_give_back(service, exchange);
        return -1;
    }
    strcpy(exchange->number, message->phone_number[0] != '\0'
                                 ? message->phone_number
                                 : message->address + message->scheme_length);
    exchange_prepare(exchange);
    exchange->state = exchange_quotes_ours(exchange) ? EXCHANGE_QUOTE : EXCHANGE_LOAD;
    exchange_enter(service, exchange);
    if (exchange_is_allowed(exchange))
        exchange_drive(exchange);
    else
        exchange_end(exchange);
    return 0;
}
