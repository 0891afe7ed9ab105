/*
 * Conversation to bytes and back, for the session store. Bytes are only believed when they are
 * exactly what encode could have made.
 *
 *   version 3, state | expired << 7, reply, language, step, reached,
 *   hush | moved_by_answer << 2 | text << 3 | times << 4 | doubt << 5 | candidates << 6 | more << 7,
 *   fruitless, recent.count (2), saved_min (4), fingerprint (8);  fruitless: fruitless_s (4);
 *   text: text_id (6), text_s (4);  times: recent.horizon_s (4), moved_s (4);
 *   doubt: doubt (2);  candidates: candidate_count;  more: answer_count, which is step without it;
 *   recent.count ids (6 each), with times and how long behind the horizon they were sent (2);
 *   open, COMPLETE: answers and candidates, each length (1) and bytes;  COMPLETE: completed_s (8);
 *   FINISHED: the code, length (1) and bytes
 */
#include "flow/turn.h"

#include <string.h>
#include <unistr.h>

#define VERSION 3
#define EXPIRED_BIT 0x80
#define HUSH_BITS 0x03
#define BY_ANSWER_BIT 0x04
#define TEXT_BIT 0x08
#define TIMES_BIT 0x10
#define DOUBT_BIT 0x20
#define CANDIDATES_BIT 0x40
#define MORE_BIT 0x80 /* answers than step: one is being corrected */
#define HEAD_SIZE 10
#define ID_SIZE 6
#define COUNT_SIZE 2
#define TIME_SIZE 4
#define MINUTE_SIZE 4
#define LONG_SIZE 8
/* An answer's length mostly fits in a byte or is told in two. */
#define LONG_ANSWER 255

/* Seconds of the year 9999: what comes later is no time that we wrote, and cannot be reckoned
 * with. */
#define TIME_MAX UINT64_C(253402300799)

/* The replies that a stored conversation can have in each state. */
#define REPLY(kind) (1u << FLOW_REPLY_##kind)
#define REPLIES_IN_BOTH \
    (REPLY(QUESTION) | REPLY(VOICE) | REPLY(EDITED) | REPLY(ANSWERED) | REPLY(QUOTED))
static const unsigned replies_in[] = {
    [CONVERSATION_NEW] = REPLY(NONE),
    [CONVERSATION_ASKING] = REPLY(WELCOME) | REPLY(EXPIRED) | REPLY(CHANGED) | REPLY(ACCEPTED) |
                            REPLY(INVALID) | REPLY(NOT_TEXT) | REPLY(HELP) | REPLY(RESTARTED) |
                            REPLY(BACK) | REPLY(BACK_AT_FIRST) | REPLY(LANGUAGE_SET) |
                            REPLY(REPEATED) | REPLY(CROSSED) | REPLY(NO_ANSWER) |
                            REPLY(CORRECTING) | REPLIES_IN_BOTH,
    [CONVERSATION_LANGUAGE] =
        REPLY(LANGUAGES) | REPLY(LANGUAGE_WRONG) | REPLY(HELP) | REPLY(NOT_TEXT) | REPLIES_IN_BOTH,
    [CONVERSATION_COMPLETE] = REPLY(NONE),
    [CONVERSATION_FINISHED] = REPLY(NEW_CODE) | REPLY(EXISTING_CODE),
    [CONVERSATION_STOPPED] = REPLY(STOPPED),
    [CONVERSATION_REVIEW] = REPLY(NOT_TEXT) | REPLY(HELP) | REPLY(BACK) | REPLY(LANGUAGE_SET) |
                            REPLY(CROSSED) | REPLY(REVIEW_AGAIN) | REPLY(CORRECT) | REPLIES_IN_BOTH,
};

bool conversation_may_say(enum conversation_state state, enum flow_reply_kind kind)
{
    return (replies_in[state] & 1u << kind) != 0;
}

/* How many questions can be answered in this state, at most. */
static uint8_t step_max(enum conversation_state state)
{
    switch (state) {
    case CONVERSATION_ASKING:
        return FLOW_STEPS_MAX - 1;
    case CONVERSATION_LANGUAGE:
    case CONVERSATION_REVIEW:
    case CONVERSATION_COMPLETE:
        return FLOW_STEPS_MAX;
    default:
        return 0;
    }
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
    *at++ = (unsigned char)(conversation->state | (conversation->expired ? EXPIRED_BIT : 0));
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

static bool is_of_text(unsigned char byte)
{
    (void)byte; /* take_answers looks at the whole */
    return true;
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
    const bool normalized = conversation->state == CONVERSATION_COMPLETE;
    const size_t count = (size_t)conversation->answer_count + conversation->candidate_count;
    size_t end = 0;

    for (size_t i = 0; !reader->bad && i < count; i++) {
        char *out = conversation->answers + end;
        const size_t length =
            take_bytes(reader, out, FLOW_ANSWERS_MAX - end, normalized ? is_of_answer : is_of_text);

        reader->bad |= u8_check((const uint8_t *)out, length) != NULL;
        end += length;
        conversation->answer_end[i] = (uint16_t)end;
    }
}

static void take_time(struct reader *reader, struct conversation *conversation)
{
    uint64_t seconds = take_number(reader, LONG_SIZE);

    reader->bad |= seconds > TIME_MAX;
    conversation->completed_s = reader->bad ? 0 : (int64_t)seconds;
}

/* A question that is open was reached, and so were those before it. */
static bool reached_fits(const struct conversation *conversation)
{
    const int least = conversation->step + (conversation->state == CONVERSATION_ASKING);

    return conversation_is_waiting(conversation)
               ? conversation->reached >= least && conversation->reached <= FLOW_STEPS_MAX
               : conversation->reached == 0;
}

static uint32_t take_seconds(struct reader *reader)
{
    return (uint32_t)take_number(reader, TIME_SIZE);
}

/* What stands behind the head when its flags say so. */
static void take_options(struct reader *reader, struct conversation *conversation, unsigned flags)
{
    if (conversation->fruitless > 0)
        conversation->fruitless_s = take_seconds(reader);
    if ((flags & TEXT_BIT) != 0) {
        conversation->text_id = take_number(reader, ID_SIZE);
        conversation->text_s = take_seconds(reader);
        reader->bad |= conversation->text_id == 0;
    }
    if ((flags & TIMES_BIT) != 0) {
        conversation->recent.horizon_s = take_seconds(reader);
        conversation->moved_s = take_seconds(reader);
        reader->bad |= conversation->recent.horizon_s == 0;
    }
    if ((flags & DOUBT_BIT) != 0)
        conversation->doubt = (uint16_t)take_number(reader, COUNT_SIZE);
    if ((flags & CANDIDATES_BIT) != 0)
        conversation->candidate_count = (uint8_t)take_number(reader, 1);
    if ((flags & MORE_BIT) != 0)
        conversation->answer_count = (uint8_t)take_number(reader, 1);
}

/* Whether the answers and candidates can be those of a conversation that stands here. */
static bool answers_fit(const struct conversation *conversation, unsigned flags)
{
    const bool asking =
        conversation->state == CONVERSATION_ASKING ||
        (conversation->state == CONVERSATION_LANGUAGE && conversation->step < FLOW_STEPS_MAX);
    const bool complete = conversation->state == CONVERSATION_COMPLETE;

    if ((flags & DOUBT_BIT) != 0 && (conversation->doubt == 0 || complete))
        return false;
    if ((flags & CANDIDATES_BIT) != 0 &&
        (!asking || conversation->candidate_count < 2 ||
         conversation->candidate_count > FLOW_READING_CANDIDATES_MAX))
        return false;
    if ((flags & MORE_BIT) != 0 && (!asking || conversation->moved_by_answer ||
                                    conversation->answer_count <= conversation->step))
        return false;
    return conversation->answer_count <= FLOW_STEPS_MAX &&
           conversation->doubt >> conversation->answer_count == 0;
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
    conversation->reached = head[5];
    conversation->hush = head[6] & HUSH_BITS;
    conversation->moved_by_answer = (head[6] & BY_ANSWER_BIT) != 0;
    conversation->fruitless = head[7];
    conversation->recent.count = (uint16_t)(head[8] | head[9] << 8);
    conversation->answer_count = conversation->step;
    reader->bad |= head[0] != VERSION || conversation->state > CONVERSATION_REVIEW ||
                   head[2] > FLOW_REPLY_LAST ||
                   !conversation_may_say(conversation->state, conversation->reply) ||
                   (conversation->expired && conversation->state != CONVERSATION_NEW) ||
                   conversation->language >= FLOW_LANGUAGES_MAX ||
                   conversation->step > step_max(conversation->state) ||
                   !reached_fits(conversation) || conversation->hush > FLOW_HUSH_SILENT ||
                   (conversation->moved_by_answer && conversation->step == 0) ||
                   conversation->fruitless > FLOW_FRUITLESS_MAX + 1 ||
                   conversation->recent.count >
                       ((head[6] & TIMES_BIT) != 0 ? FLOW_RECENT_TIMED_MAX : FLOW_RECENT_MAX);
    conversation->saved_min = (uint32_t)take_number(reader, MINUTE_SIZE);
    conversation->fingerprint = take_number(reader, LONG_SIZE);
    take_options(reader, conversation, head[6]);
    reader->bad |= !answers_fit(conversation, head[6]);
    if (reader->bad)
        conversation->answer_count = conversation->candidate_count = 0;
}

static void take_recent(struct reader *reader, struct recent *recent)
{
    for (size_t i = 0; !reader->bad && i < recent->count; i++) {
        uint64_t since = 0;

        recent->ids[i] = take_number(reader, ID_SIZE);
        if (recent->horizon_s != 0)
            since = take_number(reader, COUNT_SIZE);
        recent->sent_s[i] = recent->horizon_s + (uint32_t)since;
        reader->bad |= recent->ids[i] == 0 || since > FLOW_RECENT_WINDOW_S + 1 ||
                       (i > 0 && since == 0 && recent->horizon_s != 0) ||
                       recent->sent_s[i] < recent->horizon_s;
    }
}

int conversation_decode(struct conversation *conversation, const unsigned char *bytes,
                        size_t length)
{
    struct reader reader = {.at = bytes, .left = length};

    conversation_start(conversation, NULL, 0);
    take_head(&reader, conversation);
    take_recent(&reader, &conversation->recent);
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
