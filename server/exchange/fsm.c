/*
 * One exchange is one struct and one switch; every wait comes back into it by resume.
 *
 *     QUOTE (a reply by a swipe, to one of ours)
 *      v
 *     LOAD --> step -----------------------------------------> SAVE ----> answer
 *      ^ ^      | \     all answers are in                     ^ |          ^
 *      | |      |  +---------------------> RESERVE --> CLAIM --+ |          |
 *      | |      |                             |         ^ +> OUTBOX (records away)
 *      | |      +- complete already ----------|---------+ |      |          |
 *      | |      +- known already: nothing to save -------------------------+
 *      | +--- conflict: another message of the person was faster -+          |
 *      | +--- no word: the session tells whether it was saved ----+          |
 *      +----- finished for another message: now this one's turn --+          |
 *                                                                            |
 *     a store is away, full, refuses, or the deadline passed: "try again" ---+
 *
 * What is near a record that the person asked for is asked about instead: CLAIM has written
 * nothing, SAVE saves the question, and her answer completes the conversation once more. Behind the
 * reply SHOW saves that she has it.
 *
 * RESERVE saves the complete answers before their code is claimed, so that of two messages at once
 * only one completes a conversation, and whoever comes next can finish what a dead process began.
 * Where a failover of Redis may lose what was loaded (session_may_be_lost), what is known already
 * is saved once more before it is told, and complete answers before their code is claimed.
 *
 * Invariants: the answer is given exactly once, in exchange_answer_with; a code is told only after
 * its claim was committed, in the records or on its way there in the outbox, and the session saved,
 * by this message or by one that finished it for this one; a claim belongs to the message that
 * completed the conversation, whoever makes it, so it counts once; when the deadline passes the
 * exchange ends silently as soon as its store comes back.
 */
#include "server/exchange/exchange_parts.h"

#include "server/exchange/quota.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often one message is tried when other messages of the same person are faster. */
#define ROUNDS_MAX 16
/* How long a message waits for sessions that are away: a connection that was cut is soon back. */
#define SESSIONS_WAIT_US 1000000

static void resume_from_session(struct store_ticket *ticket)
{
    exchange_drive(container_of(ticket, struct exchange, session.ticket));
}

static void resume_from_newest(struct store_ticket *ticket)
{
    exchange_drive(container_of(ticket, struct exchange, newest.ticket));
}

static void resume_from_claim(struct store_ticket *ticket)
{
    exchange_drive(container_of(ticket, struct exchange, claim.ticket));
}

static void resume_from_outbox(struct store_ticket *ticket)
{
    exchange_drive(container_of(ticket, struct exchange, entry.ticket));
}

void exchange_prepare(struct exchange *exchange)
{
    exchange->session.ticket.done = resume_from_session;
    exchange->newest.ticket.done = resume_from_newest;
    exchange->newest.address = exchange->address;
    exchange->newest.address_length = exchange->address_length;
    exchange->claim.ticket.done = resume_from_claim;
    exchange->entry.ticket.done = resume_from_outbox;
}

/* What a state leaves the exchange to do. */
enum fsm_next { FSM_ON, FSM_WAITS, FSM_OVER };

/* An operation that finishes at once leaves its status in the ticket like one that finishes
 * later. */
static enum fsm_next ticket_wait(struct store_ticket *ticket, enum store_status status)
{
    if (status == STORE_LATER)
        return FSM_WAITS;
    ticket->status = status;
    return FSM_ON;
}

/* Where the conversation stands before this message. When the last save had no answer and this is
 * the message that the session knows last, then that save was done, and is counted now. */
static void exchange_begin_counting(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;
    const struct conversation *conversation = &exchange->conversation;

    if (exchange->lost && conversation_event(conversation) == exchange->said.id)
        counting_add(settings->counting, settings->counters, &exchange->counted, conversation,
                     &exchange->outcome);
    else
        counting_begin(&exchange->counted, settings->counting, conversation);
    exchange->lost = false;
}

/* The questions changed under a conversation: by a new flow file, or because two instances do not
 * have the same. */
static void log_change(const struct exchange *exchange, uint64_t before)
{
    char old[17], new[17];

    snprintf(old, sizeof old, "%016" PRIx64, before);
    snprintf(new, sizeof new, "%016" PRIx64, exchange->conversation.fingerprint);
    log_write(LOG_WARNING, "flow_changed", log_text("from", exchange->tag),
              log_text("old_fingerprint", old), log_text("new_fingerprint", new));
}

/* What the message does to the conversation. Returns the next state; `effect` says what is to be
 * saved. */
static enum exchange_state exchange_step(struct exchange *exchange)
{
    const struct flow *flow = exchange->service->settings.flow;
    const int64_t now_s = exchange->now_us / 1000000;
    struct session *session = &exchange->session;
    struct conversation *conversation = &exchange->conversation;

    conversation_wipe(conversation); /* of an earlier load */
    if (session->ticket.status == STORE_ABSENT ||
        conversation_decode(conversation, session->bytes, session->length) != 0)
        conversation_start(conversation, session->mark, session->mark_length);
    session_wipe(session);
    exchange_begin_counting(exchange);
    enum flow_pending pending = flow_pending(flow, conversation, &exchange->said, now_s);
    exchange->for_another = pending == FLOW_PENDING_OTHER;
    exchange->said.is_crossed |= exchange->for_another;
    exchange->longer = 0;
    exchange->near_gone = exchange->near_asked = false;
    exchange->again = exchange->kept = false;
    if (pending != FLOW_PENDING_NONE) {
        exchange->outcome = (struct flow_outcome){.effect = FLOW_CLAIM,
                                                  .event = FLOW_EVENT_ACCEPTED,
                                                  .step = (uint8_t)(conversation->step - 1)};
        exchange->again = session_may_be_lost(session);
        return exchange->again ? EXCHANGE_RESERVE : EXCHANGE_CLAIM;
    }
    uint64_t fingerprint = conversation->fingerprint;
    exchange->outcome = flow_step(flow, conversation, &exchange->said, now_s);
    if (exchange->outcome.event == FLOW_EVENT_CHANGED)
        log_change(exchange, fingerprint);
    exchange->result = flow_event_name(exchange->outcome.event);
    return exchange->outcome.effect == FLOW_CLAIM ? EXCHANGE_RESERVE : EXCHANGE_SAVE;
}

static enum store_status exchange_save(struct exchange *exchange)
{
    struct session *session = &exchange->session;

    if (!exchange->again)
        exchange->conversation.saved_min = (uint32_t)(exchange->now_us / 60000000);
    session->length = conversation_encode(&exchange->conversation, session->bytes);
    session->mark_length = conversation_mark(&exchange->conversation, session->mark);
    const enum store_status status = session_save(exchange->service->settings.sessions, session);
    session_wipe(session);
    return status;
}

/* A question that was told as "try again", or not at all, was not read: that it was told is saved
 * behind it, and whether that works does not matter, for then it is asked again. */
static enum fsm_next answer_reply(struct exchange *exchange)
{
    if (!exchange_answer_reply(exchange))
        return FSM_OVER;
    exchange->state = EXCHANGE_SHOW;
    return exchange_save(exchange) == STORE_LATER ? FSM_WAITS : FSM_OVER;
}

/* A save that was done is counted, whether or not its answer still finds somebody. */
static void save_count(struct exchange *exchange)
{
    const struct exchange_settings *settings = &exchange->service->settings;

    const enum store_status status = exchange->session.ticket.status;

    if (status != STORE_OK && status != STORE_UNREPLICATED)
        return;
    if (exchange->near_asked)
        quota_question(settings->quota, exchange->who, clock_monotonic_us() / 1000000);
    exchange->near_asked = false;
    if (!exchange->again)
        counting_add(settings->counting, settings->counters, &exchange->counted,
                     &exchange->conversation, &exchange->outcome);
}

/* After a load or a save that did not work. Whoever is told "try again" after a save that was done
 * would have the answer count for the next question: so where that may be the session is loaded
 * again, which knows this message or does not. */
static enum fsm_next load_again(struct exchange *exchange, bool patient, const char *why)
{
    if (!exchange->unsure && !patient) {
        exchange_answer_unavailable(exchange, why);
        return FSM_OVER;
    }
    exchange->state = EXCHANGE_LOAD;
    exchange->waiting = true;
    return FSM_WAITS;
}

/* What a finished save means: of the complete answers, or of what is to be answered. */
static enum fsm_next save_finish(struct exchange *exchange)
{
    const enum store_status status = exchange->session.ticket.status;

    save_count(exchange);
    switch (status) {
    case STORE_OK:
        if (exchange->state == EXCHANGE_RESERVE) {
            exchange->again = false;
            exchange->state = EXCHANGE_CLAIM;
            return FSM_ON;
        }
        if (!exchange->for_another) {
            return answer_reply(exchange);
        }
        break;
    case STORE_CONFLICT:
        metrics_add(METRIC_SESSION_CONFLICTS, 1);
        break;
    case STORE_REFUSED: /* surely not done, so the same message may come again */
        metrics_add(METRIC_SESSIONS_REFUSED, 1);
        return load_again(exchange, false, "sessions_refused");
    default:
        if (status == STORE_UNREPLICATED)
            metrics_add(METRIC_SESSIONS_UNREPLICATED, 1);
        exchange->unsure |= exchange->asked;
        exchange->kept = status == STORE_UNREPLICATED;
        exchange->lost = exchange->asked && !exchange->again && !exchange->kept;
        return load_again(exchange, false, "sessions_unavailable");
    }
    exchange->rounds++;
    exchange->state = EXCHANGE_LOAD;
    return FSM_ON;
}

/* What a load means that did not work. */
static enum fsm_next load_failed(struct exchange *exchange)
{
    const bool refused = exchange->session.ticket.status == STORE_REFUSED;

    if (refused)
        metrics_add(METRIC_SESSIONS_REFUSED, 1);
    return load_again(exchange,
                      !refused && clock_monotonic_us() - exchange->started_us < SESSIONS_WAIT_US,
                      refused ? "sessions_refused" : "sessions_unavailable");
}

static enum fsm_next ask_newest(struct exchange *exchange)
{
    struct replies_link *replies = exchange->service->settings.replies;

    return ticket_wait(&exchange->newest.ticket, replies_newest(replies, &exchange->newest));
}

/* Where the newest is not known, each may be it. */
static enum fsm_next newest_finish(struct exchange *exchange)
{
    exchange->said.quotes_older = exchange->newest.ticket.status == STORE_OK &&
                                  exchange->newest.id != exchange->said.quoted_id;
    exchange->state = EXCHANGE_LOAD;
    return FSM_ON;
}

static enum fsm_next ask_session(struct exchange *exchange)
{
    struct session *session = &exchange->session;

    return ticket_wait(&session->ticket,
                       session_load(exchange->service->settings.sessions, session));
}

static enum fsm_next load_finish(struct exchange *exchange)
{
    const enum store_status status = exchange->session.ticket.status;

    if (status != STORE_OK && status != STORE_ABSENT)
        return load_failed(exchange);
    exchange->state = exchange_step(exchange);
    if (exchange->outcome.effect != FLOW_REPEAT && exchange->outcome.effect != FLOW_IGNORE)
        return FSM_ON;
    if (session_may_be_lost(&exchange->session)) {
        exchange->again = true;
        exchange->unsure = true; /* this message was saved, and "try again" would be wrong */
        return FSM_ON;
    }
    return answer_reply(exchange);
}

static enum fsm_next ask_records(struct exchange *exchange)
{
    struct record_claim *claim = &exchange->claim;

    if (exchange_claim_prepare(exchange) != 0) {
        exchange_answer_unavailable(exchange, "code_not_computed");
        return FSM_OVER;
    }
    return ticket_wait(&claim->ticket, record_claim(exchange->service->settings.records, claim));
}

static enum fsm_next ask_outbox(struct exchange *exchange)
{
    struct outbox_entry *entry = &exchange->entry;

    entry->claim = &exchange->claim;
    return ticket_wait(&entry->ticket, outbox_put(exchange->service->settings.outbox, entry));
}

static enum fsm_next ask_save(struct exchange *exchange)
{
    if (exchange->rounds >= ROUNDS_MAX) {
        exchange_answer_late(exchange, "too_many_conflicts");
        return FSM_OVER;
    }
    enum fsm_next next = ticket_wait(&exchange->session.ticket, exchange_save(exchange));
    exchange->asked = next == FSM_WAITS;
    return next;
}

static enum fsm_next claim_finish(struct exchange *exchange)
{
    return exchange_claim_finish(exchange) ? FSM_ON : FSM_OVER;
}

static enum fsm_next outbox_finish(struct exchange *exchange)
{
    return exchange_outbox_finish(exchange) ? FSM_ON : FSM_OVER;
}

/* Asks the state's store, or goes on with what it said. */
static enum fsm_next fsm_step(struct exchange *exchange)
{
    static const struct {
        enum fsm_next (*ask)(struct exchange *exchange);
        enum fsm_next (*finish)(struct exchange *exchange);
        enum metric_histogram takes; /* METRIC_HISTOGRAM_COUNT: its time is not measured */
    } states[] = {
        [EXCHANGE_QUOTE] = {ask_newest, newest_finish, METRIC_HISTOGRAM_COUNT},
        [EXCHANGE_LOAD] = {ask_session, load_finish, METRIC_SESSION_LOAD},
        [EXCHANGE_RESERVE] = {ask_save, save_finish, METRIC_SESSION_SAVE},
        [EXCHANGE_CLAIM] = {ask_records, claim_finish, METRIC_CLAIM},
        [EXCHANGE_OUTBOX] = {ask_outbox, outbox_finish, METRIC_OUTBOX_WAIT},
        [EXCHANGE_SAVE] = {ask_save, save_finish, METRIC_SESSION_SAVE},
    };
    const int64_t now_us = clock_monotonic_us();
    const enum exchange_state state = exchange->state;

    exchange->under_way = !exchange->under_way;
    if (exchange->under_way) {
        exchange->asked_us = now_us;
        return states[state].ask(exchange);
    }
    if (states[state].takes != METRIC_HISTOGRAM_COUNT)
        metrics_observe(states[state].takes, now_us - exchange->asked_us);
    return states[state].finish(exchange);
}

/* Whether the stores are of another salt: what is not answered yet is "try again", and no code of
 * ours goes anywhere. */
static bool is_foreign(const struct exchange *exchange)
{
    const atomic_bool *foreign = exchange->service->settings.foreign;

    return foreign != NULL && atomic_load_explicit(foreign, memory_order_relaxed);
}

void exchange_drive(struct exchange *exchange)
{
    enum fsm_next next = FSM_ON;

    if (is_foreign(exchange))
        exchange_answer_unavailable(exchange, "another_salt");
    while (next == FSM_ON && exchange->answer != NULL)
        next = fsm_step(exchange);
    if (next == FSM_WAITS)
        return;
    session_wipe(&exchange->session); /* loaded for nobody */
    /* Answered by its deadline while it waited for a save. */
    if (next == FSM_ON && exchange->under_way &&
        (exchange->state == EXCHANGE_RESERVE || exchange->state == EXCHANGE_SAVE))
        save_count(exchange);
    exchange_end(exchange);
}
