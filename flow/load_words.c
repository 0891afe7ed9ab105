/*
 * The words that careful steps are read with: those of the four built-in files, whatever language
 * the questions are in, and those that the flow file adds in the same form:
 *     {"meaning": "number", "source": "where the words come from", "words": {"quinze": 15}}
 */
#include "flow/check.h"
#include "flow/reading/reading.h"

#include <string.h>

#define GROUPS_MAX 200
#define GROUP_WORDS_MAX 500
#define SOURCE_MAX 300

#define FILES(X) X(fr) X(en) X(ln) X(sw)
#define X(language)                            \
    extern const char flow_words_##language[]; \
    extern const size_t flow_words_##language##_length;
FILES(X)
#undef X

static const char *const meanings[] = {
#define X(name, word) word,
    MEANING_LIST(X)
#undef X
        NULL};

static void add(struct words *words, const struct node *node, enum meaning meaning,
                const char *text, int value, const char *full)
{
    if (words_add(words, meaning, text, value, full) != 0)
        report_mistake(node, "expected a word of 1 to %d letters or digits", WORD_KEY_MAX - 1);
}

static int value_max(enum meaning meaning)
{
    return meaning == MEANING_MONTH ? 12 : meaning == MEANING_TIMES ? WORD_VALUE_MAX : 99;
}

static void load_list(struct words *words, const struct node *node, enum meaning meaning)
{
    const size_t count = check_array(node, 1, GROUP_WORDS_MAX, "words");

    for (size_t i = 0; i < count; i++) {
        const struct node word = node_element(node, i);

        if (json_is_string(word.json))
            add(words, &word, meaning, json_string_value(word.json), 0, NULL);
        else
            report_found(&word, "expected a word");
    }
}

/* Words that count something, or stand for something longer. */
static void load_pairs(struct words *words, const struct node *node, enum meaning meaning)
{
    const char *text;
    json_t *value;

    if (!json_is_object(node->json)) {
        report_found(node, "expected an object of words");
        return;
    }
    json_object_foreach((json_t *)node->json, text, value)
    {
        const struct node here = node_member(node, text);
        const char *full = json_string_value(value);
        int64_t number = 0;

        if (meaning != MEANING_SHORT) {
            if (check_integer(&here, 1, value_max(meaning), &number))
                add(words, &here, meaning, text, (int)number, NULL);
        } else if (full == NULL || *full == '\0' || strlen(full) > WORD_FULL_MAX)
            report_found(&here, "expected a text of 1 to %d bytes", WORD_FULL_MAX);
        else
            add(words, &here, meaning, text, 0, full);
    }
}

static void load_group(struct words *words, const struct node *node)
{
    static const char *const keys[] = {"meaning", "source", "words", NULL};
    const struct node meaning_node = node_member(node, "meaning");
    const struct node source = node_member(node, "source");
    const struct node list = node_member(node, "words");

    if (!check_object(node, keys))
        return;
    int index = check_one_of(&meaning_node, meanings);
    check_text(&source, SOURCE_MAX, 0);
    if (index < 0)
        return;
    enum meaning meaning = (enum meaning)(1u << index);
    if (meaning == MEANING_NUMBER || meaning == MEANING_TIMES || meaning == MEANING_MONTH ||
        meaning == MEANING_SHORT)
        load_pairs(words, &list, meaning);
    else
        load_list(words, &list, meaning);
}

static void load_groups(struct words *words, const struct node *node)
{
    const size_t count = check_array(node, 0, GROUPS_MAX, "groups of words");

    for (size_t i = 0; i < count; i++) {
        const struct node here = node_element(node, i);

        load_group(words, &here);
    }
}

static void load_file(struct words *words, struct report *report, const char *name,
                      const char *text, size_t length)
{
    json_t *json = json_loadb(text, length, 0, NULL);
    const struct node root = node_root(report, NULL);
    const struct node file = {.report = report, .above = &root, .key = name, .json = json};
    const struct node groups = node_member(&file, "words");

    if (json == NULL)
        report_mistake(&root, "expected more memory");
    else
        load_groups(words, &groups);
    json_decref(json);
}

static bool has_careful_step(const struct flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (flow->questions[i].careful)
            return true;
    return false;
}

void load_words(struct flow *flow, const struct node *file)
{
    const struct node groups = node_member(file, "words");

    const bool counts =
        groups.json != NULL || has_careful_step(flow) || flow->confirm == FLOW_CONFIRM_ALWAYS;

    if (!counts && !flow->asks_near)
        return;
    flow->words = words_new();
    if (flow->words == NULL) {
        report_mistake(file, "expected more memory");
        return;
    }
#define X(language)                                                                         \
    load_file(flow->words, file->report, "words/" #language ".json", flow_words_##language, \
              flow_words_##language##_length);
    FILES(X)
#undef X
    if (groups.json != NULL)
        load_groups(flow->words, &groups);
    words_sort(flow->words);
    if (counts && words_version(flow->words, &flow->words_version) != 0)
        report_mistake(file, "expected more memory");
}
