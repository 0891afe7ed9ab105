/*
 * From a conversation to the text of its last reply: messages in the person's language, their
 * placeholders filled in, and the open question below them.
 */
#include "flow/turn.h"

#include <stdio.h>
#include <string.h>

static const char *const placeholders[PLACEHOLDER_COUNT] = {
    "code", "number", "total", "min", "max", "languages", "answer", "answers", "names"};

static const struct {
    enum flow_reply_kind kind;
    enum message_name message;
    bool asks; /* the open question follows */
} replies[] = {
    {FLOW_REPLY_WELCOME, MESSAGE_WELCOME, true},
    {FLOW_REPLY_EXPIRED, MESSAGE_EXPIRED, true},
    {FLOW_REPLY_CHANGED, MESSAGE_CHANGED, true},
    {FLOW_REPLY_ACCEPTED, MESSAGE_ACCEPTED, true},
    {FLOW_REPLY_NOT_TEXT, MESSAGE_NOT_TEXT, true},
    {FLOW_REPLY_HELP, MESSAGE_HELP, true},
    {FLOW_REPLY_RESTARTED, MESSAGE_RESTARTED, true},
    {FLOW_REPLY_BACK, MESSAGE_BACK, true},
    {FLOW_REPLY_BACK_AT_FIRST, MESSAGE_BACK_AT_FIRST, true},
    {FLOW_REPLY_LANGUAGES, MESSAGE_CHOOSE_LANGUAGE, false},
    {FLOW_REPLY_LANGUAGE_WRONG, MESSAGE_LANGUAGE_WRONG, true},
    {FLOW_REPLY_LANGUAGE_SET, MESSAGE_LANGUAGE_SET, true},
    {FLOW_REPLY_STOPPED, MESSAGE_STOPPED, false},
    {FLOW_REPLY_NEW_CODE, MESSAGE_NEW_CODE, false},
    {FLOW_REPLY_EXISTING_CODE, MESSAGE_EXISTING_CODE, false},
    {FLOW_REPLY_REPEATED, MESSAGE_REPEATED, true},
    {FLOW_REPLY_CROSSED, MESSAGE_CROSSED, true},
    {FLOW_REPLY_VOICE, MESSAGE_VOICE, true},
    {FLOW_REPLY_EDITED, MESSAGE_EDITED, true},
    {FLOW_REPLY_ANSWERED, MESSAGE_ANSWERED, true},
    {FLOW_REPLY_QUOTED, MESSAGE_QUOTED, true},
    {FLOW_REPLY_REVIEW_AGAIN, MESSAGE_REVIEW_AGAIN, true},
    {FLOW_REPLY_CORRECT, MESSAGE_CORRECT, false},
    {FLOW_REPLY_CORRECTING, MESSAGE_CORRECTING, true},
};

/* A reply being written: cut at whole characters when there is no room, but counted to the end. */
struct writer {
    const struct flow *flow;
    const struct conversation *conversation;
    const struct question *question;
    size_t language;
    char *out;
    size_t capacity;
    size_t length;
    size_t units;
    bool full;
};

const char *placeholder_name(size_t index)
{
    return placeholders[index];
}

unsigned placeholder_at(const char *text, size_t *length)
{
    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++) {
        size_t name = strlen(placeholders[i]);

        if (strncmp(text + 1, placeholders[i], name) == 0 && text[1 + name] == '}') {
            *length = name + 2;
            return 1u << i;
        }
    }
    *length = 1;
    return 0;
}

int reply_message(enum flow_reply_kind kind)
{
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (replies[i].kind == kind)
            return (int)replies[i].message;
    return -1;
}

bool reply_asks(enum flow_reply_kind kind)
{
    if (kind == FLOW_REPLY_INVALID || kind == FLOW_REPLY_NO_ANSWER ||
        kind == FLOW_REPLY_LANGUAGES || kind == FLOW_REPLY_CORRECT || kind == FLOW_REPLY_QUESTION)
        return true;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (replies[i].kind == kind)
            return replies[i].asks;
    return false;
}

static void write_bytes(struct writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        writer->units += (size_t)((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
        if ((byte & 0xc0) != 0x80 && writer->length + 5 > writer->capacity)
            writer->full = true;
        if (!writer->full)
            writer->out[writer->length++] = text[i];
    }
}

static void write_plain(struct writer *writer, const char *text)
{
    if (text != NULL)
        write_bytes(writer, text, strlen(text));
}

static void write_number(struct writer *writer, int64_t number)
{
    char digits[24] = {(char)('0' + number)};

    if (number < 0 || number > 9) /* which question, of how many, is one digit */
        snprintf(digits, sizeof digits, "%lld", (long long)number);
    write_plain(writer, digits);
}

static void write_line(struct writer *writer, size_t index, const char *name)
{
    write_plain(writer, index > 0 ? "\n" : "");
    write_number(writer, (int64_t)index + 1);
    write_plain(writer, ". ");
    write_plain(writer, name);
}

static void write_answer(struct writer *writer, size_t index)
{
    char said[SAID_MAX];
    const size_t length =
        said_answer(writer->flow, writer->conversation, index, writer->language, said);

    write_bytes(writer, said, length);
    explicit_bzero(said, length);
}

/* The texts from first on, numbered. */
static void write_answers(struct writer *writer, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_line(writer, i, NULL);
        write_answer(writer, first + i);
    }
}

static void write_languages(struct writer *writer)
{
    size_t line = 0;

    for (size_t i = 0; i < writer->flow->language_count; i++)
        if (flow_language_is_offered(writer->flow, i))
            write_line(writer, line++, writer->flow->messages[i][MESSAGE_LANGUAGE_NAME]);
}

static void write_value(struct writer *writer, unsigned placeholder)
{
    switch (placeholder) {
    case PLACEHOLDER_CODE:
        write_plain(writer, writer->conversation->code);
        break;
    case PLACEHOLDER_NUMBER:
        write_number(writer, writer->question - writer->flow->questions + 1);
        break;
    case PLACEHOLDER_TOTAL:
        write_number(writer, (int64_t)writer->flow->step_count);
        break;
    case PLACEHOLDER_MIN:
        write_number(writer, writer->question->min);
        break;
    case PLACEHOLDER_MAX:
        write_number(writer, writer->question->max);
        break;
    case PLACEHOLDER_LANGUAGES:
        write_languages(writer);
        break;
    case PLACEHOLDER_ANSWER:
        if (writer->conversation->answer_count > 0)
            write_answer(writer, writer->conversation->answer_count - 1u);
        break;
    case PLACEHOLDER_ANSWERS:
        write_answers(writer, 0, writer->conversation->answer_count);
        break;
    case PLACEHOLDER_NAMES:
        write_answers(writer, writer->conversation->answer_count,
                      writer->conversation->candidate_count);
        break;
    default:
        write_plain(writer, "{");
    }
}

static void write_text(struct writer *writer, const char *text)
{
    if (text == NULL)
        return;
    for (;;) {
        size_t plain = strcspn(text, "{"), length;

        write_bytes(writer, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        write_value(writer, placeholder_at(text, &length));
        text += length;
    }
}

static void write_message(struct writer *writer, enum message_name message)
{
    write_text(writer, writer->flow->messages[writer->language][message]);
}

static void write_choices(struct writer *writer)
{
    const struct question *question = writer->question;
    const uint32_t listed = choose_listed(writer->flow, question, writer->conversation);

    for (size_t i = 0; i < question->choice_count; i++) {
        if ((listed & UINT32_C(1) << i) == 0)
            continue;
        write_plain(writer, i == 0 ? "\n" : "");
        write_line(writer, i, question->choices[i].labels[writer->language]);
    }
}

/* What is open: the choice of language, the review, whether it is the same person, or the question
 * with its heading and choices. */
static void write_question(struct writer *writer)
{
    const struct question *question = writer->question;

    if (writer->conversation->state == CONVERSATION_LANGUAGE) {
        write_message(writer, MESSAGE_CHOOSE_LANGUAGE);
        return;
    }
    if (writer->conversation->state == CONVERSATION_REVIEW) {
        write_message(writer, MESSAGE_REVIEW);
        return;
    }
    if (writer->conversation->state == CONVERSATION_NEAR) {
        write_message(writer, MESSAGE_NEAR);
        return;
    }
    write_message(writer, MESSAGE_HEADING);
    write_plain(writer, "\n");
    write_text(writer, writer->conversation->candidate_count > 0 && question->type != ANSWER_CHOICE
                           ? question->which[writer->language]
                           : question->texts[writer->language]);
    write_choices(writer);
}

static void write_reply(struct writer *writer, enum flow_reply_kind kind)
{
    if (kind == FLOW_REPLY_INVALID || kind == FLOW_REPLY_NO_ANSWER) {
        write_text(writer, kind == FLOW_REPLY_INVALID
                               ? writer->question->invalid[writer->language]
                               : writer->question->no_answer[writer->language]);
        write_plain(writer, "\n\n");
    }
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        if (replies[i].kind != kind)
            continue;
        write_message(writer, replies[i].message);
        if (replies[i].asks && writer->units > 0)
            write_plain(writer, "\n\n");
    }
    if (kind != FLOW_REPLY_LANGUAGES && kind != FLOW_REPLY_CORRECT && reply_asks(kind))
        write_question(writer);
}

/* A conversation may be older than the flow: never look beyond what the flow has. */
static struct writer writer_init(const struct flow *flow, const struct conversation *conversation,
                                 char *out, size_t capacity)
{
    const size_t last = flow->step_count > 0 ? flow->step_count - 1 : 0;

    return (struct writer){
        .flow = flow,
        .conversation = conversation,
        .question =
            &flow->questions[conversation->step < flow->step_count ? conversation->step : last],
        .language = flow_spoken_language(flow, conversation),
        .out = out,
        .capacity = capacity,
    };
}

size_t reply_render(const struct flow *flow, const struct conversation *conversation, char *out,
                    size_t capacity, size_t *units)
{
    struct writer writer = writer_init(flow, conversation, out, capacity);

    if (conversation->hush == FLOW_HUSH_NONE)
        write_reply(&writer, conversation->reply);
    else if (conversation->hush == FLOW_HUSH_HELP)
        write_message(&writer, MESSAGE_ASK_FOR_HELP);
    out[writer.length] = '\0';
    *units = writer.units;
    return writer.length;
}

size_t flow_reply(const struct flow *flow, const struct conversation *conversation,
                  char reply[FLOW_REPLY_MAX])
{
    size_t units;

    return reply_render(flow, conversation, reply, FLOW_REPLY_MAX, &units);
}

static size_t write_alone(const struct flow *flow, const struct conversation *conversation,
                          enum message_name message, char reply[FLOW_REPLY_MAX])
{
    const struct conversation nobody = {0};
    struct writer writer =
        writer_init(flow, conversation != NULL ? conversation : &nobody, reply, FLOW_REPLY_MAX);

    write_message(&writer, message);
    reply[writer.length] = '\0';
    return writer.length;
}

size_t flow_unavailable(const struct flow *flow, const struct conversation *conversation,
                        char reply[FLOW_REPLY_MAX])
{
    return write_alone(flow, conversation, MESSAGE_UNAVAILABLE, reply);
}

size_t flow_too_many(const struct flow *flow, char reply[FLOW_REPLY_MAX])
{
    return write_alone(flow, NULL, MESSAGE_TOO_MANY, reply);
}
