/*
 * What a conversation keeps of answers: as they were read, in order, each replaced alone, and
 * without a trace once it is no longer needed.
 */
#include "talk.h"

static bool is_in(const void *bytes, size_t length, const char *text)
{
    return memmem(bytes, length, text, strlen(text)) != NULL;
}

static void check_round_trip(const struct conversation *conversation)
{
    unsigned char bytes[CONVERSATION_BYTES_MAX], again[CONVERSATION_BYTES_MAX];
    size_t length = conversation_encode(conversation, bytes);
    char reply[FLOW_REPLY_MAX], reply_again[FLOW_REPLY_MAX];
    struct conversation copy;

    assert_int_equal(0, conversation_decode(&copy, bytes, length));
    assert_int_equal(length, conversation_encode(&copy, again));
    assert_memory_equal(bytes, again, length);
    flow_reply(flow, conversation, reply);
    flow_reply(flow, &copy, reply_again);
    assert_string_equal(reply, reply_again);
}

static void dropped_answers_leave_no_trace(void **state)
{
    struct conversation conversation;

    (void)state;
    talk(&conversation, 3);
    assert_true(is_in(&conversation, sizeof conversation, "Marie-Claire"));
    say(&conversation, "RETOUR", 1);
    assert_false(is_in(&conversation, sizeof conversation, "Marie-Claire"));
    assert_true(is_in(&conversation, sizeof conversation, "Mbanza-Ngungu"));
    say(&conversation, "RECOMMENCER", 2);
    assert_false(is_in(&conversation, sizeof conversation, "Mbanza-Ngungu"));

    talk(&conversation, 3);
    say(&conversation, "STOP", 1);
    assert_false(is_in(&conversation, sizeof conversation, "Mbanza-Ngungu"));

    talk(&conversation, 0);
    assert_int_equal(FLOW_EVENT_INVALID, say(&conversation, "2150", 1).event);
    assert_false(is_in(&conversation, sizeof conversation, "2150"));

    talk(&conversation, 5);
    assert_true(is_in(&conversation, sizeof conversation, "Tshisekedi"));
    flow_finish(&conversation, NULL, "985-MBAN-15-MAR-TSHI-A3F9D", false);
    assert_false(is_in(&conversation, sizeof conversation, "Mbanza-Ngungu"));
    assert_false(is_in(&conversation, sizeof conversation, "Tshisekedi"));
    assert_string_equal("985-MBAN-15-MAR-TSHI-A3F9D", conversation.code);
    say(&conversation, "Bonjour", 9);
    assert_false(is_in(&conversation, sizeof conversation, "985-MBAN"));
}

static void names_to_choose_from_leave_no_trace(void **state)
{
    static const char *const ends[] = {"Ilunga", "1", "RETOUR", "RECOMMENCER", "STOP"};
    struct conversation conversation;

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        talk(&conversation, 4);
        assert_true(say(&conversation, "Tshisekedi Kasongo", 1).asked_which);
        assert_int_equal(2, conversation.candidate_count);
        check_round_trip(&conversation);
        say(&conversation, ends[i], 2);
        assert_int_equal(0, conversation.candidate_count);
        assert_false(is_in(&conversation, sizeof conversation, "Kasongo"));
        check_round_trip(&conversation);
    }
}

/* Another answer of any length in the place of any, and the old one is gone. */
static void a_corrected_answer_takes_the_place_of_the_old_one(void **state)
{
    static const char *const numbers[] = {"1", "2", "3", "4", "5"};
    static const char *const others[] = {"1990", "Goma", "Anne-Marie-Louise", "7", "Bo"};
    static const char *const before[] = {"1985", "Mbanza-Ngungu", "Marie-Claire", "15",
                                         "Tshisekedi"};
    struct conversation conversation;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct flow_outcome outcome;

        talk(&conversation, 4);
        outcome = say(&conversation, "je m’appelle Tshisekedi", 1);
        assert_true(outcome.doubtful && outcome.read_back);
        assert_int_equal(4, outcome.step);
        assert_int_equal(CONVERSATION_REVIEW, conversation.state);
        check_round_trip(&conversation);
        outcome = say(&conversation, numbers[i], 2);
        assert_int_equal(4, outcome.step);
        assert_int_equal(i, conversation.step);
        check_round_trip(&conversation);
        outcome = say(&conversation, others[i], 3);
        assert_true(outcome.corrected && !outcome.read_back);
        assert_int_equal(i, outcome.step);
        assert_int_equal(CONVERSATION_REVIEW, conversation.state);
        check_round_trip(&conversation);
        for (size_t j = 0; j < 5; j++)
            assert_int_equal(j != i,
                             is_in(conversation.answers, sizeof conversation.answers, before[j]));
        assert_true(is_in(conversation.answers, sizeof conversation.answers, others[i]));
        assert_int_equal(FLOW_CLAIM, say(&conversation, "oui", 4).effect);
        check_round_trip(&conversation);
    }
}

static void the_answers_are_normalised_and_in_order(void **state)
{
    static const char *const expected[] = {"1985", "MBANZANGUNGU", "MARIECLAIRE", "15",
                                           "TSHISEKEDI"};
    static char room[FLOW_NORMALIZED_MAX];
    struct uic_text answers[FLOW_STEPS_MAX];
    struct conversation conversation;

    (void)state;
    talk(&conversation, 5);
    assert_int_equal(0, conversation_answers(flow, &conversation, room, answers));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(strlen(expected[i]), answers[i].length);
        assert_memory_equal(expected[i], answers[i].bytes, answers[i].length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_answers_leave_no_trace),
        cmocka_unit_test(names_to_choose_from_leave_no_trace),
        cmocka_unit_test(a_corrected_answer_takes_the_place_of_the_old_one),
        cmocka_unit_test(the_answers_are_normalised_and_in_order),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
