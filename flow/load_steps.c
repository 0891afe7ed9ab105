/* The steps of a flow file: key, kind of answer, question and what a wrong answer is told. */
#include "flow/check.h"

#include <string.h>

#define KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define VALUE_CHARACTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LABEL_MAX 60
/* Eighteen digits fit in every integer that we compute with. */
#define NUMBER_MAX INT64_C(999999999999999999)

/* The languages of the flow as keys that an object may have. */
static void language_keys(const struct flow *flow, const char *keys[FLOW_LANGUAGES_MAX + 1])
{
    memcpy(keys, flow->languages, flow->language_count * sizeof *keys);
    keys[flow->language_count] = NULL;
}

/* A text in each language; those missing are a mistake, unless they are optional or the language
 * may lack them. */
static void load_texts(const struct flow *flow, const struct node *node, size_t max,
                       unsigned placeholders, bool optional, const char *texts[FLOW_LANGUAGES_MAX])
{
    const char *keys[FLOW_LANGUAGES_MAX + 1];

    if ((node->json == NULL && optional) || flow->language_count == 0)
        return;
    language_keys(flow, keys);
    if (!check_object(node, keys))
        return;
    for (size_t i = 0; i < flow->language_count; i++) {
        const struct node text = node_member(node, keys[i]);

        if (text.json != NULL || !(optional || language_may_lack(flow, i)))
            texts[i] = check_text(&text, max, placeholders);
    }
}

/* The same, each of which is needed: what a language lacks is said in the first one. */
static void load_needed_texts(const struct flow *flow, const struct node *node, size_t max,
                              unsigned placeholders, const char *texts[FLOW_LANGUAGES_MAX])
{
    load_texts(flow, node, max, placeholders, false, texts);
    for (size_t i = 1; i < flow->language_count; i++)
        if (texts[i] == NULL && language_may_lack(flow, i))
            texts[i] = texts[0];
}

/* A name that means two choices, or a command, could never be given as an answer. */
static void check_choice_name(const struct flow *flow, const struct node *node,
                              const struct question *question, size_t choice, const char *name)
{
    if (name == NULL)
        return;
    if (command_find(flow, name, strlen(name)) != COMMAND_NONE)
        report_mistake(node, "expected no command word");
    else {
        int found = pick_choice(flow, question, name, strlen(name));

        if (found >= 0 && (size_t)found != choice)
            report_mistake(node, "expected another name; this one means choice %d too", found + 1);
    }
}

static void load_choice(const struct flow *flow, const struct node *node, struct question *question)
{
    static const char *const keys[] = {"value", "label", "also", NULL};
    struct choice *choice = &question->choices[question->choice_count];
    const struct node value = node_member(node, "value");
    const struct node label = node_member(node, "label");

    question->choice_count++;
    if (!check_object(node, keys))
        return;
    choice->value = check_word(&value, 32, VALUE_CHARACTERS, "ASCII letters or digits");
    load_needed_texts(flow, &label, LABEL_MAX, 0, choice->labels);
}

static void load_choices(const struct flow *flow, const struct node *node,
                         struct question *question)
{
    size_t count = check_array(node, 2, FLOW_CHOICES_MAX, "choices");

    for (size_t i = 0; i < count; i++) {
        const struct node here = node_element(node, i);

        load_choice(flow, &here, question);
    }
    for (size_t i = 0; i < count; i++) {
        const struct node here = node_element(node, i);
        const struct node value = node_member(&here, "value");
        const struct node label = node_member(&here, "label");

        check_choice_name(flow, &value, question, i, question->choices[i].value);
        for (size_t j = 0; j < flow->language_count; j++) {
            const struct node text = node_member(&label, flow->languages[j]);
            const char *const *labels = question->choices[i].labels;

            if (j == 0 || labels[j] != labels[0])
                check_choice_name(flow, &text, question, i, labels[j]);
        }
    }
}

/* min and max; what they count and how far they go depends on the type. */
static void load_range(const struct node *node, struct question *question)
{
    const bool number = question->type == ANSWER_YEAR || question->type == ANSWER_INTEGER;
    const int64_t least = number ? 0 : 1;
    const int64_t most = question->type == ANSWER_YEAR ? 9999
                         : number                      ? NUMBER_MAX
                                                       : FLOW_ANSWER_CHARACTERS_MAX;
    const struct node min = node_member(node, "min");
    const struct node max = node_member(node, "max");
    bool good = true;

    question->min = 1;
    question->max = most;
    if (question->type != ANSWER_TEXT)
        good = check_integer(&min, least, most, &question->min);
    question->max_is_now = question->type == ANSWER_YEAR && json_is_string(max.json) &&
                           strcmp(json_string_value(max.json), "now") == 0;
    if (question->max_is_now || (max.json == NULL && question->type == ANSWER_TEXT))
        return;
    if (question->type == ANSWER_YEAR && !json_is_integer(max.json)) {
        report_found(&max, "expected a year, or \"now\"");
        return;
    }
    good = check_integer(&max, least, most, &question->max) && good;
    if (good && question->min > question->max)
        report_mistake(&max, "expected at least min (%lld)", (long long)question->min);
}

static void load_answer(const struct flow *flow, const struct node *node, struct question *question)
{
    static const char *const types[] = {"year",   "integer", "text", "letters",
                                        "digits", "choice",  NULL};
    static const char *const range_keys[] = {"type", "min", "max", NULL};
    static const char *const text_keys[] = {"type", "max", NULL};
    static const char *const choice_keys[] = {"type", "choices", NULL};
    const struct node type_node = node_member(node, "type");
    const struct node choices = node_member(node, "choices");

    if (!json_is_object(node->json)) {
        report_found(node, "expected an object");
        return;
    }
    int type = check_one_of(&type_node, types);
    if (type < 0)
        return;
    question->type = (enum answer_type)type;
    check_object(node, question->type == ANSWER_CHOICE ? choice_keys
                       : question->type == ANSWER_TEXT ? text_keys
                                                       : range_keys);
    if (question->type == ANSWER_CHOICE)
        load_choices(flow, &choices, question);
    else
        load_range(node, question);
}

static bool can_be_careful(const struct question *question)
{
    return question->type == ANSWER_YEAR || question->type == ANSWER_INTEGER ||
           question->type == ANSWER_TEXT || question->type == ANSWER_CHOICE;
}

/* Other names of the choices, which only a careful step knows; one may stand for several of them,
 * and then it is asked which. */
static void load_also(const struct flow *flow, const struct node *answer, struct question *question)
{
    const struct node choices = node_member(answer, "choices");

    for (size_t i = 0; i < question->choice_count; i++) {
        const struct node one = node_element(&choices, i);
        const struct node also = node_member(&one, "also");
        struct choice *choice = &question->choices[i];

        if (also.json != NULL && !question->careful)
            report_mistake(&also, "expected no such key; only a careful step has it");
        else if (also.json != NULL)
            choice->also_count = check_array(&also, 1, CHOICE_ALSO_MAX, "names");
        for (size_t j = 0; j < choice->also_count; j++) {
            const struct node name = node_element(&also, j);

            choice->also[j] = check_text(&name, LABEL_MAX, 0);
            if (choice->also[j] == NULL)
                continue;
            if (command_find(flow, choice->also[j], strlen(choice->also[j])) != COMMAND_NONE)
                report_mistake(&name, "expected no command word");
            if (strpbrk(choice->also[j], "0123456789") != NULL)
                report_found(&name, "expected a name without digits");
        }
    }
}

/* How an answer is read; a careful text says what it holds. */
static void load_reading(const struct node *node, struct question *question)
{
    static const char *const readings[] = {"careful", "plain", NULL};
    static const char *const holdings[] = {"place", "name", NULL};
    const struct node reading = node_member(node, "reading");
    const struct node holds = node_member(node, "holds");
    int index = can_be_careful(question) && question->type != ANSWER_CHOICE ? 0 : 1;

    if (reading.json != NULL)
        index = check_one_of(&reading, readings);
    if (question->type == ANSWER_TYPE_COUNT)
        return;
    if (index == 0 && !can_be_careful(question))
        report_mistake(&reading, "expected plain; letters and digits are never read carefully");
    question->careful = index == 0 && can_be_careful(question);
    if (question->type == ANSWER_TEXT && (question->careful || holds.json != NULL))
        question->holds = (enum holds)(check_one_of(&holds, holdings) + 1);
    else if (holds.json != NULL)
        report_mistake(&holds, "expected no such key; only a text has it");
}

/* What names are compared by; numbers and choices have one writing only. */
static void load_normalization(const struct flow *flow, const struct node *node,
                               struct question *question)
{
    const bool has_forms = question->type == ANSWER_TEXT || question->type == ANSWER_LETTERS;
    const struct node own = node_member(node, "normalization");

    question->normalization = flow->normalization;
    if (own.json != NULL && !has_forms && question->type != ANSWER_TYPE_COUNT)
        report_mistake(&own, "expected no such key; only text and letters have it");
    else if (own.json != NULL)
        question->normalization = check_normalization(&own, flow->normalization);
    if (!has_forms && question->normalization != UIC_REFERENCE)
        question->normalization = UIC_EXTENDED;
}

static unsigned invalid_placeholders(const struct question *question)
{
    switch (question->type) {
    case ANSWER_TYPE_COUNT: /* not known, which is reported already */
        return PLACEHOLDERS_RANGE;
    case ANSWER_CHOICE:
        return 0;
    case ANSWER_TEXT:
        return PLACEHOLDER_MAX;
    default:
        return question->max_is_now ? PLACEHOLDER_MIN : PLACEHOLDERS_RANGE;
    }
}

static void load_step(const struct flow *flow, const struct node *node, struct question *question)
{
    static const char *const keys[] = {"key",      "answer",  "reading",   "holds", "normalization",
                                       "question", "invalid", "no_answer", "which", NULL};
    const struct node key = node_member(node, "key");
    const struct node answer = node_member(node, "answer");
    const struct node text = node_member(node, "question");
    const struct node invalid = node_member(node, "invalid");
    const struct node no_answer = node_member(node, "no_answer");
    const struct node which = node_member(node, "which");

    question->type = ANSWER_TYPE_COUNT;
    if (!check_object(node, keys))
        return;
    question->key = check_word(&key, 32, KEY_CHARACTERS, "lower-case letters, digits or _");
    load_answer(flow, &answer, question);
    load_reading(node, question);
    load_also(flow, &answer, question);
    load_normalization(flow, node, question);
    load_needed_texts(flow, &text, CHECK_TEXT_MAX, PLACEHOLDERS_POSITION, question->texts);
    load_texts(flow, &invalid, CHECK_TEXT_MAX, invalid_placeholders(question), true,
               question->invalid);
    load_texts(flow, &no_answer, CHECK_TEXT_MAX, 0, true, question->no_answer);
    load_texts(flow, &which, CHECK_TEXT_MAX, PLACEHOLDER_NAMES, true, question->which);
}

static void check_key_is_new(const struct flow *flow, const struct node *node, size_t step)
{
    const struct node key = node_member(node, "key");

    for (size_t i = 0; i < step; i++)
        if (flow->questions[i].key != NULL && flow->questions[step].key != NULL &&
            strcmp(flow->questions[i].key, flow->questions[step].key) == 0)
            report_mistake(&key, "expected a key of its own; steps[%zu] has the same", i);
}

void load_steps(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "steps");
    size_t room = 1;

    flow->step_count = check_array(&node, 1, FLOW_STEPS_MAX, "steps");
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct node here = node_element(&node, i);

        load_step(flow, &here, &flow->questions[i]);
        check_key_is_new(flow, &here, i);
        room += question_kept(&flow->questions[i]);
    }
    if (room > ANSWERS_ROOM_MAX)
        report_mistake(&node,
                       "expected answers of at most %d bytes together (a text counts four times "
                       "its max); these can have %zu",
                       ANSWERS_ROOM_MAX - 1, room - 1);
}
