/*
 * Conversation to bytes and back, for the session store, and the mark that stays behind an expired
 * session. Bytes are only believed when they are exactly what encode could have made.
 *
 *   version 1, state | expired << 7, reply, language, step, recent_count, reached, saved_min (4),
 *   fingerprint (8), recent_count ids (8 each),
 *   open, COMPLETE: step answers, each length (1) and bytes;  COMPLETE: completed_s (8);
 *   FINISHED: the code, length (1) and bytes
 */
#include "flow/flow.h"

#include <string.h>

#define VERSION 1
#define EXPIRED_BIT 0x80
#define HEAD_SIZE 7
#define MARK_SIZE 2
#define ID_SIZE 8
#define MINUTE_SIZE 4
/* A normalised answer's length fits in a byte or is told in two. */
#define LONG_ANSWER 255

/* Seconds of the year 9999: what comes later is no time that we wrote, and cannot be reckoned with.
 */
#define TIME_MAX UINT64_C(253402300799)

/* The replies that a stored conversation can have in each state. */
#define REPLY(kind) (1u << FLOW_REPLY_##kind)
static const unsigned replies_in[] = {
    [CONVERSATION_NEW] = REPLY(NONE),
    [CONVERSATION_ASKING] = REPLY(WELCOME) | REPLY(EXPIRED) | REPLY(CHANGED) | REPLY(ACCEPTED) |
                            REPLY(INVALID) | REPLY(NOT_TEXT) | REPLY(HELP) | REPLY(RESTARTED) |
                            REPLY(BACK) | REPLY(BACK_AT_FIRST) | REPLY(LANGUAGE_SET),
    [CONVERSATION_LANGUAGE] =
        REPLY(LANGUAGES) | REPLY(LANGUAGE_WRONG) | REPLY(HELP) | REPLY(NOT_TEXT),
    [CONVERSATION_COMPLETE] = REPLY(NONE),
    [CONVERSATION_FINISHED] = REPLY(NEW_CODE) | REPLY(EXISTING_CODE),
    [CONVERSATION_STOPPED] = REPLY(STOPPED),
};

/* Whether the person waits for something of us, so that an end without it is to be told. */
static bool is_waiting(const struct conversation *conversation)
{
    return conversation->state == CONVERSATION_ASKING ||
           conversation->state == CONVERSATION_LANGUAGE ||
           conversation->state == CONVERSATION_COMPLETE;
}

/* How many questions can be answered in this state, at most. */
static uint8_t step_max(enum conversation_state state)
{
    switch (state) {
    case CONVERSATION_ASKING:
    case CONVERSATION_LANGUAGE:
        return FLOW_STEPS_MAX - 1;
    case CONVERSATION_COMPLETE:
        return FLOW_STEPS_MAX;
    default:
        return 0;
    }
}

void conversation_start(struct conversation *conversation, const unsigned char *mark,
                        size_t mark_length)
{
    memset(conversation, 0, offsetof(struct conversation, answers));
    if (mark_length == MARK_SIZE && mark[0] == VERSION && mark[1] < FLOW_LANGUAGES_MAX) {
        conversation->expired = true;
        conversation->language = mark[1];
    }
}

size_t conversation_mark(const struct conversation *conversation,
                         unsigned char mark[CONVERSATION_MARK_MAX])
{
    if (!is_waiting(conversation))
        return 0;
    mark[0] = VERSION;
    mark[1] = conversation->language;
    return MARK_SIZE;
}

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

size_t conversation_encode(const struct conversation *conversation,
                           unsigned char bytes[CONVERSATION_BYTES_MAX])
{
    struct uic_text answers[FLOW_STEPS_MAX];
    unsigned char *at = bytes;

    *at++ = VERSION;
    *at++ = (unsigned char)(conversation->state | (conversation->expired ? EXPIRED_BIT : 0));
    *at++ = (unsigned char)conversation->reply;
    *at++ = conversation->language;
    *at++ = conversation->step;
    *at++ = conversation->recent_count;
    *at++ = conversation->reached;
    at = put_number(at, conversation->saved_min, MINUTE_SIZE);
    at = put_number(at, conversation->fingerprint, ID_SIZE);
    for (size_t i = 0; i < conversation->recent_count; i++)
        at = put_number(at, conversation->recent[i], ID_SIZE);
    conversation_answers(conversation, answers);
    for (size_t i = 0; i < conversation->answer_count; i++)
        at = put_bytes(at, answers[i].bytes, answers[i].length);
    if (conversation->state == CONVERSATION_COMPLETE)
        at = put_number(at, (uint64_t)conversation->completed_s, ID_SIZE);
    if (conversation->state == CONVERSATION_FINISHED)
        at = put_bytes(at, conversation->code, strlen(conversation->code));
    return (size_t)(at - bytes);
}

/* What is left to read; once something is missing it stays bad. */
struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static const unsigned char *take(struct reader *reader, size_t length)
{
    const unsigned char *bytes = reader->at;

    if (reader->bad || reader->left < length) {
        reader->bad = true;
        return NULL;
    }
    reader->at += length;
    reader->left -= length;
    return bytes;
}

static uint64_t take_number(struct reader *reader, int size)
{
    const unsigned char *bytes = take(reader, (size_t)size);
    uint64_t number = 0;

    for (int i = size - 1; bytes != NULL && i >= 0; i--)
        number = number << 8 | bytes[i];
    return number;
}

static bool is_of_answer(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z');
}

static bool is_of_code(unsigned char byte)
{
    return byte > ' ' && byte <= '~';
}

/* Bytes with their length in front, copied to out; 0 when there are none or they do not fit. */
static size_t take_bytes(struct reader *reader, char *out, size_t capacity,
                         bool (*allowed)(unsigned char byte))
{
    const unsigned char *bytes = take(reader, 1);
    size_t length = bytes != NULL ? *bytes : 0;

    if (length == LONG_ANSWER) {
        bytes = take(reader, 2);
        length = bytes != NULL ? (size_t)bytes[0] << 8 | bytes[1] : 0;
        reader->bad |= length < LONG_ANSWER;
    }
    reader->bad |= length == 0 || length > capacity;
    bytes = take(reader, length);
    for (size_t i = 0; bytes != NULL && i < length; i++)
        reader->bad |= !allowed(bytes[i]);
    if (reader->bad)
        return 0;
    memcpy(out, bytes, length);
    return length;
}

static void take_answers(struct reader *reader, struct conversation *conversation)
{
    size_t end = 0;

    while (!reader->bad && conversation->answer_count < conversation->step) {
        end +=
            take_bytes(reader, conversation->answers + end, FLOW_ANSWERS_MAX - end, is_of_answer);
        conversation->answer_end[conversation->answer_count++] = (uint16_t)end;
    }
}

static void take_time(struct reader *reader, struct conversation *conversation)
{
    uint64_t seconds = take_number(reader, ID_SIZE);

    reader->bad |= seconds > TIME_MAX;
    conversation->completed_s = reader->bad ? 0 : (int64_t)seconds;
}

/* A question that is open was reached, and so were those before it. */
static bool reached_fits(const struct conversation *conversation)
{
    const int least = conversation->step + (conversation->state != CONVERSATION_COMPLETE);

    return is_waiting(conversation)
               ? conversation->reached >= least && conversation->reached <= FLOW_STEPS_MAX
               : conversation->reached == 0;
}

static void take_head(struct reader *reader, struct conversation *conversation)
{
    const unsigned char *head = take(reader, HEAD_SIZE);

    if (head == NULL)
        return;
    conversation->expired = (head[1] & EXPIRED_BIT) != 0;
    conversation->state = head[1] & ~EXPIRED_BIT;
    conversation->reply = head[2];
    conversation->language = head[3];
    conversation->step = head[4];
    conversation->recent_count = head[5];
    conversation->reached = head[6];
    conversation->saved_min = (uint32_t)take_number(reader, MINUTE_SIZE);
    reader->bad |= head[0] != VERSION || conversation->state > CONVERSATION_STOPPED ||
                   head[2] > FLOW_REPLY_EXISTING_CODE ||
                   (replies_in[conversation->state] & 1u << head[2]) == 0 ||
                   (conversation->expired && conversation->state != CONVERSATION_NEW) ||
                   conversation->language >= FLOW_LANGUAGES_MAX ||
                   conversation->step > step_max(conversation->state) ||
                   conversation->recent_count > FLOW_RECENT_MAX || !reached_fits(conversation);
}

int conversation_decode(struct conversation *conversation, const unsigned char *bytes,
                        size_t length)
{
    struct reader reader = {.at = bytes, .left = length};

    conversation_start(conversation, NULL, 0);
    take_head(&reader, conversation);
    conversation->fingerprint = take_number(&reader, ID_SIZE);
    for (size_t i = 0; !reader.bad && i < conversation->recent_count; i++) {
        conversation->recent[i] = take_number(&reader, ID_SIZE);
        reader.bad |= conversation->recent[i] == 0;
    }
    take_answers(&reader, conversation);
    if (conversation->state == CONVERSATION_COMPLETE)
        take_time(&reader, conversation);
    if (conversation->state == CONVERSATION_FINISHED)
        take_bytes(&reader, conversation->code, UIC_CODE_MAX - 1, is_of_code);
    if (!reader.bad && reader.left == 0)
        return 0;
    explicit_bzero(conversation, sizeof *conversation);
    conversation_start(conversation, NULL, 0);
    return -1;
}
