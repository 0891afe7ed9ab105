/* What conversations leave in the counters: each table is a conversation, message by message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/telemetry/counting.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct flow *flow;
static struct counting counting;
static struct counters *counters;
static struct event_base *base;
static struct counters_link *link;

static struct conversation conversation;
static struct counting_position mark;
static uint64_t last_id;

static int64_t day_of(int64_t at_s)
{
    return at_s / 86400;
}

static int setup(void **state)
{
    size_t length;
    char *report;
    char error[ERROR_MAX];
    const char *json = flow_default_json(&length);

    (void)state;
    flow = flow_load("ciu-rdc.json", json, length, &report);
    counting_init(&counting, flow);
    const struct counters_settings settings = {
        .fields = counting.fields,
        .field_count = counting.field_count,
        .steps = counting.steps,
        .step_count = flow_step_count(flow),
        .generation = counting.generation,
        .life_minutes = 15,
        .day_of = day_of,
    };
    counters = counters_open(&settings, error);
    base = event_base_new();
    link = counters_attach(counters, base, NULL, NULL, error);
    assert_non_null(link);
    conversation_start(&conversation, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    counters_detach(link);
    event_base_free(base);
    counters_close(counters);
    flow_free(flow);
    return 0;
}

static void save(const struct flow_outcome *outcome)
{
    conversation.saved_min = (uint32_t)(time(NULL) / 60);
    counting_add(&counting, link, &mark, &conversation, outcome);
}

/* As the exchange does: loads, steps, saves what is to be saved, finishes what is complete. */
static void say_again(const char *text, uint64_t id)
{
    const struct flow_message message = {.text = text,
                                         .length = strlen(text),
                                         .id = id,
                                         .kind = text[0] != '\0' ? FLOW_MESSAGE_TEXT
                                                                 : FLOW_MESSAGE_MEDIA};

    struct flow_outcome outcome;

    counting_begin(&mark, &counting, &conversation);
    outcome = flow_step(flow, &conversation, &message, time(NULL));
    switch (outcome.effect) {
    case FLOW_CLAIM:
        save(&outcome);
        flow_finish(&conversation, &message, "985-KINS-15-JEA-KABI-15483", false);
        save(&outcome);
        break;
    case FLOW_ANSWER:
        save(&outcome);
        break;
    default:
        break;
    }
}

static void say(const char *text)
{
    say_again(text, ++last_id);
}

static void say_all(const char *const *texts)
{
    for (; *texts != NULL; texts++)
        say(*texts);
}

/* "started 1, reached:birth_year 1", all that is not 0, in the order of the fields. */
static void assert_counters(const char *expected)
{
    struct counters_reading reading = {.days = 1};
    char text[1024] = "";

    assert_int_equal(counters_read(link, &reading), STORE_OK);
    for (size_t i = 0; i < counting.field_count; i++) {
        if (reading.today[i] != 0)
            sprintf(text + strlen(text), "%s%s %d", *text ? ", " : "", counting.fields[i],
                    (int)reading.today[i]);
    }
    for (size_t i = 0; i < flow_step_count(flow); i++) {
        if (reading.here[i] != 0)
            sprintf(text + strlen(text), "%sat %s %d", *text ? ", " : "", counting.steps[i],
                    (int)reading.here[i]);
    }
    assert_string_equal(text, expected);
}

#define ALL_REACHED                                                                               \
    "reached:birth_year 1, reached:mother_birthplace 1, reached:first_name 1, reached:birth_day " \
    "1, reached:family_name 1"
#define SAY(...) say_all((const char *const[]){__VA_ARGS__, NULL})

static void a_welcome_starts_a_conversation(void **state)
{
    (void)state;
    SAY("Bonjour");
    assert_counters("started 1, reached:birth_year 1, at birth_year 1");
}

static void a_whole_conversation(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "Kinshasa", "Jean", "15", "Kabila");
    assert_counters("started 1, finished 1, " ALL_REACHED ", language:fr 1");
}

static void the_next_conversation_is_another(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "Kinshasa", "Jean", "15", "Kabila", "Encore", "1990");
    assert_counters("started 2, finished 1, reached:birth_year 2, reached:mother_birthplace 2,"
                    " reached:first_name 1, reached:birth_day 1, reached:family_name 1,"
                    " language:fr 1, at mother_birthplace 1");
}

static void messages_that_come_again_count_nothing(void **state)
{
    (void)state;
    SAY("Bonjour", "23");
    say_again("23", last_id);
    say_again("Bonjour", last_id - 1);
    SAY("1985", "Kinshasa", "Jean", "15", "Kabila");
    say_again("Kabila", last_id);
    assert_counters("started 1, finished 1, " ALL_REACHED ", wrong:birth_year 1, language:fr 1");
}

static void a_question_is_reached_once(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "RETOUR", "1986", "RETOUR", "RETOUR", "1987", "RECOMMENCER", "1988",
        "Goma");
    assert_counters("started 1, reached:birth_year 1, reached:mother_birthplace 1,"
                    " reached:first_name 1, at first_name 1");
}

static void wrong_answers_are_those_to_questions(void **state)
{
    (void)state;
    SAY("Bonjour", "23", "demain", "", "AIDE", "LANGUE", "9", "2", "1985", "...");
    assert_counters("started 1, reached:birth_year 1, reached:mother_birthplace 1,"
                    " wrong:birth_year 2, wrong:mother_birthplace 1, at mother_birthplace 1");
}

static void what_became_of_answers_is_told_by_question(void **state)
{
    (void)state;
    SAY("Bonjour", "vers 1985", "je ne sais pas", "Kinshasa", "Jean Pierre Paul", "1", "15",
        "Kabila");
    assert_counters("started 1, read_back 1, " ALL_REACHED ", wrong:mother_birthplace 1,"
                    " not_known:mother_birthplace 1, asked_which:first_name 1,"
                    " doubtful:birth_year 1, at family_name 1");
    SAY("2", "Goma", "OUI");
    assert_counters("started 1, finished 1, read_back 1, " ALL_REACHED
                    ", wrong:mother_birthplace 1, not_known:mother_birthplace 1,"
                    " asked_which:first_name 1, doubtful:birth_year 1,"
                    " corrected:mother_birthplace 1, language:fr 1");
}

/* The last answer is saved with the answers, and once more with the code. */
static void what_completes_a_conversation_counts_once(void **state)
{
    size_t length;
    char *json = strdup(flow_default_json(&length)), *report;
    struct flow *before = flow;

    (void)state;
    memcpy(strstr(json, "\"doubt\""), "\"never\"", strlen("\"never\""));
    flow = flow_load("ciu-rdc.json", json, length, &report);
    free(json);
    SAY("Bonjour", "1985", "Kinshasa", "Jean", "15", "Je m’appelle Kabila");
    assert_counters("started 1, finished 1, " ALL_REACHED
                    ", doubtful:family_name 1, language:fr 1");
    flow_free(before);
}

static void while_the_language_is_open_its_question_waits(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "LANGUE");
    assert_counters("started 1, reached:birth_year 1, reached:mother_birthplace 1,"
                    " at mother_birthplace 1");
}

static void a_code_counts_in_its_language(void **state)
{
    (void)state;
    SAY("Hello", "LANGUAGE", "English", "1985", "Kinshasa", "Jean", "15", "Kabila");
    assert_counters("started 1, finished 1, " ALL_REACHED ", language:en 1");
}

static void a_language_that_is_not_offered_counts_as_the_first(void **state)
{
    (void)state;
    SAY("Hello", "LANGUAGE", "Lingala", "1985", "Kinshasa", "Jean", "15");
    flow_withhold_unproofread(flow);
    SAY("Kabila");
    assert_counters("started 1, finished 1, " ALL_REACHED ", language:fr 1");
}

static void a_stop_ends_it(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "STOP");
    assert_counters("started 1, stopped 1, reached:birth_year 1, reached:mother_birthplace 1");
    SAY("Bonjour");
    assert_counters("started 2, stopped 1, reached:birth_year 2, reached:mother_birthplace 1,"
                    " at birth_year 1");
}

static void an_expired_one_begins_again(void **state)
{
    unsigned char bytes[CONVERSATION_MARK_MAX];

    (void)state;
    SAY("Bonjour", "1985");
    conversation_start(&conversation, bytes, conversation_mark(&conversation, bytes));
    assert_true(conversation.expired);
    SAY("Bonjour");
    /* The one of before is seen as open until its time is over. */
    assert_counters("started 2, expired 1, reached:birth_year 2, reached:mother_birthplace 1,"
                    " at birth_year 1, at mother_birthplace 1");
}

static void changed_questions_start_it_anew(void **state)
{
    (void)state;
    SAY("Bonjour", "1985", "Kinshasa");
    conversation.fingerprint ^= 1;
    SAY("Jean");
    assert_counters("started 2, reached:birth_year 2, reached:mother_birthplace 1,"
                    " reached:first_name 1, at birth_year 1, at first_name 1");
}

/* Of two messages at once one is saved; the other starts from there. */
static void what_was_not_saved_counts_nothing(void **state)
{
    const struct flow_message late = {.text = "1985", .length = 4, .id = 900};
    struct conversation other;

    (void)state;
    SAY("Bonjour");
    other = conversation;
    counting_begin(&mark, &counting, &other);
    flow_step(flow, &other, &late, time(NULL)); /* and a conflict */
    SAY("1990");
    say_again("Goma", 900);
    assert_counters("started 1, reached:birth_year 1, reached:mother_birthplace 1,"
                    " reached:first_name 1, at first_name 1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_welcome_starts_a_conversation),
        TEST(a_whole_conversation),
        TEST(the_next_conversation_is_another),
        TEST(messages_that_come_again_count_nothing),
        TEST(a_question_is_reached_once),
        TEST(wrong_answers_are_those_to_questions),
        TEST(what_became_of_answers_is_told_by_question),
        TEST(what_completes_a_conversation_counts_once),
        TEST(while_the_language_is_open_its_question_waits),
        TEST(a_code_counts_in_its_language),
        TEST(a_language_that_is_not_offered_counts_as_the_first),
        TEST(a_stop_ends_it),
        TEST(an_expired_one_begins_again),
        TEST(changed_questions_start_it_anew),
        TEST(what_was_not_saved_counts_nothing),
    };

    return cmocka_run_group_tests_name("the funnel", tests, NULL, NULL);
}
