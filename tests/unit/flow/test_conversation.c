/*
 * A conversation as data: to bytes and back, from hostile bytes, and always the same for the same
 * messages.
 */
#include "talk.h"

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

static void every_state_survives_the_bytes(void **state)
{
    static const char *const words[] = {"AIDE", "RETOUR", "x",       "LANGUE",
                                        "9",    "2",      "RESTART", "STOP"};
    struct conversation conversation;

    (void)state;
    conversation_start(&conversation, NULL, 0);
    check_round_trip(&conversation);
    for (size_t i = 0; i < 5; i++) {
        talk(&conversation, i);
        check_round_trip(&conversation);
        for (size_t j = 0; j < sizeof words / sizeof *words; j++) {
            say(&conversation, words[j], 77 + j);
            check_round_trip(&conversation);
        }
    }
    talk(&conversation, 5);
    assert_int_equal(CONVERSATION_COMPLETE, conversation.state);
    check_round_trip(&conversation);
    flow_finish(&conversation, NULL, "985-MBAN-15-MAR-TSHI-A3F9D", true);
    check_round_trip(&conversation);
}

static struct flow_outcome say_at(struct conversation *conversation, const char *text, uint64_t id,
                                  int64_t sent_s)
{
    const struct flow_message message = {
        .text = text, .length = strlen(text), .id = id, .sent_s = sent_s};

    return flow_step(flow, conversation, &message, sent_s);
}

/* Bytes of a registration's session, and of one in which that many more messages came. */
static void a_session_is_small(void **state)
{
    struct conversation conversation;
    unsigned char bytes[CONVERSATION_BYTES_MAX];

    (void)state;
    talk(&conversation, 5);
    flow_finish(&conversation, NULL, "985-MBAN-15-MAR-TSHI-A3F9D", false);
    assert_int_equal(6, conversation.recent.count);
    assert_int_equal(22 + 6 * 6 + 27, conversation_encode(&conversation, bytes));
    talk(&conversation, 4);
    for (uint64_t id = 1; id < 1000; id++)
        say(&conversation, "AIDE", id);
    assert_int_equal(FLOW_RECENT_MAX, conversation.recent.count);
    assert_in_range(conversation_encode(&conversation, bytes), 1, 256 * 6 + 100);
}

static void a_session_is_small_where_times_are_told(void **state)
{
    struct conversation conversation;
    unsigned char bytes[CONVERSATION_BYTES_MAX];

    (void)state;
    conversation_start(&conversation, NULL, 0);
    for (uint64_t id = 1; id < 1000; id++)
        say_at(&conversation, "AIDE", id, NOW + (int64_t)id * 10);
    assert_int_equal(FLOW_RECENT_WINDOW_S / 10 + 1, conversation.recent.count);
    for (uint64_t id = 1000; id < 2000; id++)
        say_at(&conversation, "AIDE", id, NOW + 9000 + (int64_t)id);
    assert_int_equal(FLOW_RECENT_TIMED_MAX, conversation.recent.count);
    assert_in_range(conversation_encode(&conversation, bytes), 1, 64 * 8 + 100);
    check_round_trip(&conversation);
}

static void the_longest_answers_fit(void **state)
{
    struct conversation conversation;
    char text[161] = "";

    (void)state;
    for (size_t i = 0; i < 80; i++)
        strcat(text, "œ");
    talk(&conversation, 1);
    assert_int_equal(FLOW_EVENT_ACCEPTED, say(&conversation, text, 0).event);
    assert_int_equal(FLOW_EVENT_ACCEPTED, say(&conversation, text, 0).event);
    check_round_trip(&conversation);
}

static void cut_bytes_are_refused(void **state)
{
    struct conversation conversation, fresh = {0};
    unsigned char bytes[CONVERSATION_BYTES_MAX];

    (void)state;
    conversation_start(&fresh, NULL, 0);
    for (size_t answers = 0; answers < 6; answers++) {
        size_t length;

        talk(&conversation, answers);
        if (answers == 5)
            flow_finish(&conversation, NULL, "985-MBAN-15-MAR-TSHI-A3F9D", false);
        length = conversation_encode(&conversation, bytes);
        for (size_t cut = 0; cut < length; cut++) {
            assert_int_equal(-1, conversation_decode(&conversation, bytes, cut));
            assert_memory_equal(&fresh, &conversation, sizeof fresh);
        }
        bytes[length] = 0;
        assert_int_equal(-1, conversation_decode(&conversation, bytes, length + 1));
    }
}

/* The bytes of a conversation with these counts in its head and a tail of `count` times `unit`. */
static int decode_forged(unsigned state, unsigned reply, unsigned step, unsigned recent_count,
                         const char *unit, size_t unit_length, size_t count)
{
    const unsigned reached = state == CONVERSATION_ASKING ? step + 1
                             : state == CONVERSATION_COMPLETE || state == CONVERSATION_REVIEW ? step
                                                                                              : 0;
    unsigned char bytes[CONVERSATION_BYTES_MAX] = {3,
                                                   (unsigned char)state,
                                                   (unsigned char)reply,
                                                   0,
                                                   (unsigned char)step,
                                                   (unsigned char)reached,
                                                   0,
                                                   0,
                                                   (unsigned char)recent_count,
                                                   (unsigned char)(recent_count >> 8)};
    struct conversation conversation;
    size_t length = 22; /* head and fingerprint */

    for (; count > 0; count--, length += unit_length)
        memcpy(bytes + length, unit, unit_length);
    return conversation_decode(&conversation, bytes, length);
}

/* The same of an open conversation without answers, with these flags and what they announce. */
static int decode_flags(unsigned flags, unsigned fruitless, const char *tail, size_t length)
{
    unsigned char bytes[256] = {3, CONVERSATION_ASKING,  FLOW_REPLY_WELCOME,       0, 0,
                                1, (unsigned char)flags, (unsigned char)fruitless, 1, 0};
    struct conversation conversation;

    memcpy(bytes + 22, tail, length);
    return conversation_decode(&conversation, bytes, 22 + length);
}

static void forged_flags_are_refused(void **state)
{
    (void)state;
    assert_int_equal(0, decode_flags(0, 0, "123456", 6));
    assert_int_equal(0, decode_flags(2, 0, "123456", 6));
    assert_int_equal(-1, decode_flags(3, 0, "123456", 6));
    assert_int_equal(-1,
                     decode_flags(4, 0, "123456", 6)); /* moved by an answer that is not there */
    assert_int_equal(-1, decode_flags(32, 0,
                                      "\1\0"
                                      "123456",
                                      8)); /* in doubt without an answer */
    assert_int_equal(0, decode_flags(64, 0,
                                     "\3"
                                     "123456"
                                     "\1a\1b\1c",
                                     13));
    assert_int_equal(-1, decode_flags(64, 0,
                                      "\1"
                                      "123456"
                                      "\1a",
                                      9));
    assert_int_equal(-1, decode_flags(64, 0,
                                      "\4"
                                      "123456"
                                      "\1a\1b\1c\1d",
                                      15));
    assert_int_equal(0, decode_flags(128, 0,
                                     "\2"
                                     "123456"
                                     "\1a\1b",
                                     11)); /* the first is corrected */
    assert_int_equal(-1, decode_flags(128, 0,
                                      "\0"
                                      "123456",
                                      7));
    assert_int_equal(-1, decode_flags(128 + 4, 0,
                                      "\2"
                                      "123456"
                                      "\1a\1b",
                                      11));
    assert_int_equal(0, decode_flags(32 + 128, 0,
                                     "\2\0\2"
                                     "123456"
                                     "\1a\1b",
                                     13));
    assert_int_equal(-1, decode_flags(32 + 128, 0,
                                      "\4\0\2"
                                      "123456"
                                      "\1a\1b",
                                      13));
    assert_int_equal(-1, decode_flags(32 + 128, 0,
                                      "\0\0\2"
                                      "123456"
                                      "\1a\1b",
                                      13));
    assert_int_equal(0, decode_flags(0, 21, "time123456", 10));
    assert_int_equal(-1, decode_flags(0, 22, "time123456", 10));
    assert_int_equal(0, decode_flags(8, 0, "textidtime123456", 16));
    assert_int_equal(-1, decode_flags(8, 0, "\0\0\0\0\0\0time123456", 16));
    /* An id's time is at most five minutes behind the horizon, which is told. */
    assert_int_equal(0, decode_flags(16, 0, "timetime123456\0\0", 16));
    assert_int_equal(0, decode_flags(16, 0, "timetime123456\055\001", 16));
    assert_int_equal(-1, decode_flags(16, 0, "timetime123456\056\001", 16));
    assert_int_equal(-1, decode_flags(16, 0, "\0\0\0\0time123456\0\0", 16));
    assert_int_equal(-1, decode_flags(16, 0, "\377\377\377\377time123456\1\0", 16));
}

static void forged_counts_are_refused(void **state)
{
    const unsigned asking = CONVERSATION_ASKING, accepted = FLOW_REPLY_ACCEPTED;

    (void)state;
    assert_int_equal(0, decode_forged(asking, accepted, 15, 0, "\1A", 2, 15));
    assert_int_equal(-1, decode_forged(asking, accepted, 16, 0, "\1A", 2, 16));
    assert_int_equal(-1, decode_forged(asking, accepted, 200, 0, "\1A", 2, 200));
    assert_int_equal(0, decode_forged(asking, accepted, 0, 256, "123456", 6, 256));
    assert_int_equal(-1, decode_forged(asking, accepted, 0, 257, "123456", 6, 257));
    assert_int_equal(-1, decode_forged(asking, accepted, 0, 1, "\0\0\0\0\0", 6, 1));
    /* An answer is text, not empty, and its length told in the short way. */
    assert_int_equal(0, decode_forged(asking, accepted, 1, 0, "\1a", 2, 1));
    assert_int_equal(-1, decode_forged(asking, accepted, 1, 0, "\1\377", 2, 1));
    assert_int_equal(-1, decode_forged(asking, accepted, 1, 0, "\1\303", 2, 1));
    assert_int_equal(0, decode_forged(CONVERSATION_COMPLETE, FLOW_REPLY_NONE, 1, 0,
                                      "\1A\0\0\0\0\0\0\0\0", 10, 1));
    assert_int_equal(-1, decode_forged(CONVERSATION_COMPLETE, FLOW_REPLY_NONE, 1, 0,
                                       "\1\377\0\0\0\0\0\0\0\0", 10, 1));
    assert_int_equal(-1, decode_forged(CONVERSATION_REVIEW, accepted, 1, 0, "\1a", 2, 1));
    assert_int_equal(0, decode_forged(CONVERSATION_REVIEW, FLOW_REPLY_CORRECT, 1, 0, "\1a", 2, 1));
    assert_int_equal(-1, decode_forged(asking, accepted, 1, 0, "\0", 1, 1));
    assert_int_equal(-1, decode_forged(asking, accepted, 1, 0, "\377\0\1A", 4, 1));
    /* States that do not fit what was said, or are never kept. */
    assert_int_equal(-1, decode_forged(asking, FLOW_REPLY_STOPPED, 0, 0, "", 0, 0));
    assert_int_equal(-1, decode_forged(CONVERSATION_COMPLETE, FLOW_REPLY_NONE, 0, 0, "", 0, 0));
    assert_int_equal(-1, decode_forged(asking | 0x80, accepted, 0, 0, "", 0, 0));
    assert_int_equal(-1,
                     decode_forged(CONVERSATION_FINISHED, FLOW_REPLY_NEW_CODE, 1, 0, "\1A", 2, 2));
    assert_int_equal(0,
                     decode_forged(CONVERSATION_FINISHED, FLOW_REPLY_NEW_CODE, 0, 0, "\1A", 2, 1));
}

static void a_time_that_cannot_be_is_refused(void **state)
{
    const unsigned complete = CONVERSATION_COMPLETE, none = FLOW_REPLY_NONE;

    (void)state;
    assert_int_equal(0, decode_forged(complete, none, 0, 0, "\200\341Nh\0\0\0\0", 8, 1));
    assert_int_equal(-1, decode_forged(complete, none, 0, 0, "\200\341Nh\0\0\0\200", 8, 1));
    assert_int_equal(-1, decode_forged(complete, none, 0, 0, "\377\377\377\377\377\0\0\0", 8, 1));
}

/* Whatever decode accepts, it would have written itself, and every later call is safe with it. */
static void check_accepted(const unsigned char *bytes, size_t length)
{
    struct conversation conversation;
    unsigned char again[CONVERSATION_BYTES_MAX];
    char reply[FLOW_REPLY_MAX];

    if (conversation_decode(&conversation, bytes, length) != 0)
        return;
    assert_int_equal(length, conversation_encode(&conversation, again));
    assert_memory_equal(bytes, again, length);
    flow_reply(flow, &conversation, reply);
    flow_unavailable(flow, &conversation, reply);
    say(&conversation, "1985", 5);
    flow_reply(flow, &conversation, reply);
    assert_true(utf16_units(reply) <= FLOW_REPLY_CHARACTERS_MAX);
}

static void hostile_bytes_do_no_harm(void **state)
{
    struct conversation conversation;
    unsigned char bytes[CONVERSATION_BYTES_MAX], changed[CONVERSATION_BYTES_MAX];
    size_t length;

    (void)state;
    srandom(20261123);
    talk(&conversation, 4);
    length = conversation_encode(&conversation, bytes);
    for (int round = 0; round < 200000; round++) {
        memcpy(changed, bytes, length);
        for (long i = random() % 4; i >= 0; i--)
            changed[(size_t)random() % (i % 2 == 0 ? 10 : length)] = (unsigned char)random();
        check_accepted(changed, length);
    }
    for (int round = 0; round < 50000; round++) {
        length = (size_t)random() % 64;
        for (size_t i = 0; i < length; i++)
            changed[i] = (unsigned char)(random() % (i < 10 ? 8 : 256));
        check_accepted(changed, length);
    }
}

static void the_same_messages_lead_to_the_same_place(void **state)
{
    struct conversation one, other;
    unsigned char bytes[CONVERSATION_BYTES_MAX], again[CONVERSATION_BYTES_MAX];
    size_t length;

    (void)state;
    memset(&one, 0xaa, sizeof one);
    memset(&other, 0x55, sizeof other);
    talk(&one, 3);
    talk(&other, 3);
    length = conversation_encode(&one, bytes);
    assert_int_equal(length, conversation_encode(&other, again));
    assert_memory_equal(bytes, again, length);
}

static void messages_without_id_are_never_redelivered(void **state)
{
    struct conversation conversation;

    (void)state;
    talk(&conversation, 0);
    assert_int_equal(FLOW_EVENT_INVALID, say(&conversation, "x", 0).event);
    assert_int_equal(FLOW_EVENT_INVALID, say(&conversation, "x", 0).event);
    assert_int_equal(1, conversation.recent.count);
}

static void the_outcome_names_the_question(void **state)
{
    struct conversation conversation;
    struct flow_outcome outcome;

    (void)state;
    talk(&conversation, 2);
    outcome = say(&conversation, "Marie", 5);
    assert_int_equal(FLOW_ANSWER, outcome.effect);
    assert_int_equal(2, outcome.step);
    outcome = say(&conversation, "Marie", 5);
    assert_int_equal(FLOW_REPEAT, outcome.effect);
    assert_int_equal(FLOW_EVENT_REDELIVERED, outcome.event);
    outcome = say(&conversation, "15", 6);
    outcome = say(&conversation, "Kabila", 7);
    assert_int_equal(FLOW_CLAIM, outcome.effect);
    assert_int_equal(4, outcome.step);
}

static void the_mark_holds_the_language_and_no_answer(void **state)
{
    struct conversation conversation;
    unsigned char mark[CONVERSATION_MARK_MAX] = "";
    char reply[FLOW_REPLY_MAX];
    size_t length;

    (void)state;
    conversation_start(&conversation, NULL, 0);
    assert_int_equal(0, conversation_mark(&conversation, mark));
    talk(&conversation, 2);
    say(&conversation, "LANGUAGE", 1);
    say(&conversation, "en", 2);
    length = conversation_mark(&conversation, mark);
    assert_in_range(length, 1, CONVERSATION_MARK_MAX);

    conversation_start(&conversation, mark, length);
    assert_int_equal(FLOW_EVENT_EXPIRED, say(&conversation, "Kinshasa", 3).event);
    flow_reply(flow, &conversation, reply);
    assert_non_null(strstr(reply, "Your session expired"));
    assert_int_equal(0, conversation.answer_count);

    mark[1] = 200;
    conversation_start(&conversation, mark, length);
    assert_int_equal(FLOW_EVENT_STARTED, say(&conversation, "Kinshasa", 3).event);
}

static void events_have_names(void **state)
{
    (void)state;
    assert_string_equal("started", flow_event_name(FLOW_EVENT_STARTED));
    assert_string_equal("not_text", flow_event_name(FLOW_EVENT_NOT_TEXT));
    assert_string_equal("redelivered", flow_event_name(FLOW_EVENT_REDELIVERED));
    assert_string_equal("unknown", flow_event_name((enum flow_event)99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_survives_the_bytes),
        cmocka_unit_test(a_session_is_small),
        cmocka_unit_test(a_session_is_small_where_times_are_told),
        cmocka_unit_test(the_longest_answers_fit),
        cmocka_unit_test(cut_bytes_are_refused),
        cmocka_unit_test(forged_counts_are_refused),
        cmocka_unit_test(forged_flags_are_refused),
        cmocka_unit_test(a_time_that_cannot_be_is_refused),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(the_same_messages_lead_to_the_same_place),
        cmocka_unit_test(messages_without_id_are_never_redelivered),
        cmocka_unit_test(the_outcome_names_the_question),
        cmocka_unit_test(the_mark_holds_the_language_and_no_answer),
        cmocka_unit_test(events_have_names),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
