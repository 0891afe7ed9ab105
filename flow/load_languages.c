/*
 * The languages of a flow file, and who has reviewed which of them.
 */
#include "flow/check.h"

#include <string.h>

#define REVIEWERS_MAX 200

static bool is_known(const struct flow *flow, const char *code)
{
    for (size_t i = 0; i < flow->language_count; i++)
        if (strcmp(flow->languages[i], code) == 0)
            return true;
    return false;
}

static void load_codes(struct flow *flow, struct report *report, const struct place *root)
{
    struct place place = place_key(root, "languages");
    const json_t *json = json_object_get(flow->json, "languages");
    size_t count = check_array(report, &place, json, 1, FLOW_LANGUAGES_MAX, "languages");

    for (size_t i = 0; i < count && json_array_size(json) <= FLOW_LANGUAGES_MAX; i++) {
        struct place here = place_index(&place, i);
        const char *code = check_word(report, &here, json_array_get(json, i), 8,
                                      "abcdefghijklmnopqrstuvwxyz-", "lower-case letters or -");

        if (code == NULL)
            continue;
        if (is_known(flow, code))
            report_mistake(report, &here, "expected each language once; %s stands twice", code);
        else
            flow->languages[flow->language_count++] = code;
    }
}

/* Nobody's yet, or some that can be seen. */
static bool are_names(const json_t *json)
{
    const char *names = json_string_value(json);

    return names != NULL && text_units(names) <= REVIEWERS_MAX &&
           (*names == '\0' || names[strspn(names, " \n\t")] != '\0');
}

/* The first language is what the others are missing, so there is none to withhold it for. */
static void load_reviews(struct flow *flow, struct report *report, const struct place *root)
{
    struct place place = place_key(root, "reviewed_by");
    const json_t *json = json_object_get(flow->json, "reviewed_by");
    const char *keys[FLOW_LANGUAGES_MAX + 1] = {NULL};

    if (json == NULL || flow->language_count == 0)
        return;
    memcpy(keys, flow->languages + 1, (flow->language_count - 1) * sizeof *keys);
    if (!check_object(report, &place, json, keys))
        return;
    for (size_t i = 1; i < flow->language_count; i++) {
        struct place here = place_key(&place, flow->languages[i]);
        const json_t *names = json_object_get(json, flow->languages[i]);

        if (names == NULL)
            continue;
        flow->reviews[i] = json_string_length(names) == 0 ? REVIEW_OPEN : REVIEW_DONE;
        if (!are_names(names))
            report_found(report, &here, names,
                         "expected the names of those who reviewed it, at most %d characters, or "
                         "\"\" until then",
                         REVIEWERS_MAX);
    }
}

void load_languages(struct flow *flow, struct report *report)
{
    const struct place root = {0};

    load_codes(flow, report, &root);
    load_reviews(flow, report, &root);
}

bool language_may_lack(const struct flow *flow, size_t language)
{
    return flow->reviews[language] != REVIEW_NONE;
}
