/*
 * All answers are in: those that are in doubt are read back before the code, and each can be
 * corrected alone. While one is, its question is open though all answers are in.
 */
#include "flow/turn.h"

#include <string.h>

bool review_is_correcting(const struct flow *flow, const struct conversation *conversation)
{
    return conversation->step < flow->step_count && conversation->answer_count == flow->step_count;
}

enum flow_event review_complete(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;

    conversation->doubt = 0;
    conversation->completed_s = turn->now_s;
    return turn_move(conversation, CONVERSATION_COMPLETE, FLOW_REPLY_NONE, FLOW_EVENT_ACCEPTED);
}

enum flow_event review_answers(const struct turn *turn, bool corrected)
{
    struct conversation *conversation = turn->conversation;
    const enum flow_confirm confirm = turn->flow->confirm;

    conversation->step = conversation->answer_count;
    if (!corrected && (confirm == FLOW_CONFIRM_NEVER ||
                       (confirm == FLOW_CONFIRM_DOUBT && conversation->doubt == 0)))
        return review_complete(turn);
    turn->outcome->read_back = !corrected;
    return turn_move(conversation, CONVERSATION_REVIEW, FLOW_REPLY_QUESTION, FLOW_EVENT_ACCEPTED);
}

static enum flow_event ask_again(const struct turn *turn, uint8_t step)
{
    struct conversation *conversation = turn->conversation;

    conversation->step = step;
    conversation->text_id = 0;
    conversation->moved_by_answer = false;
    order_note_move(conversation, turn->message);
    return turn_move(conversation, CONVERSATION_ASKING, FLOW_REPLY_CORRECTING,
                     FLOW_EVENT_CORRECTING);
}

/* The length of the sign that a text begins with, 0 for none of these. */
static size_t sign_length(const char *text, size_t length, const char *const *signs)
{
    for (; *signs != NULL; signs++)
        if (strlen(*signs) <= length && memcmp(text, *signs, strlen(*signs)) == 0)
            return strlen(*signs);
    return 0;
}

/* A thumb is no word, but says enough where nothing else is said. */
static bool is_thumb(const char *text, size_t length)
{
    static const char *const thumbs[] = {"👍", "✅", "✔", "👌", NULL};
    static const char *const dress[] = {"🏻",   "🏼", "🏽", "🏾", "🏿",
                                        "\ufe0f", " ",    "\n",   NULL};
    bool found = false;

    while (length > 0) {
        const size_t thumb = sign_length(text, length, thumbs);
        const size_t sign = thumb > 0 ? thumb : sign_length(text, length, dress);

        if (sign == 0)
            return false;
        found |= thumb > 0;
        text += sign;
        length -= sign;
    }
    return found;
}

/* A yes, a no, or the number of an answer. */
static enum assent read_review(const struct turn *turn, const char *text, size_t length,
                               size_t *number)
{
    struct tokens tokens;

    tokens_read(&tokens, turn->flow->words, text, length);
    enum assent assent = tokens.count == 0 && is_thumb(text, length)
                             ? ASSENT_YES
                             : read_assent(&tokens, turn->flow->step_count, number);
    explicit_bzero(tokens.text, tokens.text_length);
    explicit_bzero(tokens.list, tokens.count * sizeof *tokens.list);
    return assent;
}

enum flow_event review_take(const struct turn *turn, const char *text, size_t length)
{
    struct conversation *conversation = turn->conversation;
    size_t number = 0;

    switch (read_review(turn, text, length, &number)) {
    case ASSENT_YES:
        order_note_text(conversation, turn->message, turn->now_s);
        order_note_move(conversation, turn->message);
        return review_complete(turn);
    case ASSENT_NO:
    case ASSENT_DOUBT:
        return turn_move(conversation, CONVERSATION_REVIEW, FLOW_REPLY_CORRECT,
                         FLOW_EVENT_CORRECTING);
    case ASSENT_NUMBER:
        return ask_again(turn, (uint8_t)(number - 1));
    default:
        return turn_move(conversation, CONVERSATION_REVIEW, FLOW_REPLY_REVIEW_AGAIN,
                         FLOW_EVENT_INVALID);
    }
}
