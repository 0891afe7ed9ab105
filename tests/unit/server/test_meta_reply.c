/*
 * Replies as Meta wants them: text, buttons or a list. Flows are made here of the one that is built
 * in, with a choice for its first question.
 */
#include "server/channels/meta/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define NOW INT64_C(1795435200)

static const struct message from_number = {
    .address = "meta:+243812345678", .scheme_length = 5, .phone_number = "+243812345678"};
static const struct message from_both = {
    .address = "meta:CD.1234", .scheme_length = 5, .phone_number = "+243812345678"};
static const struct message from_user = {.address = "meta:CD.1234", .scheme_length = 5};

/* A flow whose first question has these choices; a label in French, the same in English. */
static struct flow *flow_with(const char *question, const char *const *labels, size_t count)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    json_t *json = json_loadb(built_in, length, 0, NULL);
    json_t *step = json_array_get(json_object_get(json, "steps"), 0);
    json_t *choices = json_array();
    char *text, *report = NULL, value[32];
    struct flow *flow;

    for (size_t i = 0; i < count; i++) {
        snprintf(value, sizeof value, "v%zu", i);
        json_array_append_new(choices, json_pack("{s:s, s:{s:s, s:s}}", "value", value, "label",
                                                 "fr", labels[i], "en", labels[i]));
    }
    json_object_set_new(step, "answer",
                        json_pack("{s:s, s:o}", "type", "choice", "choices", choices));
    json_object_set_new(step, "question", json_pack("{s:s, s:s}", "fr", question, "en", question));
    json_object_del(step, "invalid");
    text = json_dumps(json, 0);
    flow = flow_load("test", text, strlen(text), &report);
    if (flow == NULL)
        fail_msg("%s", report);
    free(text);
    json_decref(json);
    return flow;
}

static void hear(const struct flow *flow, struct conversation *conversation, const char *text)
{
    static uint64_t id;
    const struct flow_message message = {.text = text, .length = strlen(text), .id = ++id};

    flow_step(flow, conversation, &message, NOW);
}

static json_t *write_reply(const struct flow *flow, const struct conversation *conversation,
                           const struct message *message)
{
    char reply[FLOW_REPLY_MAX];
    size_t length = flow_reply(flow, conversation, reply), json_length;
    char *text = meta_reply_write(flow, conversation, message, reply, length, &json_length);
    json_t *json;

    assert_non_null(text);
    assert_int_equal(strlen(text), json_length);
    json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "messaging_product")), "whatsapp");
    assert_string_equal(json_string_value(json_object_get(json, "recipient_type")), "individual");
    free(text);
    return json;
}

static const char *at(const json_t *json, const char *first, const char *second, const char *third)
{
    json = json_object_get(json, first);
    json = second != NULL ? json_object_get(json, second) : json;
    return json_string_value(third != NULL ? json_object_get(json, third) : json);
}

/* The first question, with these choices: the whole message. */
static json_t *ask(const char *question, const char *const *labels, size_t count)
{
    struct flow *flow = flow_with(question, labels, count);
    struct conversation conversation;
    json_t *json;

    conversation_start(&conversation, NULL, 0);
    hear(flow, &conversation, "Bonjour");
    json = write_reply(flow, &conversation, &from_number);
    flow_free(flow);
    return json;
}

static void a_question_for_words_is_a_text(void **state)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    char *report;
    struct flow *flow = flow_load("ciu-rdc", built_in, length, &report);
    struct conversation conversation;
    json_t *json;

    (void)state;
    conversation_start(&conversation, NULL, 0);
    hear(flow, &conversation, "Bonjour");
    json = write_reply(flow, &conversation, &from_number);
    assert_string_equal(at(json, "type", NULL, NULL), "text");
    assert_non_null(strstr(at(json, "text", "body", NULL), "*Question 1 sur 5*"));
    assert_string_equal(at(json, "to", NULL, NULL), "243812345678");
    assert_null(json_object_get(json, "recipient"));
    json_decref(json);

    json = write_reply(flow, &conversation, &from_both);
    assert_string_equal(at(json, "to", NULL, NULL), "243812345678");
    assert_null(json_object_get(json, "recipient"));
    json_decref(json);

    json = write_reply(flow, &conversation, &from_user);
    assert_string_equal(at(json, "recipient", NULL, NULL), "CD.1234");
    assert_null(json_object_get(json, "to"));
    json_decref(json);
    flow_free(flow);
}

/* What LANGUE is answered with, by the flow that is built in. */
static json_t *ask_for_languages(bool withhold)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    char *report;
    struct flow *flow = flow_load("ciu-rdc", built_in, length, &report);
    struct conversation conversation;
    json_t *json;

    if (withhold)
        flow_withhold_unproofread(flow);
    conversation_start(&conversation, NULL, 0);
    hear(flow, &conversation, "Bonjour");
    hear(flow, &conversation, "LANGUE");
    json = write_reply(flow, &conversation, &from_number);
    assert_string_equal(at(json, "type", NULL, NULL), "interactive");
    assert_non_null(strstr(at(json, "interactive", "body", "text"), "2. English"));
    flow_free(flow);
    return json;
}

static void two_languages_are_buttons(void **state)
{
    json_t *json = ask_for_languages(true);
    json_t *buttons =
        json_object_get(json_object_get(json_object_get(json, "interactive"), "action"), "buttons");

    (void)state;
    assert_string_equal(at(json, "interactive", "type", NULL), "button");
    assert_int_equal(json_array_size(buttons), 2);
    assert_string_equal(at(json_array_get(buttons, 1), "type", NULL, NULL), "reply");
    assert_string_equal(at(json_array_get(buttons, 1), "reply", "id", NULL), ":en");
    assert_string_equal(at(json_array_get(buttons, 1), "reply", "title", NULL), "English");
    json_decref(json);
}

static void four_languages_are_a_list(void **state)
{
    json_t *json = ask_for_languages(false);
    json_t *sections = json_object_get(
        json_object_get(json_object_get(json, "interactive"), "action"), "sections");
    json_t *rows = json_object_get(json_array_get(sections, 0), "rows");

    (void)state;
    assert_string_equal(at(json, "interactive", "type", NULL), "list");
    assert_int_equal(json_array_size(rows), 4);
    assert_string_equal(at(json_array_get(rows, 3), "id", NULL, NULL), ":sw");
    assert_string_equal(at(json_array_get(rows, 3), "title", NULL, NULL), "Kiswahili");
    json_decref(json);
}

/* What becomes of so many labels, and of labels so long. */
static void options_become_what_has_room_for_them(void **state)
{
    static const char *const short_labels[] = {"A", "B", "C", "D", "E", "F",
                                               "G", "H", "I", "J", "K"};
    static const char *const twenty[] = {"éééééééééééééééééééé", "B", "C"};
    static const char *const beyond_twenty[] = {"ééééééééééééééééééééé", "B"};
    static const char *const twenty_four[] = {"éééééééééééééééééééééééé", "B"};
    static const char *const beyond_twenty_four[] = {"ééééééééééééééééééééééééé", "B"};
    static const struct {
        const char *const *labels;
        size_t count;
        const char *expected;
    } rows[] = {
        {short_labels, 2, "button"}, {short_labels, 3, "button"}, {short_labels, 4, "list"},
        {short_labels, 10, "list"},  {short_labels, 11, "text"},  {twenty, 3, "button"},
        {beyond_twenty, 2, "list"},  {twenty_four, 2, "list"},    {beyond_twenty_four, 2, "text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json = ask("Lequel ?", rows[i].labels, rows[i].count);
        const char *type = at(json, "interactive", "type", NULL);

        if (strcmp(type != NULL ? type : at(json, "type", NULL, NULL), rows[i].expected) != 0)
            fail_msg("row %zu is no %s", i, rows[i].expected);
        json_decref(json);
    }
}

static void a_list_has_a_button_and_one_section(void **state)
{
    static const char *const labels[] = {"A", "B", "C", "D"};
    json_t *json = ask("Lequel ?", labels, 4);
    json_t *action = json_object_get(json_object_get(json, "interactive"), "action");
    json_t *sections = json_object_get(action, "sections");
    json_t *rows = json_object_get(json_array_get(sections, 0), "rows");

    (void)state;
    assert_string_equal(at(action, "button", NULL, NULL), "Menu");
    assert_int_equal(json_array_size(sections), 1);
    assert_int_equal(json_array_size(rows), 4);
    assert_string_equal(at(json_array_get(rows, 3), "id", NULL, NULL), "birth_year:v3");
    assert_string_equal(at(json_array_get(rows, 3), "title", NULL, NULL), "D");
    json_decref(json);
}

static void a_long_question_has_no_buttons(void **state)
{
    static const char *const labels[] = {"Oui", "Non"};
    char question[1001];
    json_t *json;

    (void)state;
    memset(question, 'x', sizeof question - 1);
    question[sizeof question - 1] = '\0';
    json = ask(question, labels, 2);
    assert_string_equal(at(json, "type", NULL, NULL), "text");
    assert_non_null(strstr(at(json, "text", "body", NULL), "2. Non"));
    json_decref(json);
}

static void what_is_no_reply_of_a_conversation_is_a_text(void **state)
{
    static const char *const labels[] = {"Oui", "Non"};
    struct flow *flow = flow_with("Lequel ?", labels, 2);
    char reply[FLOW_REPLY_MAX];
    size_t length = flow_too_many(flow, reply), json_length;
    char *text = meta_reply_write(flow, NULL, &from_number, reply, length, &json_length);

    (void)state;
    assert_non_null(strstr(text, "\"type\":\"text\""));
    free(text);
    flow_free(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_for_words_is_a_text),
        cmocka_unit_test(two_languages_are_buttons),
        cmocka_unit_test(four_languages_are_a_list),
        cmocka_unit_test(options_become_what_has_room_for_them),
        cmocka_unit_test(a_list_has_a_button_and_one_section),
        cmocka_unit_test(a_long_question_has_no_buttons),
        cmocka_unit_test(what_is_no_reply_of_a_conversation_is_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
