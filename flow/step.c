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
 *                 +- forget -------+                                                   |
 *                 +- flow_finish ------------------------------------------------------+
 *
 * Before all that, in every state: a message that came before changes nothing; and an open
 * conversation whose flow file changed begins anew.
 *
 * A COMPLETE conversation is saved before its code is registered, so that of two messages at once
 * only one completes it; flow_pending says what the next message makes of it.
 *
 * Always: answer_count equals step while a question is open; answers are there only then, and while
 * COMPLETE; reached counts the questions that were open in this conversation, for statistics, and
 * grows until the next one begins; bytes of answers that are no longer needed are wiped; recent
 * holds every handled id, newest first.
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

static void remember(struct conversation *conversation, uint64_t id)
{
    if (id == 0)
        return;
    memmove(conversation->recent + 1, conversation->recent,
            (FLOW_RECENT_MAX - 1) * sizeof *conversation->recent);
    conversation->recent[0] = id;
    if (conversation->recent_count < FLOW_RECENT_MAX)
        conversation->recent_count++;
}

/* Which of the last messages this is, newest first; recent_count when it is none of them. */
static uint8_t find_recent(const struct conversation *conversation, uint64_t id)
{
    uint8_t i = 0;

    while (i < conversation->recent_count && conversation->recent[i] != id)
        i++;
    return i;
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
                             enum flow_reply_kind kind, enum flow_event event)
{
    forget(conversation);
    conversation->fingerprint = flow->fingerprint;
    conversation->expired = false;
    if (conversation->language >= flow->language_count)
        conversation->language = 0;
    return reply(conversation, CONVERSATION_ASKING, kind, event);
}

/* The same conversation: what was reached stays reached. */
static enum flow_event restart(const struct flow *flow, struct conversation *conversation)
{
    const uint8_t reached = conversation->reached;
    const enum flow_event event =
        begin(flow, conversation, FLOW_REPLY_RESTARTED, FLOW_EVENT_RESTARTED);

    conversation->reached = reached;
    return event;
}

static enum flow_event go_back(struct conversation *conversation)
{
    if (conversation->state == CONVERSATION_ASKING) {
        if (conversation->step == 0)
            return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_BACK_AT_FIRST,
                         FLOW_EVENT_BACK);
        drop_answers(conversation, (uint8_t)(conversation->step - 1));
    }
    return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_BACK, FLOW_EVENT_BACK);
}

static enum flow_event obey(const struct flow *flow, struct conversation *conversation,
                            enum command command)
{
    switch (command) {
    case COMMAND_RESTART:
        return restart(flow, conversation);
    case COMMAND_BACK:
        return go_back(conversation);
    case COMMAND_LANGUAGE:
        if (flow->language_count == 1)
            return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_LANGUAGE_SET,
                         FLOW_EVENT_LANGUAGE);
        return reply(conversation, CONVERSATION_LANGUAGE, FLOW_REPLY_LANGUAGES,
                     FLOW_EVENT_LANGUAGE);
    case COMMAND_STOP:
        forget(conversation);
        return reply(conversation, CONVERSATION_STOPPED, FLOW_REPLY_STOPPED, FLOW_EVENT_STOPPED);
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

static enum flow_event take_answer(const struct flow *flow, struct conversation *conversation,
                                   const struct flow_message *message, int64_t now_s)
{
    const size_t begin_of_answer = answers_length(conversation);
    char error[160];
    size_t length;

    if (flow_answer(flow, conversation->step, message->text, message->length, true, now_s,
                    conversation->answers + begin_of_answer,
                    sizeof conversation->answers - begin_of_answer, &length, error) < 0)
        return reply(conversation, CONVERSATION_ASKING, FLOW_REPLY_INVALID, FLOW_EVENT_INVALID);
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

/* A button of another question than the open one answers nothing. */
static enum flow_event take_button(const struct flow *flow, struct conversation *conversation,
                                   const struct flow_message *button, int64_t now_s)
{
    struct flow_message message = *button;

    message.text = option_answer(flow, conversation, button->text, button->length, &message.length);
    if (message.text == NULL)
        return reply(conversation, conversation->state, FLOW_REPLY_NOT_TEXT, FLOW_EVENT_NOT_TEXT);
    if (conversation->state == CONVERSATION_LANGUAGE)
        return choose_language(flow, conversation, &message);
    return take_answer(flow, conversation, &message, now_s);
}

static enum flow_event handle(const struct flow *flow, struct conversation *conversation,
                              const struct flow_message *message, int64_t now_s)
{
    enum command command;

    if (conversation->state == CONVERSATION_COMPLETE)
        return begin(flow, conversation, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);
    if (!is_open(conversation)) {
        const bool expired = conversation->expired;

        return begin(flow, conversation, expired ? FLOW_REPLY_EXPIRED : FLOW_REPLY_WELCOME,
                     expired ? FLOW_EVENT_EXPIRED : FLOW_EVENT_STARTED);
    }
    if (conversation->fingerprint != flow->fingerprint || conversation->step >= flow->step_count ||
        conversation->language >= flow->language_count)
        return begin(flow, conversation, FLOW_REPLY_CHANGED, FLOW_EVENT_CHANGED);
    if (message->kind == FLOW_MESSAGE_OPTION)
        return take_button(flow, conversation, message, now_s);
    if (message->kind != FLOW_MESSAGE_TEXT)
        return reply(conversation, conversation->state, FLOW_REPLY_NOT_TEXT, FLOW_EVENT_NOT_TEXT);
    command = command_find(message->text, message->length);
    if (command != COMMAND_NONE)
        return obey(flow, conversation, command);
    if (conversation->state == CONVERSATION_LANGUAGE)
        return choose_language(flow, conversation, message);
    return take_answer(flow, conversation, message, now_s);
}

void conversation_wipe(struct conversation *conversation)
{
    explicit_bzero(conversation->answers, answers_length(conversation));
    explicit_bzero(conversation, offsetof(struct conversation, answers));
}

struct flow_outcome flow_step(const struct flow *flow, struct conversation *conversation,
                              const struct flow_message *message, int64_t now_s)
{
    struct flow_outcome outcome = {.event = FLOW_EVENT_REDELIVERED, .step = conversation->step};
    const uint8_t recent = find_recent(conversation, message->id);

    if (recent < conversation->recent_count) {
        outcome.effect = recent == 0 && conversation->fingerprint == flow->fingerprint
                             ? FLOW_REPEAT
                             : FLOW_IGNORE;
        return outcome;
    }
    remember(conversation, message->id);
    outcome.event = handle(flow, conversation, message, now_s);
    outcome.effect = conversation->state == CONVERSATION_COMPLETE ? FLOW_CLAIM : FLOW_ANSWER;
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
    uint8_t recent = find_recent(conversation, message->id);

    if (conversation->state != CONVERSATION_COMPLETE ||
        conversation->fingerprint != flow->fingerprint ||
        conversation->answer_count != flow->step_count)
        return FLOW_PENDING_NONE;
    if (recent < conversation->recent_count)
        return recent == 0 ? FLOW_PENDING_OWN : FLOW_PENDING_OTHER;
    return now_s - conversation->completed_s >= FLOW_PENDING_S ? FLOW_PENDING_OWN
                                                               : FLOW_PENDING_OTHER;
}

uint64_t conversation_event(const struct conversation *conversation)
{
    return conversation->recent[0];
}

void flow_finish(struct conversation *conversation, uint64_t id, const char *code, bool existing)
{
    forget(conversation);
    conversation->completed_s = 0;
    if (conversation->recent[0] != id)
        remember(conversation, id);
    snprintf(conversation->code, sizeof conversation->code, "%s", code);
    reply(conversation, CONVERSATION_FINISHED,
          existing ? FLOW_REPLY_EXISTING_CODE : FLOW_REPLY_NEW_CODE, FLOW_EVENT_ACCEPTED);
}

const char *flow_event_name(enum flow_event event)
{
    static const char *const names[] = {
        [FLOW_EVENT_STARTED] = "started", [FLOW_EVENT_EXPIRED] = "expired",
        [FLOW_EVENT_CHANGED] = "changed", [FLOW_EVENT_ACCEPTED] = "accepted",
        [FLOW_EVENT_INVALID] = "invalid", [FLOW_EVENT_NOT_TEXT] = "not_text",
        [FLOW_EVENT_HELP] = "help",       [FLOW_EVENT_RESTARTED] = "restarted",
        [FLOW_EVENT_BACK] = "back",       [FLOW_EVENT_LANGUAGE] = "language",
        [FLOW_EVENT_STOPPED] = "stopped", [FLOW_EVENT_REDELIVERED] = "redelivered",
    };

    return (size_t)event < sizeof names / sizeof *names ? names[event] : "unknown";
}
