/*
 * How a conversation begins, and the mark that stays behind an expired session:
 *
 *   version 2, language | open << 4 | stopped << 5 | times << 6;  times: the newest's (4)
 */
#include "flow/definition.h"

#include <string.h>

#define VERSION 2
#define MARK_LANGUAGE_BITS 0x0f
#define MARK_OPEN_BIT 0x10
#define MARK_STOPPED_BIT 0x20
#define MARK_TIMES_BIT 0x40
#define MARK_SIZE 2 /* without a time */
#define TIME_SIZE 4

bool conversation_is_waiting(const struct conversation *conversation)
{
    return conversation->state == CONVERSATION_ASKING ||
           conversation->state == CONVERSATION_LANGUAGE ||
           conversation->state == CONVERSATION_REVIEW || conversation->state == CONVERSATION_NEAR ||
           conversation->state == CONVERSATION_COMPLETE;
}

static uint32_t get_time(const unsigned char bytes[TIME_SIZE])
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

void conversation_start(struct conversation *conversation, const unsigned char *mark,
                        size_t mark_length)
{
    const bool times = mark_length == MARK_SIZE + TIME_SIZE;

    memset(conversation, 0, CONVERSATION_CLEARED);
    if ((mark_length != MARK_SIZE && !times) || mark[0] != VERSION ||
        (mark[1] & MARK_LANGUAGE_BITS) >= FLOW_LANGUAGES_MAX ||
        ((mark[1] & MARK_TIMES_BIT) != 0) != times)
        return;
    if (times)
        recent_init(&conversation->recent, recent_time(get_time(mark + MARK_SIZE)));
    conversation->expired = (mark[1] & MARK_OPEN_BIT) != 0;
    if (conversation->expired)
        conversation->language = mark[1] & MARK_LANGUAGE_BITS;
    else if ((mark[1] & MARK_STOPPED_BIT) != 0) {
        conversation->state = CONVERSATION_STOPPED;
        conversation->reply = FLOW_REPLY_STOPPED;
    }
}

static void put_time(unsigned char bytes[TIME_SIZE], uint32_t time)
{
    for (int i = 0; i < TIME_SIZE; i++)
        bytes[i] = (unsigned char)(time >> (8 * i));
}

size_t conversation_mark(const struct conversation *conversation,
                         unsigned char mark[CONVERSATION_MARK_MAX])
{
    const uint32_t newest_s = recent_newest_s(&conversation->recent);
    unsigned flags = 0;

    if (conversation_is_waiting(conversation))
        flags = MARK_OPEN_BIT | conversation->language;
    else if (conversation->state == CONVERSATION_STOPPED)
        flags = MARK_STOPPED_BIT;
    if (newest_s != 0)
        flags |= MARK_TIMES_BIT;
    mark[0] = VERSION;
    mark[1] = (unsigned char)flags;
    put_time(mark + MARK_SIZE, newest_s);
    return flags == 0 ? 0 : newest_s == 0 ? MARK_SIZE : MARK_SIZE + TIME_SIZE;
}
