/*
 * The options of what is open, for channels that have buttons, and what a pressed one answers. A
 * button stays in the person's hands, and may be pressed when something else is open, so its id
 * says of what it is: "sex:2" for a choice, "family_name:Kabila" for a name, ":fr" for a language,
 * "=1f2e3d4c:OUI" for a review of exactly these answers, and "~1f2e3d4c:1" for the question whether
 * they are the same person's. What the answer is worth is not looked at here.
 */
#include "flow/turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 34

/* So that the buttons of one review, or of one such question, answer no other one. */
static uint32_t answers_number(const struct conversation *conversation)
{
    uint32_t number = UINT32_C(2166136261);

    for (size_t i = 0; i < texts_length(conversation); i++)
        number = (number ^ (unsigned char)conversation->answers[i]) * UINT32_C(16777619);
    for (size_t i = 0; i < conversation->answer_count; i++)
        number = (number ^ conversation->answer_end[i]) * UINT32_C(16777619);
    return number;
}

/* What stands in front of the ids of what is open; false when that has no options. */
static bool open_key(const struct flow *flow, const struct conversation *conversation,
                     char key[KEY_MAX])
{
    key[0] = '\0';
    if (conversation->state == CONVERSATION_LANGUAGE)
        return true;
    if (conversation->state == CONVERSATION_REVIEW) {
        snprintf(key, KEY_MAX, "=%08" PRIx32, answers_number(conversation));
        return true;
    }
    if (conversation->state == CONVERSATION_NEAR) {
        snprintf(key, KEY_MAX, "~%08" PRIx32, answers_number(conversation));
        return true;
    }
    if (conversation->state != CONVERSATION_ASKING || conversation->step >= flow->step_count)
        return false;
    const struct question *question = &flow->questions[conversation->step];
    snprintf(key, KEY_MAX, "%s", question->key);
    return question->type == ANSWER_CHOICE || (question->careful && question->holds == HOLDS_NAME);
}

/* False when the id would be too long, which only a name can make it. */
static bool set_option(struct flow_option *option, const char *key, const char *answer,
                       const char *label)
{
    snprintf(option->label, sizeof option->label, "%s", label != NULL ? label : answer);
    return (size_t)snprintf(option->id, sizeof option->id, "%s:%s", key, answer) <
           sizeof option->id;
}

static size_t list_languages(const struct flow *flow, struct flow_option *options)
{
    size_t count = 0;

    for (size_t i = 0; i < flow->language_count; i++)
        if (flow_language_is_offered(flow, i))
            set_option(&options[count++], "", flow->languages[i],
                       flow->messages[i][MESSAGE_LANGUAGE_NAME]);
    return count;
}

static size_t list_choices(const struct flow *flow, const struct conversation *conversation,
                           size_t language, struct flow_option *options)
{
    const struct question *question = &flow->questions[conversation->step];
    const uint32_t listed = choose_listed(flow, question, conversation);
    size_t count = 0;

    for (size_t i = 0; i < question->choice_count; i++)
        if ((listed & UINT32_C(1) << i) != 0)
            set_option(&options[count++], question->key, question->choices[i].value,
                       question->choices[i].labels[language]);
    return count;
}

static size_t list_names(const struct conversation *conversation, const char *key,
                         struct flow_option *options)
{
    bool room = true;

    for (size_t i = 0; i < conversation->candidate_count; i++) {
        const struct uic_text name = texts_get(conversation, conversation->answer_count + i);
        char said[SAID_MAX], answer[FLOW_OPTION_ID_MAX];

        said_write(name.bytes, name.length, said);
        snprintf(answer, sizeof answer, "%.*s", (int)name.length, name.bytes);
        room = room && name.length < sizeof answer && set_option(&options[i], key, answer, said);
        explicit_bzero(said, sizeof said);
        explicit_bzero(answer, sizeof answer);
    }
    return room ? conversation->candidate_count : 0;
}

/* Yes and no; or, behind a no, the answers. */
static size_t list_review(const struct flow *flow, const struct conversation *conversation,
                          const char *key, size_t language, struct flow_option *options)
{
    if (conversation->reply != FLOW_REPLY_CORRECT) {
        set_option(&options[0], key, "OUI", flow->messages[language][MESSAGE_YES]);
        set_option(&options[1], key, "NON", flow->messages[language][MESSAGE_NO]);
        return 2;
    }
    for (size_t i = 0; i < conversation->answer_count; i++) {
        char said[SAID_MAX], number[8], label[FLOW_OPTION_LABEL_MAX];

        said_answer(flow, conversation, i, language, said);
        snprintf(number, sizeof number, "%zu", i + 1);
        snprintf(label, sizeof label, "%zu. %s", i + 1, said);
        set_option(&options[i], key, number, label);
        explicit_bzero(said, sizeof said);
        explicit_bzero(label, sizeof label);
    }
    return conversation->answer_count;
}

static size_t list_near(const struct flow *flow, const char *key, size_t language,
                        struct flow_option *options)
{
    set_option(&options[0], key, "1", flow->messages[language][MESSAGE_NEAR_SAME]);
    set_option(&options[1], key, "2", flow->messages[language][MESSAGE_NEAR_DIFFERENT]);
    return 2;
}

size_t flow_options(const struct flow *flow, const struct conversation *conversation,
                    struct flow_option options[FLOW_OPTIONS_MAX])
{
    const size_t language = flow_spoken_language(flow, conversation);
    char key[KEY_MAX];

    if (conversation->hush != FLOW_HUSH_NONE || !reply_asks(conversation->reply) ||
        !open_key(flow, conversation, key))
        return 0;
    if (conversation->state == CONVERSATION_LANGUAGE)
        return list_languages(flow, options);
    if (conversation->state == CONVERSATION_REVIEW)
        return list_review(flow, conversation, key, language, options);
    if (conversation->state == CONVERSATION_NEAR)
        return list_near(flow, key, language, options);
    if (flow->questions[conversation->step].type == ANSWER_CHOICE)
        return list_choices(flow, conversation, language, options);
    return list_names(conversation, key, options);
}

const char *option_answer(const struct flow *flow, const struct conversation *conversation,
                          const char *id, size_t length, size_t *answer_length)
{
    char key[KEY_MAX];
    const size_t key_length = open_key(flow, conversation, key) ? strlen(key) : length;

    if (length < key_length + 2 || memcmp(id, key, key_length) != 0 || id[key_length] != ':')
        return NULL;
    *answer_length = length - key_length - 1;
    return id + key_length + 1;
}
