/*
 * In which order messages were meant: the same text twice is often one message, and what was sent
 * before the answer last taken was not meant for the question that is open now.
 */
#include "flow/definition.h"

/* In the place of a time: whoever sends the text once more means it, however often. */
#define TEXT_MEANT 0

/* When a message came: by the provider's clock, if that is told. */
static int64_t time_of(const struct flow_message *message, int64_t now_s)
{
    const uint32_t sent_s = recent_time(message->sent_s);

    return sent_s != 0 ? sent_s : now_s;
}

void order_note_text(struct conversation *conversation, const struct flow_message *message,
                     int64_t now_s)
{
    const uint64_t id = message->text_id & FLOW_ID_MAX;

    if (message->kind != FLOW_MESSAGE_TEXT)
        return;
    if (conversation->text_id == id && conversation->text_s == TEXT_MEANT)
        return;
    conversation->text_id = id;
    conversation->text_s = (uint32_t)time_of(message, now_s);
}

void order_note_again(struct conversation *conversation)
{
    conversation->text_s = TEXT_MEANT;
}

bool order_is_again(const struct conversation *conversation, const struct flow_message *message,
                    int64_t now_s)
{
    const int64_t since = time_of(message, now_s) - conversation->text_s;

    return message->kind == FLOW_MESSAGE_TEXT && conversation->text_id != 0 &&
           conversation->text_id == (message->text_id & FLOW_ID_MAX) && since <= FLOW_AGAIN_S &&
           since >= -FLOW_AGAIN_S;
}

bool order_is_crossed(const struct conversation *conversation, const struct flow_message *message)
{
    const uint32_t sent_s = recent_time(message->sent_s);

    return (message->is_crossed && conversation->state == CONVERSATION_NEAR) ||
           (sent_s != 0 && sent_s < conversation->moved_s);
}

/* Each message that was sent after this one and handled before it may have brought an answer. */
uint8_t order_crossed_answers(const struct conversation *conversation,
                              const struct flow_message *message)
{
    const size_t after = recent_count_after(&conversation->recent, message->sent_s);

    if (!conversation->moved_by_answer)
        return 0;
    return after < conversation->answer_count ? (uint8_t)after : conversation->answer_count;
}

void order_note_move(struct conversation *conversation, const struct flow_message *message)
{
    const uint32_t sent_s = recent_time(message->sent_s);

    if (sent_s > conversation->moved_s)
        conversation->moved_s = sent_s;
}

bool order_is_of_older(const struct conversation *conversation, const struct flow_message *message)
{
    return message->quotes_older ||
           (message->quoted_id != 0 &&
            recent_find(&conversation->recent, message->quoted_id) < conversation->recent.count);
}
