/*
 * No reply may be longer than a message: each that can be made of a flow file's texts is made once,
 * with the longest answers, when the file is loaded.
 */
#include "flow/check.h"
#include "flow/turn.h"

#include <string.h>

/* Conversations of one language, with answers and names as long as they can be told back. */
struct longest {
    const struct flow *flow;
    const struct node *file;
    struct conversation answers; /* all are in */
    struct conversation names;   /* any text is a name */
};

static const char wide[] = "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";
_Static_assert(sizeof wide - 1 == SAID_UNITS_MAX + 1, "one more than is told back");

static struct uic_text longest_choice(const struct question *question, size_t language)
{
    const char *value = wide; /* where the file has mistakes */
    size_t longest = 0;

    for (size_t i = 0; i < question->choice_count; i++) {
        const struct choice *choice = &question->choices[i];

        if (choice->value != NULL && choice->labels[language] != NULL &&
            text_units(choice->labels[language]) > longest) {
            longest = text_units(choice->labels[language]);
            value = choice->value;
        }
    }
    return (struct uic_text){value, strlen(value)};
}

static struct uic_text longest_answer(const struct question *question, size_t language)
{
    size_t length = question_room(question);

    if (question->type == ANSWER_CHOICE)
        return longest_choice(question, language);
    if (length > sizeof wide - 1)
        length = sizeof wide - 1;
    return (struct uic_text){wide, length};
}

static void set_language(struct longest *longest, size_t language)
{
    const struct flow *flow = longest->flow;

    memset(&longest->answers, 0, sizeof longest->answers);
    memset(&longest->names, 0, sizeof longest->names);
    memset(longest->answers.code, 'W', UIC_CODE_MAX - 1);
    longest->answers.language = (uint8_t)language;
    longest->names.language = (uint8_t)language;
    for (uint8_t i = 0; i < flow->step_count; i++) {
        const struct uic_text answer = longest_answer(&flow->questions[i], language);

        texts_put(&longest->answers, i, answer.bytes, answer.length);
    }
    for (uint8_t i = 0; i < FLOW_STEPS_MAX + FLOW_READING_CANDIDATES_MAX; i++)
        texts_put(&longest->names, i, wide, sizeof wide - 1);
}

static size_t reply_units(const struct flow *flow, struct conversation *conversation,
                          enum conversation_state state, enum flow_reply_kind kind, size_t step)
{
    char reply[FLOW_REPLY_MAX];
    size_t units;

    conversation->state = state;
    conversation->reply = kind;
    conversation->step = (uint8_t)step;
    conversation->answer_count = (uint8_t)step;
    reply_render(flow, conversation, reply, sizeof reply, &units);
    return units;
}

/* The same where it is asked which of several names is meant. */
static size_t which_units(struct longest *longest, enum flow_reply_kind kind, size_t step)
{
    longest->names.candidate_count = FLOW_READING_CANDIDATES_MAX;
    return reply_units(longest->flow, &longest->names, CONVERSATION_ASKING, kind, step);
}

static bool can_ask_which(const struct question *question)
{
    return question->careful && question->holds == HOLDS_NAME;
}

static bool can_review(const struct flow *flow)
{
    return flow->confirm == FLOW_CONFIRM_ALWAYS ||
           (flow->confirm == FLOW_CONFIRM_DOUBT && flow->words_version != 0);
}

static void check_wrong_length(struct longest *longest, enum flow_reply_kind kind,
                               const char *of_kind, size_t step)
{
    const struct flow *flow = longest->flow;
    const struct node steps = node_member(longest->file, "steps");
    const struct node one = node_element(&steps, step);
    const struct node wrong = node_member(&one, of_kind);
    const char *language = flow->languages[longest->answers.language];
    const struct node here = node_member(&wrong, language);
    const char *follows = "question";
    size_t units = reply_units(flow, &longest->answers, CONVERSATION_ASKING, kind, step);

    if (can_ask_which(&flow->questions[step]) && which_units(longest, kind, step) > units) {
        units = which_units(longest, kind, step);
        follows = "which";
    }
    if (units > FLOW_REPLY_CHARACTERS_MAX)
        report_mistake(&here,
                       "expected at most %d characters together with steps[%zu].%s.%s; "
                       "these are %zu",
                       FLOW_REPLY_CHARACTERS_MAX, step, follows, language, units);
}

/* Whether a reply of this kind can stand above the choice of names: above an open question, but not
 * one that has just been opened. */
static bool stands_above_which(enum flow_reply_kind kind)
{
    return conversation_may_say(CONVERSATION_LANGUAGE, kind) || kind == FLOW_REPLY_LANGUAGE_SET;
}

struct worst {
    size_t units;
    char follows[64];
};

static void consider(struct worst *worst, size_t units, const char *format, size_t step,
                     const char *language)
{
    if (units <= worst->units)
        return;
    worst->units = units;
    snprintf(worst->follows, sizeof worst->follows, "steps[%zu].%s.%s", step, format, language);
}

/* The longest reply that begins with this kind's message, whatever follows it. */
static void check_kind_length(struct longest *longest, enum flow_reply_kind kind)
{
    const struct flow *flow = longest->flow;
    const char *language = flow->languages[longest->answers.language];
    const struct node messages = node_member(longest->file, "messages");
    const struct node one = node_member(&messages, language);
    const struct node here = node_member(&one, message_key((enum message_name)reply_message(kind)));
    const bool asks = conversation_may_say(CONVERSATION_ASKING, kind);
    struct worst worst = {.units = 0};

    consider(&worst, reply_units(flow, &longest->answers, CONVERSATION_LANGUAGE, kind, 0),
             "question", 0, language);
    for (size_t step = 0; asks && step < flow->step_count; step++) {
        consider(&worst, reply_units(flow, &longest->answers, CONVERSATION_ASKING, kind, step),
                 "question", step, language);
        if (stands_above_which(kind) && can_ask_which(&flow->questions[step]))
            consider(&worst, which_units(longest, kind, step), "which", step, language);
    }
    size_t units =
        reply_units(flow, &longest->answers, CONVERSATION_REVIEW, kind, flow->step_count);
    if (can_review(flow) && conversation_may_say(CONVERSATION_REVIEW, kind) &&
        units > worst.units) {
        worst.units = units;
        snprintf(worst.follows, sizeof worst.follows, "messages.%s.review", language);
    }
    units = reply_units(flow, &longest->answers, CONVERSATION_NEAR, kind, flow->step_count);
    if (flow->asks_near && conversation_may_say(CONVERSATION_NEAR, kind) && units > worst.units) {
        worst.units = units;
        snprintf(worst.follows, sizeof worst.follows, "messages.%s.near", language);
    }
    if (worst.units > FLOW_REPLY_CHARACTERS_MAX)
        report_mistake(&here,
                       "expected at most %d characters together with what follows (%s); "
                       "these are %zu",
                       FLOW_REPLY_CHARACTERS_MAX, worst.follows, worst.units);
}

/* Whether a reply of this kind begins with a message that the file always needs, or has, in the
 * language or, where that lacks it, in the first one. */
static bool has_message(const struct flow *flow, size_t language, enum flow_reply_kind kind)
{
    const int found = reply_message(kind);
    const enum message_name message = (enum message_name)found;

    return found >= 0 &&
           (!message_is_optional(message) || message_is_in_file(flow, language, message) ||
            (flow->messages[language][message] == flow->messages[0][message] &&
             message_is_in_file(flow, 0, message)));
}

void check_reply_lengths(const struct flow *flow, const struct node *file)
{
    struct longest longest = {.flow = flow, .file = file};

    for (size_t language = 0; language < flow->language_count; language++) {
        set_language(&longest, language);
        for (size_t step = 0; step < flow->step_count; step++) {
            check_wrong_length(&longest, FLOW_REPLY_INVALID, "invalid", step);
            if (flow->questions[step].no_answer[language] !=
                flow->questions[step].invalid[language])
                check_wrong_length(&longest, FLOW_REPLY_NO_ANSWER, "no_answer", step);
        }
        for (int kind = FLOW_REPLY_NONE; kind <= FLOW_REPLY_LAST; kind++)
            if (has_message(flow, language, (enum flow_reply_kind)kind))
                check_kind_length(&longest, (enum flow_reply_kind)kind);
    }
}
