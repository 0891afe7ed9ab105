/*
 * The messages of a flow file, language by language, and the check that every reply that can be
 * made of them fits in one message. The list of messages is in definition.h.
 */
#include "flow/check.h"

#include <string.h>

#define LANGUAGE_NAME_MAX 40

static const struct {
    const char *key;
    unsigned placeholders;
} messages[] = {
#define X(name, key, placeholders) {key, placeholders},
    MESSAGE_LIST(X)
#undef X
};

static bool is_optional(size_t message)
{
    return message >= MESSAGE_TOO_MANY;
}

/* What says it instead of a text that was left out; the others of the optional ones say nothing
 * above the question. */
static void take_substitutes(const char *texts[MESSAGE_COUNT])
{
    static const struct {
        enum message_name message, instead;
    } substitutes[] = {
        {MESSAGE_TOO_MANY, MESSAGE_UNAVAILABLE},
        {MESSAGE_ASK_FOR_HELP, MESSAGE_TOO_MANY},
        {MESSAGE_VOICE, MESSAGE_NOT_TEXT},
    };

    for (size_t i = 0; i < sizeof substitutes / sizeof *substitutes; i++)
        if (texts[substitutes[i].message] == NULL)
            texts[substitutes[i].message] = texts[substitutes[i].instead];
}

static void load_language(struct flow *flow, struct report *report, const struct place *place,
                          const json_t *json, size_t language)
{
    const char *keys[MESSAGE_COUNT + 1];

    for (size_t i = 0; i < MESSAGE_COUNT; i++)
        keys[i] = messages[i].key;
    keys[MESSAGE_COUNT] = NULL;
    if (!check_object(report, place, json, keys))
        return;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        struct place here = place_key(place, keys[i]);
        const json_t *text = json_object_get(json, keys[i]);
        size_t max = i == MESSAGE_LANGUAGE_NAME ? LANGUAGE_NAME_MAX : CHECK_TEXT_MAX;

        if (text != NULL || !is_optional(i))
            flow->messages[language][i] =
                check_text(report, &here, text, max, messages[i].placeholders);
    }
    take_substitutes(flow->messages[language]);
}

/* A step without its own text for wrong answers takes the one of its type. */
static void take_default_invalid(struct flow *flow, struct report *report, const json_t *json,
                                 size_t language, size_t step)
{
    struct question *question = &flow->questions[step];
    const size_t message = MESSAGE_INVALID_YEAR + (size_t)question->type;
    const char *code = flow->languages[language], *text;
    const struct place root = {0};
    struct place steps = place_key(&root, "steps");
    struct place one = place_index(&steps, step);
    struct place invalid = place_key(&one, "invalid");
    struct place here = place_key(&invalid, code);

    if (question->invalid[language] != NULL || question->type == ANSWER_TYPE_COUNT)
        return;
    text = flow->messages[language][message];
    question->invalid[language] = text;
    if (text == NULL && json_object_get(json_object_get(json, code), messages[message].key) == NULL)
        report_mistake(report, &here, "expected a text here or in messages.%s.%s", code,
                       messages[message].key);
    else if (text != NULL && question->max_is_now && strstr(text, "{max}") != NULL)
        report_mistake(report, &here,
                       "expected a text here, for messages.%s.%s has {max}, which \"now\" has not",
                       code, messages[message].key);
}

/* The name, number and code of each language must mean this one alone, and no command. */
static void check_language_names(const struct flow *flow, struct report *report,
                                 const struct place *place)
{
    for (size_t i = 0; i < flow->language_count; i++) {
        const char *name = flow->messages[i][MESSAGE_LANGUAGE_NAME];
        struct place language = place_key(place, flow->languages[i]);
        struct place here = place_key(&language, messages[MESSAGE_LANGUAGE_NAME].key);
        int found = name != NULL ? language_find(flow, name, strlen(name)) : -1;

        if (found >= 0 && (size_t)found != i)
            report_mistake(report, &here, "expected another name; this one means %s too",
                           flow->languages[found]);
        if (name != NULL && command_find(flow, name, strlen(name)) != COMMAND_NONE)
            report_mistake(report, &here, "expected no command word");
    }
}

void load_messages(struct flow *flow, struct report *report)
{
    const struct place root = {0};
    struct place place = place_key(&root, "messages");
    const json_t *json = json_object_get(flow->json, "messages");
    const char *keys[FLOW_LANGUAGES_MAX + 1];

    memcpy(keys, flow->languages, flow->language_count * sizeof *keys);
    keys[flow->language_count] = NULL;
    if (json_is_object(json) && flow->language_count == 0)
        return;
    if (!check_object(report, &place, json, keys))
        return;
    for (size_t i = 0; i < flow->language_count; i++) {
        struct place here = place_key(&place, keys[i]);

        load_language(flow, report, &here, json_object_get(json, keys[i]), i);
        for (size_t step = 0; step < flow->step_count && json_object_get(json, keys[i]) != NULL;
             step++)
            take_default_invalid(flow, report, json, i, step);
    }
    check_language_names(flow, report, &place);
}

static size_t reply_units(const struct flow *flow, struct conversation *conversation,
                          enum conversation_state state, enum flow_reply_kind kind, size_t step)
{
    char reply[FLOW_REPLY_MAX];
    size_t units;

    conversation->state = state;
    conversation->reply = kind;
    conversation->step = (uint8_t)step;
    reply_render(flow, conversation, reply, sizeof reply, &units);
    return units;
}

static void check_invalid_length(const struct flow *flow, struct report *report,
                                 struct conversation *conversation, size_t step)
{
    const struct place root = {0};
    struct place steps = place_key(&root, "steps");
    struct place one = place_index(&steps, step);
    struct place invalid = place_key(&one, "invalid");
    const char *language = flow->languages[conversation->language];
    struct place here = place_key(&invalid, language);
    size_t units = reply_units(flow, conversation, CONVERSATION_ASKING, FLOW_REPLY_INVALID, step);

    if (units > FLOW_REPLY_CHARACTERS_MAX)
        report_mistake(report, &here,
                       "expected at most %d characters together with steps[%zu].question.%s; "
                       "these are %zu",
                       FLOW_REPLY_CHARACTERS_MAX, step, language, units);
}

/* The longest reply that begins with this kind's message, whatever question follows. */
static void check_kind_length(const struct flow *flow, struct report *report,
                              struct conversation *conversation, enum flow_reply_kind kind)
{
    const struct place root = {0};
    const char *language = flow->languages[conversation->language];
    struct place place = place_key(&root, "messages");
    struct place one = place_key(&place, language);
    struct place here = place_key(&one, messages[reply_message(kind)].key);
    size_t longest = reply_units(flow, conversation, CONVERSATION_LANGUAGE, kind, 0);
    size_t worst = 0;

    for (size_t step = 0; step < flow->step_count; step++) {
        size_t units = reply_units(flow, conversation, CONVERSATION_ASKING, kind, step);

        if (units > longest) {
            longest = units;
            worst = step;
        }
    }
    if (longest > FLOW_REPLY_CHARACTERS_MAX)
        report_mistake(report, &here,
                       "expected at most %d characters together with what follows "
                       "(steps[%zu].question.%s); these are %zu",
                       FLOW_REPLY_CHARACTERS_MAX, worst, language, longest);
}

/* Whether a reply of this kind begins with a message that the file has. */
static bool has_message(const struct flow *flow, size_t language, enum flow_reply_kind kind)
{
    const int message = reply_message(kind);
    const json_t *texts =
        json_object_get(json_object_get(flow->json, "messages"), flow->languages[language]);

    return message >= 0 &&
           (!is_optional((size_t)message) || json_object_get(texts, messages[message].key) != NULL);
}

void check_reply_lengths(const struct flow *flow, struct report *report)
{
    struct conversation conversation = {0};

    memset(conversation.code, 'W', UIC_CODE_MAX - 1);
    for (size_t language = 0; language < flow->language_count; language++) {
        conversation.language = (uint8_t)language;
        for (size_t step = 0; step < flow->step_count; step++)
            check_invalid_length(flow, report, &conversation, step);
        for (int kind = FLOW_REPLY_NONE; kind <= FLOW_REPLY_LAST; kind++)
            if (has_message(flow, language, (enum flow_reply_kind)kind))
                check_kind_length(flow, report, &conversation, (enum flow_reply_kind)kind);
    }
}
