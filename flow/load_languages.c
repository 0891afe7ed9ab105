/*
 * The languages of a flow file, and who has proofread which of them.
 */
#include "flow/check.h"

#include <string.h>

#define PROOFREADERS_MAX 200

static bool is_known(const struct flow *flow, const char *code)
{
    for (size_t i = 0; i < flow->language_count; i++)
        if (strcmp(flow->languages[i], code) == 0)
            return true;
    return false;
}

static void load_codes(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "languages");
    size_t count = check_array(&node, 1, FLOW_LANGUAGES_MAX, "languages");

    for (size_t i = 0; i < count && json_array_size(node.json) <= FLOW_LANGUAGES_MAX; i++) {
        const struct node here = node_element(&node, i);
        const char *code =
            check_word(&here, 8, "abcdefghijklmnopqrstuvwxyz-", "lower-case letters or -");

        if (code == NULL)
            continue;
        if (is_known(flow, code))
            report_mistake(&here, "expected each language once; %s stands twice", code);
        else
            flow->languages[flow->language_count++] = code;
    }
}

/* Nobody's yet, or some that can be seen. */
static bool are_names(const json_t *json)
{
    const char *names = json_string_value(json);

    return names != NULL && text_units(names) <= PROOFREADERS_MAX &&
           (*names == '\0' || names[strspn(names, " \n\t")] != '\0');
}

/* The first language is what the others are missing, so there is none to withhold it for. */
static void load_proofreadings(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "reviewed_by");
    const char *keys[FLOW_LANGUAGES_MAX + 1] = {NULL};

    if (node.json == NULL || flow->language_count == 0)
        return;
    memcpy(keys, flow->languages + 1, (flow->language_count - 1) * sizeof *keys);
    if (!check_object(&node, keys))
        return;
    for (size_t i = 1; i < flow->language_count; i++) {
        const struct node names = node_member(&node, flow->languages[i]);

        if (names.json == NULL)
            continue;
        flow->proofreadings[i] =
            json_string_length(names.json) == 0 ? PROOFREADING_OPEN : PROOFREADING_DONE;
        if (!are_names(names.json))
            report_found(&names,
                         "expected the names of those who reviewed it, at most %d characters, or "
                         "\"\" until then",
                         PROOFREADERS_MAX);
    }
}

void load_languages(struct flow *flow, const struct node *file)
{
    load_codes(flow, file);
    load_proofreadings(flow, file);
}

bool language_may_lack(const struct flow *flow, size_t language)
{
    return flow->proofreadings[language] != PROOFREADING_NONE;
}
