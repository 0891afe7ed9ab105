/* What an outcome of the Graph API means for a message. */
#include "server/channels/meta/graph_answer.h"
#include "server/channels/meta/graph_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER(s, b, c)                                                                        \
    (struct graph_result)                                                                      \
    {                                                                                          \
        .answered = true, .request_sent = true, .status = s, .says = GRAPH_SAYS_##b, .code = c \
    }

static void each_outcome_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        struct graph_result result;
        enum graph_kind kind;
    } rows[] = {
        {ANSWER(200, SENT, 0), GRAPH_SENT},
        {ANSWER(201, SENT, 0), GRAPH_SENT},
        {ANSWER(400, SENT, 0), GRAPH_FOREIGN},
        /* Whatever else has a good status is none of Meta's. */
        {ANSWER(200, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(204, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(200, OTHER, 0), GRAPH_UNCONFIRMED},
        {ANSWER(200, ERROR, 131000), GRAPH_FAILING},
        {ANSWER(200, ERROR, 190), GRAPH_LOCKED_OUT},
        {ANSWER(200, ERROR, 131026), GRAPH_FOREIGN},
        /* Limits. */
        {ANSWER(429, ERROR, 0), GRAPH_THROTTLED},
        {ANSWER(429, NOTHING, 0), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 4), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 17), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 341), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 613), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 80007), GRAPH_THROTTLED},
        {ANSWER(429, ERROR, 130429), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 130429), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 131048), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 131056), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 131064), GRAPH_THROTTLED},
        {ANSWER(400, ERROR, 133016), GRAPH_THROTTLED},
        /* Errors of the other side, whatever their status. */
        {ANSWER(500, ERROR, 131000), GRAPH_FAILING},
        {ANSWER(503, NOTHING, 0), GRAPH_FAILING},
        {ANSWER(408, NOTHING, 0), GRAPH_FAILING},
        {ANSWER(425, NOTHING, 0), GRAPH_FAILING},
        {ANSWER(400, ERROR, 1), GRAPH_FAILING},
        {ANSWER(400, ERROR, 2), GRAPH_FAILING},
        {ANSWER(400, ERROR, 131016), GRAPH_FAILING},
        {ANSWER(400, ERROR, 131057), GRAPH_FAILING},
        {ANSWER(403, ERROR, 133004), GRAPH_FAILING},
        {{.answered = true,
          .status = 400,
          .says = GRAPH_SAYS_ERROR,
          .code = 131009,
          .transient = true},
         GRAPH_FAILING},
        /* What is about us. */
        {ANSWER(401, ERROR, 190), GRAPH_LOCKED_OUT},
        {ANSWER(400, ERROR, 190), GRAPH_LOCKED_OUT},
        {ANSWER(401, NOTHING, 0), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 0), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 10), GRAPH_LOCKED_OUT},
        {ANSWER(400, ERROR, 33), GRAPH_LOCKED_OUT},
        {{.answered = true, .status = 400, .says = GRAPH_SAYS_ERROR, .code = 100, .subcode = 33},
         GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 200), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 299), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 368), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 130497), GRAPH_LOCKED_OUT},
        {ANSWER(403, ERROR, 131031), GRAPH_LOCKED_OUT},
        {ANSWER(400, ERROR, 131037), GRAPH_LOCKED_OUT},
        {ANSWER(402, ERROR, 131042), GRAPH_LOCKED_OUT},
        /* What Meta refuses. */
        {ANSWER(400, ERROR, 100), GRAPH_REFUSED},
        {ANSWER(400, ERROR, 131026), GRAPH_REFUSED},
        {ANSWER(400, ERROR, 131047), GRAPH_REFUSED},
        {ANSWER(404, ERROR, 131009), GRAPH_REFUSED},
        /* What somebody between us and Meta refuses. */
        {ANSWER(302, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(400, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(403, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(403, OTHER, 0), GRAPH_FOREIGN},
        {ANSWER(404, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(407, NOTHING, 0), GRAPH_FOREIGN},
        {ANSWER(421, NOTHING, 0), GRAPH_FOREIGN},
        {{.request_sent = false}, GRAPH_UNREACHABLE},
        {{.request_sent = true}, GRAPH_UNCONFIRMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum graph_kind kind = graph_judge(&rows[i].result, 0, 0).kind;
        if (kind != rows[i].kind)
            fail_msg("status %d code %d: %d, not %d", rows[i].result.status, rows[i].result.code,
                     (int)kind, (int)rows[i].kind);
        assert_int_equal(graph_is_later(kind), graph_judge(&rows[i].result, 0, 0).delay_ms > 0);
    }
}

static void what_is_about_us_is_known_wherever_it_is_told(void **state)
{
    (void)state;
    assert_true(graph_is_about_us(131042, 0));
    assert_true(graph_is_about_us(368, 0));
    assert_true(graph_is_about_us(131031, 0));
    assert_true(graph_is_about_us(100, 33));
    assert_false(graph_is_about_us(100, 0));
    assert_false(graph_is_about_us(131026, 0));
    assert_false(graph_is_about_us(131047, 0));
}

static void what_may_have_arrived_is_repeated_twice_at_most(void **state)
{
    (void)state;
    const struct graph_result lost = {.request_sent = true};

    assert_true(graph_is_later(graph_judge(&lost, 5, 0).kind));
    assert_true(graph_is_later(graph_judge(&lost, 5, 1).kind));
    assert_int_equal(graph_judge(&lost, 5, 2).kind, GRAPH_UNCONFIRMED_3);
    assert_false(graph_is_later(GRAPH_UNCONFIRMED_3));
}

static void pauses_grow_to_a_minute(void **state)
{
    (void)state;
    const struct graph_result pair = ANSWER(400, ERROR, 131056), away = {0};
    static const int64_t pair_pauses[] = {1000, 4000, 16000, 60000, 60000};
    static const int64_t away_pauses[] = {1000, 2000, 4000, 8000, 16000};

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(graph_judge(&pair, i, 0).delay_ms, pair_pauses[i]);
        assert_int_equal(graph_judge(&away, i, 0).delay_ms, away_pauses[i]);
    }
    assert_int_equal(graph_judge(&pair, UINT32_MAX, 0).delay_ms, 60000);
}

static void retry_after_is_honoured_within_reason(void **state)
{
    (void)state;
    struct graph_result result = ANSWER(429, ERROR, 0);

    result.retry_after_ms = 30000;
    assert_int_equal(graph_judge(&result, 0, 0).delay_ms, 30000);
    assert_int_equal(graph_judge(&result, 4, 0).delay_ms, 60000);
    result.retry_after_ms = INT64_MAX / 2;
    assert_int_equal(graph_judge(&result, 0, 0).delay_ms, 3600000);
}

static void read_text(struct graph_answer *answer, const char *text)
{
    memset(answer, 'x', sizeof *answer);
    graph_answer_read(answer, text, strlen(text));
}

static void an_error_is_read(void **state)
{
    (void)state;
    struct graph_answer answer;

    read_text(&answer, "{\"error\":{\"message\":\"(#131056) x\",\"type\":\"OAuthException\","
                       "\"code\":131056,\"error_subcode\":2494055,\"is_transient\":true,"
                       "\"fbtrace_id\":\"AzB-_9\"}}");
    assert_int_equal(answer.code, 131056);
    assert_int_equal(answer.subcode, 2494055);
    assert_true(answer.transient);
    assert_string_equal(answer.trace, "AzB-_9");
}

static void anything_else_has_no_code(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum graph_says says;
    } rows[] = {
        {"", GRAPH_SAYS_NOTHING},
        {"<html>", GRAPH_SAYS_NOTHING},
        {"[]", GRAPH_SAYS_OTHER},
        {"{}", GRAPH_SAYS_OTHER},
        {"{\"success\":true}", GRAPH_SAYS_OTHER},
        {"{\"messages\":[]}", GRAPH_SAYS_OTHER},
        {"{\"messages\":[{}]}", GRAPH_SAYS_OTHER},
        {"{\"messages\":[{\"id\":\"\"}]}", GRAPH_SAYS_OTHER},
        {"{\"messages\":[{\"id\":7}]}", GRAPH_SAYS_OTHER},
        {"{\"error\":7}", GRAPH_SAYS_OTHER},
        {"{\"error\":{}}", GRAPH_SAYS_ERROR},
        {"{\"error\":{\"code\":\"190\"}}", GRAPH_SAYS_ERROR},
        {"{\"error\":{\"code\":-1,\"error_subcode\":99999999999}}", GRAPH_SAYS_ERROR},
        {"{\"error\":{\"fbtrace_id\":\"two words\"}}", GRAPH_SAYS_ERROR},
        {"{\"error\":{\"fbtrace_id\":\"a\\nb\"}}", GRAPH_SAYS_ERROR},
        {"{\"error\":{\"fbtrace_id\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
         GRAPH_SAYS_ERROR},
        {"{\"messages\":[{\"id\":\"wamid.x\"}]}", GRAPH_SAYS_SENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct graph_answer answer;
        read_text(&answer, rows[i].text);
        assert_int_equal(answer.says, rows[i].says);
        assert_int_equal(answer.code, 0);
        assert_int_equal(answer.subcode, 0);
        assert_false(answer.transient);
        assert_string_equal(answer.trace, "");
    }
}

static void the_id_of_a_message_is_read_when_it_fits(void **state)
{
    (void)state;
    char text[GRAPH_ID_MAX + 64], id[GRAPH_ID_MAX + 1];
    struct graph_answer answer;

    for (size_t length = GRAPH_ID_MAX - 1; length <= GRAPH_ID_MAX; length++) {
        memset(id, 'i', length);
        id[length] = '\0';
        snprintf(text, sizeof text, "{\"messages\":[{\"id\":\"%s\"}]}", id);
        read_text(&answer, text);
        assert_int_equal(answer.says, GRAPH_SAYS_SENT);
        assert_string_equal(answer.id, length < GRAPH_ID_MAX ? id : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_has_its_kind),
        cmocka_unit_test(what_is_about_us_is_known_wherever_it_is_told),
        cmocka_unit_test(what_may_have_arrived_is_repeated_twice_at_most),
        cmocka_unit_test(pauses_grow_to_a_minute),
        cmocka_unit_test(retry_after_is_honoured_within_reason),
        cmocka_unit_test(an_error_is_read),
        cmocka_unit_test(anything_else_has_no_code),
        cmocka_unit_test(the_id_of_a_message_is_read_when_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
