/* Bytes to a conversation: they are only believed when they are exactly what encode could have
 * made. */
#include "flow/codec.h"
#include "flow/turn.h"

#include <string.h>
#include <unistr.h>

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
    [CONVERSATION_NEAR] = REPLY(NOT_TEXT) | REPLY(HELP) | REPLY(BACK) | REPLY(LANGUAGE_SET) |
                          REPLY(CROSSED) | REPLIES_IN_BOTH,
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
    case CONVERSATION_NEAR:
    case CONVERSATION_COMPLETE:
        return FLOW_STEPS_MAX;
    default:
        return 0;
    }
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
    const size_t count = (size_t)conversation->answer_count + conversation->candidate_count;
    size_t end = 0;

    for (size_t i = 0; !reader->bad && i < count; i++) {
        char *out = conversation->answers + end;
        const size_t length = take_bytes(reader, out, FLOW_ANSWERS_MAX - end, is_of_text);

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

static uint32_t take_seconds(struct reader *reader)
{
    return (uint32_t)take_number(reader, TIME_SIZE);
}

/* What was asked about a record stands where it can be open, what was said in a COMPLETE one. */
static void take_near(struct reader *reader, struct conversation *conversation)
{
    const enum conversation_state state = conversation->state;
    const uint64_t said = take_number(reader, 1), near = said & ~(uint64_t)NEAR_LATE_BIT;
    const unsigned char *record = take(reader, sizeof conversation->near_record);

    reader->bad |= near != said && near != FLOW_NEAR_ASKED;
    reader->bad |= near == FLOW_NEAR_ASKED
                       ? state != CONVERSATION_NEAR && state != CONVERSATION_LANGUAGE
                       : state != CONVERSATION_COMPLETE ||
                             (near != FLOW_NEAR_SAME && near != FLOW_NEAR_DIFFERENT);
    const uint32_t shown_s = near == FLOW_NEAR_ASKED ? take_seconds(reader) : 0;
    if (reader->bad)
        return;
    conversation->near_late = near != said;
    conversation->near_shown_s = shown_s;
    conversation->near = (enum flow_near_said)near;
    memcpy(conversation->near_record, record, sizeof conversation->near_record);
}

/* A question that is open was reached, and so were those before it. */
static bool reached_fits(const struct conversation *conversation)
{
    const int least = conversation->step + (conversation->state == CONVERSATION_ASKING);

    return conversation_is_waiting(conversation)
               ? conversation->reached >= least && conversation->reached <= FLOW_STEPS_MAX
               : conversation->reached == 0;
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
    conversation->state = head[1] & STATE_BITS;
    conversation->reply = head[2];
    conversation->language = head[3];
    conversation->step = head[4];
    conversation->reached = head[5];
    conversation->hush = head[6] & HUSH_BITS;
    conversation->moved_by_answer = (head[6] & BY_ANSWER_BIT) != 0;
    conversation->fruitless = head[7];
    conversation->recent.count = (uint16_t)(head[8] | head[9] << 8);
    conversation->answer_count = conversation->step;
    reader->bad |= head[0] != VERSION || conversation->state > CONVERSATION_NEAR ||
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

    const bool near = length > STATE_AT && (bytes[STATE_AT] & NEAR_BIT) != 0;

    conversation_start(conversation, NULL, 0);
    take_head(&reader, conversation);
    take_recent(&reader, &conversation->recent);
    take_answers(&reader, conversation);
    if (conversation->state == CONVERSATION_COMPLETE)
        take_time(&reader, conversation);
    if (near)
        take_near(&reader, conversation);
    reader.bad |= conversation->state == CONVERSATION_NEAR && !near;
    if (conversation->state == CONVERSATION_FINISHED || near)
        take_bytes(&reader, conversation->code, UIC_CODE_MAX - 1, is_of_code);
    if (!reader.bad && reader.left == 0)
        return 0;
    explicit_bzero(conversation, sizeof *conversation);
    conversation_start(conversation, NULL, 0);
    return -1;
}
