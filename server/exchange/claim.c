/* How complete answers become a code: what is claimed, and what it means that the records, or the
 * outbox in their place, have it or do not. */
#include "server/exchange/exchange_parts.h"
#include "server/exchange/person.h"

#include "server/security/keyed_hashes.h"
#include "server/telemetry/metrics.h"
#include "uic/hasher.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How many digits a code grows at most. */
#define LONGER_MAX 8

int exchange_claim_prepare(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;
    struct uic_hasher *hasher = keyed_hashes_answers(settings->hashes);
    struct record_claim *claim = &exchange->claim;
    struct uic_text answers[FLOW_STEPS_MAX];

    conversation_answers(&exchange->conversation, answers);
    if (person_read_number(settings->hashes, exchange->message, &claim->person) != 0)
        return -1;
    if (uic_hasher_input_hash(hasher, answers, flow_step_count(settings->flow),
                              claim->input_hash) != UIC_OK ||
        uic_hasher_code(hasher, flow_format(settings->flow), answers, settings->salt,
                        strlen(settings->salt), exchange->longer, claim->code) != UIC_OK ||
        phone_number_keep(settings->numbers, exchange->number, claim->phone_number) != 0)
        return -1;
    snprintf(claim->event_id, sizeof claim->event_id, "%016" PRIx64,
             conversation_event(&exchange->conversation));
    claim->now_us = exchange->now_us;
    return 0;
}

/* Another message of the person may finish this one's conversation, and be handled, before this one
 * is answered; the session says no more then what there is to tell. */
static void own_note(struct exchange *exchange, bool existing, const char *result)
{
    exchange->own.existing = existing;
    exchange->own.result = result;
    exchange->own.outcome = exchange->outcome;
    memcpy(exchange->own.code, exchange->claim.code, sizeof exchange->own.code);
}

/* The code is safe: it becomes the reply. */
static void exchange_tell(struct exchange *exchange, bool existing, const char *result)
{
    if (conversation_event(&exchange->conversation) == exchange->said.id)
        own_note(exchange, existing, result);
    flow_finish(&exchange->conversation, exchange->for_another ? NULL : &exchange->said,
                exchange->claim.code, existing);
    exchange->result = result;
    exchange->state = EXCHANGE_SAVE;
}

bool exchange_claim_finish(struct exchange *exchange)
{
    const struct record_claim *claim = &exchange->claim;

    switch (claim->ticket.status) {
    case STORE_OK:
        exchange_tell(exchange, claim->asked_before, claim->is_new ? "code_new" : "code_existing");
        return true;
    case STORE_CONFLICT:
        metrics_add(METRIC_CODES_LENGTHENED, 1);
        exchange->state = EXCHANGE_CLAIM;
        if (++exchange->longer <= LONGER_MAX)
            return true;
        exchange_answer_unavailable(exchange, "code_taken");
        return false;
    default:
        exchange->state = EXCHANGE_OUTBOX;
        if (exchange->service->settings.outbox != NULL)
            return true;
        exchange_answer_unavailable(exchange, "records_unavailable");
        return false;
    }
}

/* Nobody knows yet whether the person was registered before, so it is told like a new code. */
bool exchange_outbox_finish(struct exchange *exchange)
{
    if (exchange->entry.ticket.status != STORE_OK) {
        exchange_answer_unavailable(exchange, "outbox_unavailable");
        return false;
    }
    metrics_add(METRIC_OUTBOX_PUT, 1);
    exchange_tell(exchange, false, "code_by_outbox");
    return true;
}
