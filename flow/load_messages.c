/*
 * The messages of a flow file, language by language, and what stands for those that it does not
 * have.
 */
#include "flow/check.h"

#include <string.h>

#define LANGUAGE_NAME_MAX 40
#define BUTTON_MAX 20 /* Meta's limit for the label of a button */

static const struct {
    const char *key;
    unsigned placeholders;
} messages[] = {
#define X(name, key, placeholders) {key, placeholders},
    MESSAGE_LIST(X)
#undef X
};

const char *message_key(enum message_name message)
{
    return messages[message].key;
}

bool message_is_optional(enum message_name message)
{
    return message >= MESSAGE_TOO_MANY;
}

bool message_is_in_file(const struct flow *flow, size_t language, enum message_name message)
{
    const json_t *texts =
        json_object_get(json_object_get(flow->json, "messages"), flow->languages[language]);

    return json_object_get(texts, message_key(message)) != NULL;
}

/* Questions must be asked, in whatever language a file does not ask them. */
static const struct {
    enum message_name message;
    const char *text;
} built_in[] = {
    {MESSAGE_REVIEW, "{answers}\n\nC’est juste\u00a0? Répondez OUI, ou envoyez le numéro de la "
                     "réponse à corriger.\nRight? Reply YES, or send the number of the answer to "
                     "correct."},
    {MESSAGE_CORRECT, "Quelle réponse faut-il corriger\u00a0? Envoyez son numéro.\nWhich answer is "
                      "to be corrected? Send its number.\n\n{answers}"},
    {MESSAGE_YES, "OUI / YES"},
    {MESSAGE_NO, "NON / NO"},
    {MESSAGE_NEAR,
     "Avez-vous déjà reçu un code avec ce téléphone pour cette personne\u00a0?\nHave you already "
     "received a code with this phone for this person?\n\n1. Oui, la même personne / Yes, the same "
     "person\n2. Non, une autre personne / No, another person"},
    {MESSAGE_NEAR_SAME, "OUI / YES"},
    {MESSAGE_NEAR_DIFFERENT, "NON / NO"},
    {MESSAGE_WHICH,
     "Un seul nom, s’il vous plaît. Lequel\u00a0? Envoyez son numéro.\nOne name only, "
     "please. Which one? Send its number.\n\n{names}"},
};

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

static void take_built_in(const char *texts[MESSAGE_COUNT])
{
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
        if (texts[built_in[i].message] == NULL)
            texts[built_in[i].message] = built_in[i].text;
}

/* Its own name nobody else can say. */
static bool may_lack(const struct flow *flow, size_t language, size_t message)
{
    return language_may_lack(flow, language) && message != MESSAGE_LANGUAGE_NAME;
}

static size_t text_max(enum message_name message)
{
    switch (message) {
    case MESSAGE_LANGUAGE_NAME:
        return LANGUAGE_NAME_MAX;
    case MESSAGE_YES:
    case MESSAGE_NO:
    case MESSAGE_NEAR_SAME:
    case MESSAGE_NEAR_DIFFERENT:
        return BUTTON_MAX;
    default:
        return CHECK_TEXT_MAX;
    }
}

static void load_language(struct flow *flow, const struct node *node, size_t language)
{
    const char *keys[MESSAGE_COUNT + 1];

    for (size_t i = 0; i < MESSAGE_COUNT; i++)
        keys[i] = messages[i].key;
    keys[MESSAGE_COUNT] = NULL;
    if (!check_object(node, keys))
        return;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        const struct node text = node_member(node, keys[i]);
        const size_t max = text_max((enum message_name)i);

        if (text.json != NULL ||
            !(message_is_optional((enum message_name)i) || may_lack(flow, language, i)))
            flow->messages[language][i] = check_text(&text, max, messages[i].placeholders);
    }
    take_substitutes(flow->messages[language]);
    if (!language_may_lack(flow, language))
        take_built_in(flow->messages[language]);
}

/* A step without its own text for wrong answers takes the one of its type. */
static void take_default_invalid(struct flow *flow, const struct node *file, size_t language,
                                 size_t step)
{
    struct question *question = &flow->questions[step];
    const size_t message = MESSAGE_INVALID_YEAR + (size_t)question->type;
    const char *code = flow->languages[language];
    const struct node steps = node_member(file, "steps");
    const struct node one = node_element(&steps, step);
    const struct node invalid = node_member(&one, "invalid");
    const struct node here = node_member(&invalid, code);

    if (question->invalid[language] != NULL || question->type == ANSWER_TYPE_COUNT)
        return;
    const char *text = flow->messages[language][message];
    if (text == NULL && language_may_lack(flow, language))
        text = question->invalid[0];
    question->invalid[language] = text;
    if (language_may_lack(flow, language) && text == question->invalid[0])
        return;
    if (text == NULL && !message_is_in_file(flow, language, (enum message_name)message))
        report_mistake(&here, "expected a text here or in messages.%s.%s", code,
                       messages[message].key);
    else if (text != NULL && question->max_is_now && strstr(text, "{max}") != NULL)
        report_mistake(&here,
                       "expected a text here, for messages.%s.%s has {max}, which \"now\" has not",
                       code, messages[message].key);
}

/* The other texts that a step can have of its own. */
static void take_defaults(struct flow *flow, size_t language, size_t step)
{
    struct question *question = &flow->questions[step];
    const char *const *texts = flow->messages[language];
    const bool lacks = language_may_lack(flow, language);

    if (question->which[language] == NULL)
        question->which[language] =
            texts[MESSAGE_WHICH] == NULL && lacks ? question->which[0] : texts[MESSAGE_WHICH];
    if (question->no_answer[language] == NULL)
        question->no_answer[language] = texts[MESSAGE_NO_ANSWER] != NULL ? texts[MESSAGE_NO_ANSWER]
                                        : lacks                          ? question->no_answer[0]
                                                : question->invalid[language];
}

/* What a language lacks is said in the first one. After the steps took what they lack. */
static void take_first_language(struct flow *flow, size_t language)
{
    for (size_t i = 0; i < MESSAGE_COUNT; i++)
        if (flow->messages[language][i] == NULL && may_lack(flow, language, i))
            flow->messages[language][i] = flow->messages[0][i];
}

/* The name, number and code of each language must mean this one alone, and no command. */
static void check_language_names(const struct flow *flow, const struct node *node)
{
    for (size_t i = 0; i < flow->language_count; i++) {
        const char *name = flow->messages[i][MESSAGE_LANGUAGE_NAME];
        const struct node language = node_member(node, flow->languages[i]);
        const struct node here = node_member(&language, messages[MESSAGE_LANGUAGE_NAME].key);
        int found = name != NULL ? pick_language(flow, name, strlen(name)) : -1;

        if (found >= 0 && (size_t)found != i)
            report_mistake(&here, "expected another name; this one means %s too",
                           flow->languages[found]);
        if (name != NULL && command_find(flow, name, strlen(name)) != COMMAND_NONE)
            report_mistake(&here, "expected no command word");
    }
}

/* Whoever writes what stands on a button means that one. */
static void check_near_answers(const struct flow *flow, const struct node *language, size_t index)
{
    const char *same = flow->messages[index][MESSAGE_NEAR_SAME];
    const char *different = flow->messages[index][MESSAGE_NEAR_DIFFERENT];
    const struct node here = node_member(language, messages[MESSAGE_NEAR_DIFFERENT].key);

    if (same == NULL || different == NULL)
        return;
    const struct uic_text label = {same, strlen(same)};

    if (pick_name(&label, 1, different, strlen(different)) >= 0)
        report_mistake(&here, "expected another text than near_same");
}

void load_messages(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "messages");
    const char *keys[FLOW_LANGUAGES_MAX + 1];

    memcpy(keys, flow->languages, flow->language_count * sizeof *keys);
    keys[flow->language_count] = NULL;
    if (json_is_object(node.json) && flow->language_count == 0)
        return;
    if (!check_object(&node, keys))
        return;
    for (size_t i = 0; i < flow->language_count; i++) {
        const struct node language = node_member(&node, keys[i]);

        load_language(flow, &language, i);
        check_near_answers(flow, &language, i);
        for (size_t step = 0; step < flow->step_count && language.json != NULL; step++) {
            take_default_invalid(flow, file, i, step);
            take_defaults(flow, i, step);
        }
        take_first_language(flow, i);
    }
    check_language_names(flow, &node);
}
