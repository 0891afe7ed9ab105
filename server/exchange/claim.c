/* How complete answers become a code: what is claimed, and what it means that the records, or the
 * outbox in their place, have it or do not. */
#include "server/exchange/exchange_parts.h"
#include "server/exchange/person.h"
#include "server/exchange/quota.h"

#include "server/security/keyed_hashes.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/hex.h"
#include "uic/hasher.h"
#include <endian.h>
#include <stdio.h>
#include <string.h>

/* How many digits a code grows at most. */
#define LONGER_MAX 8

_Static_assert(FLOW_NEAR_SIZE == RECORD_NEAR_SIZE && FLOW_RECORD_SIZE == RECORD_HASH_SIZE,
               "a record keeps what the flow knows of it");

/* Hash and code of the answers, and what is near them. */
static int claim_answers(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;
    struct uic_hasher *hasher = keyed_hashes_answers(settings->hashes);
    struct record_claim *claim = &exchange->claim;
    struct uic_text answers[FLOW_STEPS_MAX], read[FLOW_STEPS_MAX];
    char room[FLOW_NORMALIZED_MAX];
    int result = -1;

    if (conversation_answers(settings->flow, &exchange->conversation, room, answers) == 0 &&
        uic_hasher_input_hash(hasher, answers, flow_step_count(settings->flow),
                              claim->input_hash) == UIC_OK &&
        uic_hasher_code(hasher, flow_format(settings->flow), answers, settings->salt,
                        strlen(settings->salt), exchange->longer, claim->code) == UIC_OK)
        result = 0;
    conversation_read(&exchange->conversation, read);
    claim->has_near = result == 0 && flow_has_near(settings->flow) &&
                      flow_near(settings->flow, answers, read, keyed_hashes_near(settings->hashes),
                                claim->near) == 0;
    explicit_bzero(room, sizeof room);
    return result;
}

/* What the person said about a near record, or that it is to be looked for one. */
static void claim_near(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;
    const struct conversation *conversation = &exchange->conversation;
    struct record_claim *claim = &exchange->claim;
    const enum flow_near_said near = exchange->near_gone ? FLOW_NEAR_NONE : conversation->near;

    claim->said = RECORD_SAID_NOTHING;
    claim->is_near = false;
    claim->asks_near =
        near == FLOW_NEAR_NONE && !exchange->near_gone && claim->has_near &&
        flow_asks_near(settings->flow) &&
        quota_question_is_left(settings->quota, exchange->who, clock_monotonic_us() / 1000000);
    if (claim->asks_near)
        flow_near_sought(settings->flow, claim->near, claim->sought);
    if (near == FLOW_NEAR_SAME) {
        claim->said = RECORD_SAID_SAME;
        claim->has_near = false; /* the answers' own say nothing about that record */
        memcpy(claim->said_of, claim->input_hash, sizeof claim->said_of);
        memcpy(claim->input_hash, conversation->near_record, sizeof claim->input_hash);
        snprintf(claim->code, sizeof claim->code, "%s", conversation->code);
    } else if (near == FLOW_NEAR_DIFFERENT) {
        claim->said = RECORD_SAID_DIFFERENT;
        memcpy(claim->said_of, conversation->near_record, sizeof claim->said_of);
    }
}

int exchange_claim_prepare(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;
    struct record_claim *claim = &exchange->claim;

    if (claim_answers(exchange) != 0 ||
        person_read_number(settings->hashes, exchange->message, &claim->person) != 0 ||
        phone_number_keep(settings->numbers, exchange->number, claim->phone_number) != 0)
        return -1;
    claim_near(exchange);
    const uint64_t event = htobe64(conversation_event(&exchange->conversation));
    hex_write((const unsigned char *)&event, sizeof event, claim->event_id);
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

/* Nothing was claimed: the person is asked. */
static void exchange_ask_near(struct exchange *exchange)
{
    const struct record_claim *claim = &exchange->claim;

    flow_ask_near(&exchange->conversation, exchange->for_another ? NULL : &exchange->said,
                  claim->code, claim->near_input_hash);
    exchange->near_asked = true;
    exchange->result = "near_asked";
    exchange->state = EXCHANGE_SAVE;
}

/* Whether the code is told as one that this person has already: who says so of hers was told it,
 * even where it has been forgotten since who asked. */
static bool is_existing(const struct record_claim *claim)
{
    return claim->asked_before || claim->said == RECORD_SAID_SAME;
}

bool exchange_claim_finish(struct exchange *exchange)
{
    const struct record_claim *claim = &exchange->claim;

    if (claim->ticket.status == STORE_ABSENT && !exchange->near_gone) {
        exchange->state = EXCHANGE_CLAIM;
        exchange->near_gone = true;
        return true;
    }
    switch (claim->ticket.status) {
    case STORE_OK:
        if (claim->is_near)
            exchange_ask_near(exchange);
        else
            exchange_tell(exchange, is_existing(claim),
                          claim->is_new ? "code_new" : "code_existing");
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

/* Nobody knows yet whether the person was registered before, so it is told like a new code, unless
 * she says herself that she was. */
bool exchange_outbox_finish(struct exchange *exchange)
{
    if (exchange->entry.ticket.status != STORE_OK) {
        exchange_answer_unavailable(exchange, "outbox_unavailable");
        return false;
    }
    metrics_add(METRIC_OUTBOX_PUT, 1);
    exchange_tell(exchange, exchange->claim.said == RECORD_SAID_SAME, "code_by_outbox");
    return true;
}
