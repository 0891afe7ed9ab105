/*
 * A person's way through the questions: one message in, the next state out. What is said in which
 * words is reply.c's, whether an answer is good answer.c's.
 *
 *                          begin                    take_answer, the last one
 *   NEW, STOPPED, FINISHED ------> ASKING --------------------------------------> COMPLETE
 *                 ^                | ^  | LANGUE, when there are several               |
 *                 |           STOP | |  v                                              |
 *                 |                | |  LANGUAGE --> choose_language, RETOUR --> ASKING |
 *                 |                | +- a good answer, RETOUR, RESTART: another step    |
 *                 +- stop ---------+                                                   |
 *                 +- flow_finish ------------------------------------------------------+
 *
 * Before all that, in every state: a message that came before, or is too old to be known, changes
 * nothing; STOP ends; and an open conversation whose questions changed begins anew.
 *
 * A COMPLETE conversation is saved before its code is registered, so that of two messages at once
 * only one completes it; flow_pending says what the next message makes of it.
 *
 * Always: answer_count equals step while a question is open; answers are there only then, and while
 * COMPLETE; reached counts the questions that were open in this conversation, for statistics, and
 * grows until the next one begins; bytes of answers that are no longer needed are wiped; recent
 * holds every handled id that may come again, newest first.
 */
#include "flow/definition.h"

#include <stdio.h>
#include <string.h>

static size_t answers_length(const struct conversation *conversation)
{
    return conversation->answer_count == 0
               ? 0
               : conversation->answer_end[conversation->answer_count - 1];
}

/* Keeps the first count answers. */
static void drop_answers(struct conversation *conversation, uint8_t count)
{
    const size_t before = answers_length(conversation);
    size_t length;

    conversation->answer_count = count;
    conversation->step = count;
    conversation->moved_by_answer = false;
    conversation->text_id = 0;
    length = answers_length(conversation);
    if (length < before)
        explicit_bzero(conversation->answers + length, before - length);
    explicit_bzero(conversation->answer_end + count,
                   sizeof conversation->answer_end - count * sizeof *conversation->answer_end);
}

static void forget(struct conversation *conversation)
{
    drop_answers(conversation, 0);
    conversation->reached = 0;
    explicit_bzero(conversation->code, sizeof conversation->code);
}

static enum flow_event reply(struct conversation *conversation, enum conversation_state state,
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
    return reply(conversation, CONVERSATION_ASKING, kind, event);
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

static enum flow_event go_back(struct conversation *conversation,
                               const struct flow_message *message)
{
    order_note_move(conversation, message);
    if (conversation->state == CONVERSATION_ASKING) {
        if (conversation->step == 0)
            return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_BACK_AT_FIRST,
                         FLOW_EVENT_BACK);
        drop_answers(conversation, (uint8_t)(conversation->step - 1));
    }
    return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_BACK, FLOW_EVENT_BACK);
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
    return reply(conversation, CONVERSATION_STOPPED, FLOW_REPLY_STOPPED, FLOW_EVENT_STOPPED);
}

static enum flow_event obey(const struct flow *flow, struct conversation *conversation,
                            const struct flow_message *message, enum command command)
{
    switch (command) {
    case COMMAND_RESTART:
        return restart(flow, conversation, message);
    case COMMAND_BACK:
        return go_back(conversation, message);
    case COMMAND_LANGUAGE:
        if (flow->language_count == 1)
            return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_LANGUAGE_SET,
                         FLOW_EVENT_LANGUAGE);
        return reply(conversation, CONVERSATION_LANGUAGE, FLOW_REPLY_LANGUAGES,
                     FLOW_EVENT_LANGUAGE);
    case COMMAND_STOP:
        return stop(flow, conversation, message);
    default:
        return reply(conversation, conversation->state, FLOW_REPLY_HELP, FLOW_EVENT_HELP);
    }
}

static enum flow_event choose_language(const struct flow *flow, struct conversation *conversation,
                                       const struct flow_message *message)
{
    int language = language_find(flow, message->text, message->length);

    if (language < 0)
        return reply(conversation, CONVERSATION_LANGUAGE, FLOW_REPLY_LANGUAGE_WRONG,
                     FLOW_EVENT_INVALID);
    conversation->language = (uint8_t)language;
    return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_LANGUAGE_SET, FLOW_EVENT_LANGUAGE);
}

static bool wants_words(const struct question *question)
{
    return question->type == ANSWER_TEXT || question->type == ANSWER_LETTERS;
}

static void note_reading(struct flow_outcome *outcome, enum flow_reading_kind kind)
{
    outcome->doubtful = kind == FLOW_READ_DOUBTFUL;
    outcome->asked_again = kind == FLOW_READ_AGAIN;
    outcome->not_known = kind == FLOW_READ_NO_ANSWER;
}

static enum flow_event take_answer(const struct flow *flow, struct conversation *conversation,
                                   const struct flow_message *message, int64_t now_s,
                                   struct flow_outcome *outcome)
{
    const size_t begin_of_answer = answers_length(conversation);
    struct flow_reading reading;
    char error[160];
    size_t length;
    const int read = flow_read(flow, conversation->step, message->text, message->length, now_s,
                               &reading, conversation->answers + begin_of_answer,
                               sizeof conversation->answers - begin_of_answer, &length, error);

    note_reading(outcome, reading.kind);
    flow_reading_wipe(&reading);
    if (read < 0)
        return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_INVALID, FLOW_EVENT_INVALID);
    if (wants_words(&flow->questions[conversation->step]))
        order_note_text(conversation, message, now_s);
    else if (!conversation->moved_by_answer || conversation->step + 1u == flow->step_count)
        conversation->text_id = 0; /* a greeting; and behind the code only the last answer counts */
    order_note_move(conversation, message);
    conversation->moved_by_answer = true;
    conversation->answer_end[conversation->answer_count++] = (uint16_t)(begin_of_answer + length);
    conversation->step++;
    if (conversation->step == flow->step_count) {
        conversation->completed_s = now_s;
        return reply(conversation, CONVERSATION_COMPLETE, FLOW_REPLY_NONE, FLOW_EVENT_ACCEPTED);
    }
    return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_ACCEPTED, FLOW_EVENT_ACCEPTED);
}

static bool is_open(const struct conversation *conversation)
{
    return conversation->state == CONVERSATION_ASKING ||
           conversation->state == CONVERSATION_LANGUAGE;
}

/* A text that is no command. The same one again may be the same message twice, and one that was
 * sent before the last answer makes that answer doubtful: neither is an answer. */
static enum flow_event take_text(const struct flow *flow, struct conversation *conversation,
                                 const struct flow_message *message, int64_t now_s,
                                 struct flow_outcome *outcome)
{
    if (conversation->state == CONVERSATION_LANGUAGE)
        return choose_language(flow, conversation, message);
    if (wants_words(&flow->questions[conversation->step]) &&
        order_is_again(conversation, message, now_s)) {
        conversation->text_id = 0;
        return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_REPEATED, FLOW_EVENT_REPEATED);
    }
    if (order_is_crossed(conversation, message)) {
        const uint8_t doubtful = order_doubtful(conversation, message);

        if (doubtful > 0)
            drop_answers(conversation, (uint8_t)(conversation->answer_count - doubtful));
        return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_CROSSED, FLOW_EVENT_CROSSED);
    }
    return take_answer(flow, conversation, message, now_s, outcome);
}

/* A button of another question than the open one answers nothing. */
static enum flow_event take_button(const struct flow *flow, struct conversation *conversation,
                                   const struct flow_message *button, int64_t now_s,
                                   struct flow_outcome *outcome)
{
    struct flow_message message = *button;

    message.text = option_answer(flow, conversation, button->text, button->length, &message.length);
    if (message.text == NULL)
        return reply(conversation, conversation->state, FLOW_REPLY_ANSWERED, FLOW_EVENT_ANSWERED);
    if (conversation->state == CONVERSATION_LANGUAGE)
        return choose_language(flow, conversation, &message);
    return take_answer(flow, conversation, &message, now_s, outcome);
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

/* A message to which nothing is open: it begins a conversation, unless it belongs to the last one.
 */
static enum flow_event handle_closed(const struct flow *flow, struct conversation *conversation,
                                     const struct flow_message *message, int64_t now_s)
{
    const bool expired = conversation->expired;
    enum flow_event event;

    if (order_is_crossed(conversation, message)) {
        if (conversation->state == CONVERSATION_STOPPED)
            conversation->hush = FLOW_HUSH_SILENT;
        return reply(conversation, conversation->state, conversation->reply, FLOW_EVENT_CROSSED);
    }
    if (conversation->state == CONVERSATION_FINISHED &&
        order_is_again(conversation, message, now_s))
        return reply(conversation, CONVERSATION_FINISHED, conversation->reply, FLOW_EVENT_REPEATED);
    event = begin(flow, conversation, message, expired ? FLOW_REPLY_EXPIRED : FLOW_REPLY_WELCOME,
                  expired ? FLOW_EVENT_EXPIRED : FLOW_EVENT_STARTED);
    order_note_text(conversation, message, now_s);
    return event;
}

/* A message while something is open, and which is no command. */
static enum flow_event handle_open(const struct flow *flow, struct conversation *conversation,
                                   const struct flow_message *message, int64_t now_s,
                                   struct flow_outcome *outcome)
{
    const enum conversation_state state = conversation->state;

    switch (message->kind) {
    case FLOW_MESSAGE_TEXT:
        if (order_is_of_older(conversation, message))
            return reply(conversation, state, FLOW_REPLY_QUOTED, FLOW_EVENT_QUOTED);
        return take_text(flow, conversation, message, now_s, outcome);
    case FLOW_MESSAGE_OPTION:
        return take_button(flow, conversation, message, now_s, outcome);
    case FLOW_MESSAGE_VOICE:
        return reply(conversation, state, FLOW_REPLY_VOICE, FLOW_EVENT_NOT_TEXT);
    case FLOW_MESSAGE_EDIT:
        return reply(conversation, state, FLOW_REPLY_EDITED, FLOW_EVENT_EDITED);
    case FLOW_MESSAGE_MEDIA:
        return reply(conversation, state, FLOW_REPLY_NOT_TEXT, FLOW_EVENT_NOT_TEXT);
    default:
        return reply(conversation, state, FLOW_REPLY_QUESTION, FLOW_EVENT_QUESTION);
    }
}

static enum flow_event handle(const struct flow *flow, struct conversation *conversation,
                              const struct flow_message *message, int64_t now_s,
                              struct flow_outcome *outcome)
{
    const enum command command = command_of(flow, message);

    /* The very first message is a greeting, whatever it says. */
    if (command == COMMAND_STOP && (conversation->state != CONVERSATION_NEW ||
                                    conversation->expired || message->kind != FLOW_MESSAGE_TEXT))
        return stop(flow, conversation, message);
    if (conversation->state == CONVERSATION_COMPLETE)
        return begin(flow, conversation, message, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);
    if (!is_open(conversation))
        return handle_closed(flow, conversation, message, now_s);
    if (conversation->fingerprint != flow->fingerprint || conversation->step >= flow->step_count) {
        const enum flow_event event =
            begin(flow, conversation, message, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);

        order_note_text(conversation, message, now_s);
        return event;
    }
    if (command != COMMAND_NONE)
        return obey(flow, conversation, message, command);
    return handle_open(flow, conversation, message, now_s, outcome);
}

void conversation_wipe(struct conversation *conversation)
{
    struct recent *recent = &conversation->recent;

    explicit_bzero(conversation->answers, answers_length(conversation));
    explicit_bzero(recent->ids, recent->count * sizeof *recent->ids);
    explicit_bzero(recent->sent_s, recent->count * sizeof *recent->sent_s);
    explicit_bzero(conversation, offsetof(struct conversation, recent.ids));
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
    struct flow_outcome outcome = {.step = conversation->step};

    if (is_idle(flow, conversation, message, &outcome))
        return outcome;
    conversation->hush = FLOW_HUSH_NONE;
    outcome.event = handle(flow, conversation, message, now_s, &outcome);
    outcome.effect = conversation->state == CONVERSATION_COMPLETE ? FLOW_CLAIM : FLOW_ANSWER;
    outcome.fruitless = fruitless_count(conversation, outcome.event, now_s);
    recent_add(&conversation->recent, message->id, message->sent_s);
    return outcome;
}

void conversation_answers(const struct conversation *conversation,
                          struct uic_text answers[FLOW_STEPS_MAX])
{
    size_t begin_of_answer = 0;

    for (size_t i = 0; i < conversation->answer_count; i++) {
        answers[i].bytes = conversation->answers + begin_of_answer;
        answers[i].length = conversation->answer_end[i] - begin_of_answer;
        begin_of_answer = conversation->answer_end[i];
    }
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
    reply(conversation, CONVERSATION_FINISHED,
          existing ? FLOW_REPLY_EXISTING_CODE : FLOW_REPLY_NEW_CODE, FLOW_EVENT_ACCEPTED);
}

const char *flow_event_name(enum flow_event event)
{
    static const char *const names[] = {
        [FLOW_EVENT_STARTED] = "started",   [FLOW_EVENT_EXPIRED] = "expired",
        [FLOW_EVENT_CHANGED] = "changed",   [FLOW_EVENT_ACCEPTED] = "accepted",
        [FLOW_EVENT_INVALID] = "invalid",   [FLOW_EVENT_NOT_TEXT] = "not_text",
        [FLOW_EVENT_HELP] = "help",         [FLOW_EVENT_RESTARTED] = "restarted",
        [FLOW_EVENT_BACK] = "back",         [FLOW_EVENT_LANGUAGE] = "language",
        [FLOW_EVENT_STOPPED] = "stopped",   [FLOW_EVENT_REDELIVERED] = "redelivered",
        [FLOW_EVENT_LATE] = "late",         [FLOW_EVENT_IGNORED] = "ignored",
        [FLOW_EVENT_QUESTION] = "question", [FLOW_EVENT_REPEATED] = "repeated",
        [FLOW_EVENT_CROSSED] = "crossed",   [FLOW_EVENT_EDITED] = "edited",
        [FLOW_EVENT_ANSWERED] = "answered", [FLOW_EVENT_QUOTED] = "quoted",
    };

    return (size_t)event < sizeof names / sizeof *names ? names[event] : "unknown";
}
