/*
 * Before anything is registered: this number asked for a code before, and these answers are near
 * those. Are they the same person's? Nothing of the record is told but that there is one. A wrong
 * yes is worse than to ask once more, so words count only when she can have read the question.
 */
#include "flow/turn.h"

#include <stdio.h>
#include <string.h>

/* What comes sooner was on its way before the question was read. */
#define NEAR_READ_S 2

enum { OPTION_SAME = 1, OPTION_DIFFERENT, OPTION_COUNT = OPTION_DIFFERENT };

void near_forget(struct conversation *conversation)
{
    if (conversation->near == FLOW_NEAR_NONE)
        return;
    conversation->near = FLOW_NEAR_NONE;
    conversation->near_late = false;
    conversation->near_shown_s = 0;
    explicit_bzero(conversation->near_record, sizeof conversation->near_record);
    explicit_bzero(conversation->code, sizeof conversation->code);
}

void flow_ask_near(struct conversation *conversation, const struct flow_message *message,
                   const char *code, const unsigned char record[FLOW_RECORD_SIZE])
{
    conversation->completed_s = 0;
    conversation->hush = FLOW_HUSH_NONE;
    conversation->near = FLOW_NEAR_ASKED;
    conversation->near_late = false;
    conversation->near_shown_s = 0;
    memcpy(conversation->near_record, record, sizeof conversation->near_record);
    snprintf(conversation->code, sizeof conversation->code, "%s", code);
    if (message != NULL && conversation_event(conversation) != (message->id & FLOW_ID_MAX))
        recent_add(&conversation->recent, message->id, message->sent_s);
    turn_move(conversation, CONVERSATION_NEAR, FLOW_REPLY_QUESTION, FLOW_EVENT_ACCEPTED);
}

bool flow_near_shown(struct conversation *conversation, int64_t now_s)
{
    if (conversation->state != CONVERSATION_NEAR || conversation->near_shown_s != 0)
        return false;
    conversation->near_shown_s = recent_time(now_s);
    return conversation->near_shown_s != 0;
}

/* Sent before the question was shown. That compares two clocks, so it is done once only: whoever's
 * clock is wrong is not asked for ever. */
static bool is_late(const struct turn *turn, uint32_t sent_s)
{
    struct conversation *conversation = turn->conversation;

    if (conversation->near_late || sent_s + NEAR_READ_S >= conversation->near_shown_s)
        return false;
    conversation->near_late = true;
    return true;
}

bool near_was_read(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    const uint32_t sent_s = recent_time(turn->message->sent_s);

    if (conversation->near_shown_s != 0 &&
        turn->now_s >= (int64_t)conversation->near_shown_s + NEAR_READ_S &&
        (sent_s == 0 || (sent_s > conversation->moved_s + 1 && !is_late(turn, sent_s))))
        return true;
    order_note_move(conversation, turn->message);
    conversation->near_shown_s = 0;
    return false;
}

static enum assent read_said(const struct flow *flow, const char *text, size_t length,
                             size_t *number)
{
    struct tokens tokens;

    tokens_read(&tokens, flow->words, text, length);
    const enum assent assent = read_choice(&tokens, OPTION_COUNT, number);
    explicit_bzero(tokens.text, tokens.text_length);
    explicit_bzero(tokens.list, tokens.count * sizeof *tokens.list);
    return assent;
}

/* The number of the option that is meant; 0: neither. Its label is what its button says. */
static size_t option_meant(const struct turn *turn, const char *text, size_t length)
{
    const size_t language = flow_spoken_language(turn->flow, turn->conversation);
    const char *same = turn->flow->messages[language][MESSAGE_NEAR_SAME];
    const char *different = turn->flow->messages[language][MESSAGE_NEAR_DIFFERENT];
    const struct uic_text labels[OPTION_COUNT] = {{same, strlen(same)},
                                                  {different, strlen(different)}};
    size_t number = 0;

    switch (read_said(turn->flow, text, length, &number)) {
    case ASSENT_YES:
        return OPTION_SAME;
    case ASSENT_NO:
        return OPTION_DIFFERENT;
    case ASSENT_NUMBER:
        return number;
    default:
        if (memchr(text, '?', length) != NULL)
            return 0;
        return (size_t)(pick_name(labels, OPTION_COUNT, text, length) + 1);
    }
}

enum flow_event near_take(const struct turn *turn, const char *text, size_t length)
{
    struct conversation *conversation = turn->conversation;
    const size_t meant = option_meant(turn, text, length);

    if (meant == 0)
        return turn_move(conversation, CONVERSATION_NEAR, FLOW_REPLY_QUESTION, FLOW_EVENT_INVALID);
    order_note_text(conversation, turn->message, turn->now_s);
    order_note_move(conversation, turn->message);
    conversation->near_late = false;
    conversation->near_shown_s = 0;
    conversation->near = meant == OPTION_SAME ? FLOW_NEAR_SAME : FLOW_NEAR_DIFFERENT;
    return review_complete(turn);
}
