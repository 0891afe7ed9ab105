/*
 * The options of an open question for channels that have buttons, and what a pressed one answers.
 * Their ids are "sex:2" for a choice and ":fr" for a language: a button stays in the person's
 * hands, and may be pressed when another question is open. What the answer is worth is answer.c's.
 */
#include "flow/definition.h"

#include <stdio.h>
#include <string.h>

/* The key that stands in front of the ids of what is open; NULL when that has no options. */
static const char *open_key(const struct flow *flow, const struct conversation *conversation)
{
    if (conversation->state == CONVERSATION_LANGUAGE)
        return "";
    if (conversation->state != CONVERSATION_ASKING || conversation->step >= flow->step_count ||
        flow->questions[conversation->step].type != ANSWER_CHOICE)
        return NULL;
    return flow->questions[conversation->step].key;
}

static void set_option(struct flow_option *option, const char *key, const char *answer,
                       const char *label)
{
    snprintf(option->id, sizeof option->id, "%s:%s", key, answer);
    option->label = label != NULL ? label : answer;
}

size_t flow_options(const struct flow *flow, const struct conversation *conversation,
                    struct flow_option options[FLOW_OPTIONS_MAX])
{
    const char *key = open_key(flow, conversation);
    const struct question *question;
    const size_t language =
        conversation->language < flow->language_count ? conversation->language : 0;

    if (key == NULL || conversation->hush != FLOW_HUSH_NONE || !reply_asks(conversation->reply))
        return 0;
    if (conversation->state == CONVERSATION_LANGUAGE) {
        for (size_t i = 0; i < flow->language_count; i++)
            set_option(&options[i], key, flow->languages[i],
                       flow->messages[i][MESSAGE_LANGUAGE_NAME]);
        return flow->language_count;
    }
    question = &flow->questions[conversation->step];
    for (size_t i = 0; i < question->choice_count; i++)
        set_option(&options[i], key, question->choices[i].value,
                   question->choices[i].labels[language]);
    return question->choice_count;
}

const char *option_answer(const struct flow *flow, const struct conversation *conversation,
                          const char *id, size_t length, size_t *answer_length)
{
    const char *key = open_key(flow, conversation);
    const size_t key_length = key != NULL ? strlen(key) : 0;

    if (key == NULL || length < key_length + 2 || memcmp(id, key, key_length) != 0 ||
        id[key_length] != ':')
        return NULL;
    *answer_length = length - key_length - 1;
    return id + key_length + 1;
}
