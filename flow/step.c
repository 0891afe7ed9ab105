/*
 * A person's way through the questions: one message in, the next state out.
 *
 *                          begin             take_text, take_button: the last answer
 *   NEW, STOPPED, FINISHED ------> ASKING ------------------------------------------> COMPLETE
 *                 ^                | ^  |  ^                | in doubt                ^ | |  ^
 *                 |           STOP | |  |  |                v                yes      | | |  | 1, 2:
 *                 |                | |  |  +------------- REVIEW ---------------------+ | |  | near_take
 *                 |                | |  |  a number, RETOUR | ^          flow_ask_near  | v  |
 *                 |                | |  |            LANGUE v | choose_language,        | NEAR
 *                 |                | |  | LANGUE --> LANGUAGE -> what was open: RETOUR  |   | RETOUR
 *                 |                | +--+ a good answer, which name, RETOUR, RESTART    |   v
 *                 +- stop ---------+                                                    |  ASKING
 *                 +- flow_finish -------------------------------------------------------+
 *
 * Before all that: a message that came before, or is too old to be known, changes nothing; STOP
 * ends in every state, but a person's very first text is a greeting; a conversation that is open or
 * COMPLETE and whose questions changed begins anew.
 *
 * A COMPLETE conversation is saved before its code is registered, so that of two messages at once
 * only one completes it; flow_pending says what the next message makes of it.
 *
 * Nothing is registered while it is asked whether the answers are those of a person who has a code
 * (near_ask.c): the caller does so, before it registers a COMPLETE conversation, by flow_ask_near.
 *
 * Always: answer_count equals step, but while an answer is corrected: then all are in and step is
 * its question; answers are there only while something is open or COMPLETE, as they were read; names
 * to choose from only while their question is open; reached counts the
 * questions that were open in this conversation, for statistics, and grows until the next one
 * begins; bytes of answers that are no longer needed are wiped; recent holds every handled id that
 * may come again, newest first.
 */
#include "flow/turn.h"

#include <stdio.h>
#include <string.h>

static void forget(struct conversation *conversation)
{
    texts_drop(conversation, 0);
    conversation->reached = 0;
    explicit_bzero(conversation->code, sizeof conversation->code);
}

enum flow_event turn_move(struct conversation *conversation, enum conversation_state state,
                          enum flow_reply_kind kind, enum flow_event event)
{
    conversation->state = state;
    conversation->reply = kind;
    if (state == CONVERSATION_ASKING && conversation->reached <= conversation->step)
        conversation->reached = (uint8_t)(conversation->step + 1);
    return event;
}

/* The first question, whatever was before. */
static enum flow_event begin(const struct flow *flow, struct conversation *conversation,
                             const struct flow_message *message, enum flow_reply_kind kind,
                             enum flow_event event)
{
    forget(conversation);
    order_note_move(conversation, message);
    conversation->fingerprint = flow->fingerprint;
    conversation->expired = false;
    return turn_move(conversation, CONVERSATION_ASKING, kind, event);
}

/* The same conversation: what was reached stays reached. */
static enum flow_event restart(const struct flow *flow, struct conversation *conversation,
                               const struct flow_message *message)
{
    const uint8_t reached = conversation->reached;
    const enum flow_event event =
        begin(flow, conversation, message, FLOW_REPLY_RESTARTED, FLOW_EVENT_RESTARTED);

    conversation->reached = reached;
    return event;
}

enum conversation_state turn_open(const struct turn *turn)
{
    if (turn->conversation->near == FLOW_NEAR_ASKED)
        return CONVERSATION_NEAR;
    return turn->conversation->step >= turn->flow->step_count ? CONVERSATION_REVIEW
                                                              : CONVERSATION_ASKING;
}

/* To the question before what is open, or out of something that was opened beside it. */
static enum flow_event go_back(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    const bool correcting = review_is_correcting(turn->flow, conversation);

    order_note_move(conversation, turn->message);
    if (conversation->state == CONVERSATION_LANGUAGE)
        return turn_move(conversation, turn_open(turn), FLOW_REPLY_BACK, FLOW_EVENT_BACK);
    if (conversation->candidate_count > 0)
        texts_drop_candidates(conversation);
    else if (correcting)
        conversation->step = conversation->answer_count;
    else if (conversation->step == 0)
        return turn_move(conversation, CONVERSATION_ASKING, FLOW_REPLY_BACK_AT_FIRST,
                         FLOW_EVENT_BACK);
    else
        texts_drop(conversation, (uint8_t)(conversation->step - 1));
    return turn_move(conversation, turn_open(turn), FLOW_REPLY_BACK, FLOW_EVENT_BACK);
}

/* Forgets what was said, in every state. The provider has answered an opt-out itself. */
static enum flow_event stop(const struct flow *flow, struct conversation *conversation,
                            const struct flow_message *message)
{
    forget(conversation);
    order_note_move(conversation, message);
    conversation->fingerprint = flow->fingerprint;
    conversation->expired = false;
    if (message->kind == FLOW_MESSAGE_OPT_OUT)
        conversation->hush = FLOW_HUSH_SILENT;
    return turn_move(conversation, CONVERSATION_STOPPED, FLOW_REPLY_STOPPED, FLOW_EVENT_STOPPED);
}

enum flow_event turn_obey(const struct turn *turn, enum command command)
{
    const struct flow *flow = turn->flow;
    struct conversation *conversation = turn->conversation;

    switch (command) {
    case COMMAND_RESTART:
        return restart(flow, conversation, turn->message);
    case COMMAND_BACK:
        return go_back(turn);
    case COMMAND_LANGUAGE:
        if (language_offered_count(flow) == 1)
            return turn_move(conversation, turn_open(turn), FLOW_REPLY_LANGUAGE_SET,
                             FLOW_EVENT_LANGUAGE);
        return turn_move(conversation, CONVERSATION_LANGUAGE, FLOW_REPLY_LANGUAGES,
                         FLOW_EVENT_LANGUAGE);
    case COMMAND_STOP:
        return stop(flow, conversation, turn->message);
    default:
        return turn_move(conversation, conversation->state, FLOW_REPLY_HELP, FLOW_EVENT_HELP);
    }
}

enum flow_event turn_choose_language(const struct turn *turn, const char *text, size_t length)
{
    struct conversation *conversation = turn->conversation;
    const int language = pick_language(turn->flow, text, length);

    if (language < 0)
        return turn_move(conversation, CONVERSATION_LANGUAGE, FLOW_REPLY_LANGUAGE_WRONG,
                         FLOW_EVENT_INVALID);
    conversation->language = (uint8_t)language;
    return turn_move(conversation, turn_open(turn), FLOW_REPLY_LANGUAGE_SET, FLOW_EVENT_LANGUAGE);
}

static bool is_open(const struct conversation *conversation)
{
    return conversation->state == CONVERSATION_ASKING ||
           conversation->state == CONVERSATION_LANGUAGE ||
           conversation->state == CONVERSATION_REVIEW || conversation->state == CONVERSATION_NEAR;
}

/* Whether an open conversation is one of these questions, and stands where one can stand. */
static bool is_of_flow(const struct flow *flow, const struct conversation *conversation)
{
    if (conversation->fingerprint != flow->fingerprint)
        return false;
    if (conversation->state == CONVERSATION_REVIEW || conversation->near != FLOW_NEAR_NONE ||
        conversation->step >= flow->step_count)
        return conversation->state != CONVERSATION_ASKING &&
               conversation->step == flow->step_count &&
               conversation->answer_count == flow->step_count && conversation->candidate_count == 0;
    return conversation->answer_count == conversation->step ||
           conversation->answer_count == flow->step_count;
}

/* What a message asks for, whatever question is open. */
static enum command command_of(const struct flow *flow, const struct flow_message *message)
{
    switch (message->kind) {
    case FLOW_MESSAGE_TEXT:
        return command_find(flow, message->text, message->length);
    case FLOW_MESSAGE_BUTTON:
        return command_of_button(flow, message->text, message->length);
    case FLOW_MESSAGE_OPT_OUT:
        return COMMAND_STOP;
    case FLOW_MESSAGE_OPT_HELP:
        return COMMAND_HELP;
    default:
        return COMMAND_NONE;
    }
}

/* A message to which nothing is open: it begins a conversation, unless it belongs to the last
 * one. */
static enum flow_event handle_closed(const struct flow *flow, struct conversation *conversation,
                                     const struct flow_message *message, int64_t now_s)
{
    const bool expired = conversation->expired;

    if (order_is_crossed(conversation, message)) {
        if (conversation->state == CONVERSATION_STOPPED)
            conversation->hush = FLOW_HUSH_SILENT;
        return turn_move(conversation, conversation->state, conversation->reply,
                         FLOW_EVENT_CROSSED);
    }
    if (conversation->state == CONVERSATION_FINISHED &&
        order_is_again(conversation, message, now_s))
        return turn_move(conversation, CONVERSATION_FINISHED, conversation->reply,
                         FLOW_EVENT_REPEATED);
    enum flow_event event =
        begin(flow, conversation, message, expired ? FLOW_REPLY_EXPIRED : FLOW_REPLY_WELCOME,
              expired ? FLOW_EVENT_EXPIRED : FLOW_EVENT_STARTED);
    order_note_text(conversation, message, now_s);
    return event;
}

/* A message while something is open, and which is no command. */
static enum flow_event handle_open(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    const struct flow_message *message = turn->message;
    const enum conversation_state state = conversation->state;

    switch (message->kind) {
    case FLOW_MESSAGE_TEXT:
        if (order_is_of_older(conversation, message))
            return turn_move(conversation, state, FLOW_REPLY_QUOTED, FLOW_EVENT_QUOTED);
        return take_text(turn);
    case FLOW_MESSAGE_OPTION:
        return take_button(turn);
    case FLOW_MESSAGE_VOICE:
        return turn_move(conversation, state, FLOW_REPLY_VOICE, FLOW_EVENT_NOT_TEXT);
    case FLOW_MESSAGE_EDIT:
        return turn_move(conversation, state, FLOW_REPLY_EDITED, FLOW_EVENT_EDITED);
    case FLOW_MESSAGE_MEDIA:
        return turn_move(conversation, state, FLOW_REPLY_NOT_TEXT, FLOW_EVENT_NOT_TEXT);
    default:
        return turn_move(conversation, state, FLOW_REPLY_QUESTION, FLOW_EVENT_QUESTION);
    }
}

static enum flow_event handle(const struct turn *turn)
{
    const struct flow *flow = turn->flow;
    struct conversation *conversation = turn->conversation;
    const struct flow_message *message = turn->message;
    const enum command command = command_of(flow, message);

    /* The very first message is a greeting, whatever it says. */
    if (command == COMMAND_STOP && (conversation->state != CONVERSATION_NEW ||
                                    conversation->expired || message->kind != FLOW_MESSAGE_TEXT))
        return stop(flow, conversation, message);
    if (conversation->state == CONVERSATION_COMPLETE)
        return begin(flow, conversation, message, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);
    if (!is_open(conversation))
        return handle_closed(flow, conversation, message, turn->now_s);
    if (!is_of_flow(flow, conversation)) {
        const enum flow_event event =
            begin(flow, conversation, message, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);

        order_note_text(conversation, message, turn->now_s);
        return event;
    }
    if (command != COMMAND_NONE)
        return turn_obey(turn, command);
    return handle_open(turn);
}

void conversation_wipe(struct conversation *conversation)
{
    struct recent *recent = &conversation->recent;

    explicit_bzero(conversation->answers, texts_length(conversation));
    explicit_bzero(recent->ids, recent->count * sizeof *recent->ids);
    explicit_bzero(recent->sent_s, recent->count * sizeof *recent->sent_s);
    explicit_bzero(conversation, CONVERSATION_CLEARED);
}

/* Whether a message changes nothing, and what becomes of it then. */
static bool is_idle(const struct flow *flow, const struct conversation *conversation,
                    const struct flow_message *message, struct flow_outcome *outcome)
{
    const size_t recent = recent_find(&conversation->recent, message->id);

    outcome->effect = FLOW_IGNORE;
    if (recent < conversation->recent.count) {
        outcome->event = FLOW_EVENT_REDELIVERED;
        if (recent == 0 && conversation->fingerprint == flow->fingerprint)
            outcome->effect = FLOW_REPEAT;
    } else if (recent_is_late(&conversation->recent, message->sent_s))
        outcome->event = FLOW_EVENT_LATE;
    else if (message->kind == FLOW_MESSAGE_EDIT && !is_open(conversation))
        outcome->event = FLOW_EVENT_IGNORED;
    else
        return false;
    return true;
}

struct flow_outcome flow_step(const struct flow *flow, struct conversation *conversation,
                              const struct flow_message *message, int64_t now_s)
{
    const size_t last = flow->step_count - 1;
    struct flow_outcome outcome = {
        .step = (uint8_t)(conversation->step < last ? conversation->step : last)};
    const struct turn turn = {flow, conversation, message, now_s, &outcome};

    if (is_idle(flow, conversation, message, &outcome))
        return outcome;
    conversation->hush = FLOW_HUSH_NONE;
    outcome.event = handle(&turn);
    outcome.effect = conversation->state == CONVERSATION_COMPLETE ? FLOW_CLAIM : FLOW_ANSWER;
    outcome.fruitless = fruitless_count(conversation, outcome.event, now_s);
    recent_add(&conversation->recent, message->id, message->sent_s);
    return outcome;
}

enum flow_pending flow_pending(const struct flow *flow, const struct conversation *conversation,
                               const struct flow_message *message, int64_t now_s)
{
    const struct recent *recent = &conversation->recent;
    const size_t found = recent_find(recent, message->id);

    if (conversation->state != CONVERSATION_COMPLETE ||
        conversation->fingerprint != flow->fingerprint ||
        conversation->answer_count != flow->step_count)
        return FLOW_PENDING_NONE;
    if (found < recent->count)
        return found == 0 ? FLOW_PENDING_OWN : FLOW_PENDING_OTHER;
    if (recent_is_late(recent, message->sent_s))
        return FLOW_PENDING_OTHER;
    return now_s - conversation->completed_s >= FLOW_PENDING_S ? FLOW_PENDING_OWN
                                                               : FLOW_PENDING_OTHER;
}

uint64_t conversation_event(const struct conversation *conversation)
{
    return conversation->recent.count > 0 ? conversation->recent.ids[0] : 0;
}

void flow_finish(struct conversation *conversation, const struct flow_message *message,
                 const char *code, bool existing)
{
    const uint64_t text_id = conversation->text_id;

    forget(conversation);
    conversation->text_id = text_id;
    conversation->completed_s = 0;
    conversation->hush = FLOW_HUSH_NONE;
    if (message != NULL && conversation_event(conversation) != (message->id & FLOW_ID_MAX))
        recent_add(&conversation->recent, message->id, message->sent_s);
    snprintf(conversation->code, sizeof conversation->code, "%s", code);
    turn_move(conversation, CONVERSATION_FINISHED,
              existing ? FLOW_REPLY_EXISTING_CODE : FLOW_REPLY_NEW_CODE, FLOW_EVENT_ACCEPTED);
}

const char *flow_event_name(enum flow_event event)
{
    static const char *const names[] = {
        [FLOW_EVENT_STARTED] = "started",
        [FLOW_EVENT_EXPIRED] = "expired",
        [FLOW_EVENT_CHANGED] = "changed",
        [FLOW_EVENT_ACCEPTED] = "accepted",
        [FLOW_EVENT_INVALID] = "invalid",
        [FLOW_EVENT_NOT_TEXT] = "not_text",
        [FLOW_EVENT_HELP] = "help",
        [FLOW_EVENT_RESTARTED] = "restarted",
        [FLOW_EVENT_BACK] = "back",
        [FLOW_EVENT_LANGUAGE] = "language",
        [FLOW_EVENT_STOPPED] = "stopped",
        [FLOW_EVENT_REDELIVERED] = "redelivered",
        [FLOW_EVENT_LATE] = "late",
        [FLOW_EVENT_IGNORED] = "ignored",
        [FLOW_EVENT_QUESTION] = "question",
        [FLOW_EVENT_REPEATED] = "repeated",
        [FLOW_EVENT_CROSSED] = "crossed",
        [FLOW_EVENT_EDITED] = "edited",
        [FLOW_EVENT_ANSWERED] = "answered",
        [FLOW_EVENT_QUOTED] = "quoted",
        [FLOW_EVENT_WHICH] = "which",
        [FLOW_EVENT_NO_ANSWER] = "no_answer",
        [FLOW_EVENT_CORRECTING] = "correcting",
    };

    return (size_t)event < sizeof names / sizeof *names ? names[event] : "unknown";
}
