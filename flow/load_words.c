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

static void add(struct words *words, struct report *report, const struct place *place,
                enum meaning meaning, const char *text, int value, const char *full)
{
    if (words_add(words, meaning, text, value, full) != 0)
        report_mistake(report, place, "expected a word of 1 to %d letters or digits",
                       WORD_KEY_MAX - 1);
}

static int value_max(enum meaning meaning)
{
    return meaning == MEANING_MONTH ? 12 : meaning == MEANING_TIMES ? WORD_VALUE_MAX : 99;
}

static void load_list(struct words *words, struct report *report, const struct place *place,
                      const json_t *json, enum meaning meaning)
{
    const size_t count = check_array(report, place, json, 1, GROUP_WORDS_MAX, "words");

    for (size_t i = 0; i < count; i++) {
        struct place here = place_index(place, i);
        const json_t *text = json_array_get(json, i);

        if (json_is_string(text))
            add(words, report, &here, meaning, json_string_value(text), 0, NULL);
        else
            report_found(report, &here, text, "expected a word");
    }
}

/* Words that count something, or stand for something longer. */
static void load_pairs(struct words *words, struct report *report, const struct place *place,
                       json_t *json, enum meaning meaning)
{
    const char *text;
    json_t *value;

    if (!json_is_object(json)) {
        report_found(report, place, json, "expected an object of words");
        return;
    }
    json_object_foreach(json, text, value)
    {
        struct place here = place_key(place, text);
        const char *full = json_string_value(value);
        int64_t number = 0;

        if (meaning != MEANING_SHORT) {
            if (check_integer(report, &here, value, 1, value_max(meaning), &number))
                add(words, report, &here, meaning, text, (int)number, NULL);
        } else if (full == NULL || *full == '\0' || strlen(full) > WORD_FULL_MAX)
            report_found(report, &here, value, "expected a text of 1 to %d bytes", WORD_FULL_MAX);
        else
            add(words, report, &here, meaning, text, 0, full);
    }
}

static void load_group(struct words *words, struct report *report, const struct place *place,
                       const json_t *json)
{
    static const char *const keys[] = {"meaning", "source", "words", NULL};
    struct place meaning_place = place_key(place, "meaning");
    struct place source_place = place_key(place, "source");
    struct place words_place = place_key(place, "words");
    json_t *list = json_object_get(json, "words");
    enum meaning meaning;

    if (!check_object(report, place, json, keys))
        return;
    int index = check_one_of(report, &meaning_place, json_object_get(json, "meaning"), meanings);
    check_text(report, &source_place, json_object_get(json, "source"), SOURCE_MAX, 0);
    if (index < 0)
        return;
    meaning = (enum meaning)(1u << index);
    if (meaning == MEANING_NUMBER || meaning == MEANING_TIMES || meaning == MEANING_MONTH ||
        meaning == MEANING_SHORT)
        load_pairs(words, report, &words_place, list, meaning);
    else
        load_list(words, report, &words_place, list, meaning);
}

static void load_groups(struct words *words, struct report *report, const struct place *place,
                        const json_t *json)
{
    const size_t count = check_array(report, place, json, 0, GROUPS_MAX, "groups of words");

    for (size_t i = 0; i < count; i++) {
        struct place here = place_index(place, i);

        load_group(words, report, &here, json_array_get(json, i));
    }
}

static void load_file(struct words *words, struct report *report, const char *name,
                      const char *text, size_t length)
{
    const struct place root = {0};
    struct place file = place_key(&root, name);
    struct place place = place_key(&file, "words");
    json_t *json = json_loadb(text, length, 0, NULL);

    if (json == NULL)
        report_mistake(report, &root, "expected more memory");
    else
        load_groups(words, report, &place, json_object_get(json, "words"));
    json_decref(json);
}

static bool has_careful_step(const struct flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (flow->questions[i].careful)
            return true;
    return false;
}

void load_words(struct flow *flow, struct report *report)
{
    const struct place root = {0};
    struct place place = place_key(&root, "words");
    const json_t *json = json_object_get(flow->json, "words");

    if (json == NULL && !has_careful_step(flow) && flow->confirm != FLOW_CONFIRM_ALWAYS)
        return;
    flow->words = words_new();
    if (flow->words == NULL) {
        report_mistake(report, &root, "expected more memory");
        return;
    }
#define X(language)                                                                   \
    load_file(flow->words, report, "words/" #language ".json", flow_words_##language, \
              flow_words_##language##_length);
    FILES(X)
#undef X
    if (json != NULL)
        load_groups(flow->words, report, &place, json);
    words_sort(flow->words);
    if (words_version(flow->words, &flow->words_version) != 0)
        report_mistake(report, &root, "expected more memory");
}
