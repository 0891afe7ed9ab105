/* A conversation in bytes. */
#include "flow/codec.h"
#include "flow/turn.h"

#include <string.h>

static unsigned char *put_number(unsigned char *at, uint64_t number, int size)
{
    for (int i = 0; i < size; i++)
        *at++ = (unsigned char)(number >> (8 * i));
    return at;
}

static unsigned char *put_bytes(unsigned char *at, const char *bytes, size_t length)
{
    if (length >= LONG_ANSWER) {
        *at++ = LONG_ANSWER;
        *at++ = (unsigned char)(length >> 8);
    }
    *at++ = (unsigned char)length;
    memcpy(at, bytes, length);
    return at + length;
}

static bool has_times(const struct conversation *conversation)
{
    return conversation->recent.horizon_s != 0;
}

static unsigned flags_of(const struct conversation *conversation)
{
    return (unsigned)conversation->hush | (conversation->moved_by_answer ? BY_ANSWER_BIT : 0) |
           (conversation->text_id != 0 ? TEXT_BIT : 0) | (has_times(conversation) ? TIMES_BIT : 0) |
           (conversation->doubt != 0 ? DOUBT_BIT : 0) |
           (conversation->candidate_count != 0 ? CANDIDATES_BIT : 0) |
           (conversation->answer_count != conversation->step ? MORE_BIT : 0);
}

static unsigned char *put_head(unsigned char *at, const struct conversation *conversation)
{
    const unsigned flags = flags_of(conversation);

    *at++ = VERSION;
    *at++ = (unsigned char)(conversation->state |
                            (conversation->near != FLOW_NEAR_NONE ? NEAR_BIT : 0) |
                            (conversation->expired ? EXPIRED_BIT : 0));
    *at++ = (unsigned char)conversation->reply;
    *at++ = conversation->language;
    *at++ = conversation->step;
    *at++ = conversation->reached;
    *at++ = (unsigned char)flags;
    *at++ = conversation->fruitless;
    at = put_number(at, conversation->recent.count, COUNT_SIZE);
    at = put_number(at, conversation->saved_min, MINUTE_SIZE);
    at = put_number(at, conversation->fingerprint, LONG_SIZE);
    if (conversation->fruitless > 0)
        at = put_number(at, conversation->fruitless_s, TIME_SIZE);
    if ((flags & TEXT_BIT) != 0) {
        at = put_number(at, conversation->text_id, ID_SIZE);
        at = put_number(at, conversation->text_s, TIME_SIZE);
    }
    if (has_times(conversation)) {
        at = put_number(at, conversation->recent.horizon_s, TIME_SIZE);
        at = put_number(at, conversation->moved_s, TIME_SIZE);
    }
    if ((flags & DOUBT_BIT) != 0)
        at = put_number(at, conversation->doubt, COUNT_SIZE);
    if ((flags & CANDIDATES_BIT) != 0)
        *at++ = conversation->candidate_count;
    if ((flags & MORE_BIT) != 0)
        *at++ = conversation->answer_count;
    return at;
}

static unsigned char *put_recent(unsigned char *at, const struct recent *recent)
{
    for (size_t i = 0; i < recent->count; i++) {
        at = put_number(at, recent->ids[i], ID_SIZE);
        if (recent->horizon_s != 0)
            at = put_number(at, recent->sent_s[i] - recent->horizon_s, COUNT_SIZE);
    }
    return at;
}

size_t conversation_encode(const struct conversation *conversation,
                           unsigned char bytes[CONVERSATION_BYTES_MAX])
{
    const size_t count = (size_t)conversation->answer_count + conversation->candidate_count;
    unsigned char *at = put_head(bytes, conversation);

    at = put_recent(at, &conversation->recent);
    for (size_t i = 0; i < count; i++) {
        const struct uic_text text = texts_get(conversation, i);

        at = put_bytes(at, text.bytes, text.length);
    }
    if (conversation->state == CONVERSATION_COMPLETE)
        at = put_number(at, (uint64_t)conversation->completed_s, LONG_SIZE);
    if (conversation->near != FLOW_NEAR_NONE) {
        *at++ = (unsigned char)(conversation->near | (conversation->near_late ? NEAR_LATE_BIT : 0));
        memcpy(at, conversation->near_record, sizeof conversation->near_record);
        at += sizeof conversation->near_record;
        if (conversation->near == FLOW_NEAR_ASKED)
            at = put_number(at, conversation->near_shown_s, TIME_SIZE);
    }
    if (conversation->state == CONVERSATION_FINISHED || conversation->near != FLOW_NEAR_NONE)
        at = put_bytes(at, conversation->code, strlen(conversation->code));
    return (size_t)(at - bytes);
}
