/* What an outcome of the Graph API means for a message. */
#include "server/channels/graph_answer.h"
#include "server/channels/graph_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER(s, c)                                                   \
    (struct graph_result)                                              \
    {                                                                  \
        .answered = true, .request_sent = true, .status = s, .code = c \
    }

static void each_outcome_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        struct graph_result result;
        enum graph_kind kind;
    } rows[] = {
        {ANSWER(200, 0), GRAPH_SENT},
        {ANSWER(201, 0), GRAPH_SENT},
        {ANSWER(429, 0), GRAPH_THROTTLED},
        {ANSWER(400, 4), GRAPH_THROTTLED},
        {ANSWER(400, 80007), GRAPH_THROTTLED},
        {ANSWER(429, 130429), GRAPH_THROTTLED},
        {ANSWER(400, 130429), GRAPH_THROTTLED},
        {ANSWER(400, 131048), GRAPH_THROTTLED},
        {ANSWER(400, 131056), GRAPH_THROTTLED},
        {ANSWER(400, 133016), GRAPH_THROTTLED},
        {ANSWER(500, 131000), GRAPH_FAILING},
        {ANSWER(503, 0), GRAPH_FAILING},
        {ANSWER(408, 0), GRAPH_FAILING},
        {{.answered = true, .status = 400, .code = 2, .transient = true}, GRAPH_FAILING},
        {ANSWER(401, 190), GRAPH_LOCKED_OUT},
        {ANSWER(400, 190), GRAPH_LOCKED_OUT},
        {ANSWER(401, 0), GRAPH_LOCKED_OUT},
        {ANSWER(403, 10), GRAPH_LOCKED_OUT},
        {ANSWER(403, 200), GRAPH_LOCKED_OUT},
        {ANSWER(403, 299), GRAPH_LOCKED_OUT},
        {ANSWER(403, 131031), GRAPH_LOCKED_OUT},
        {ANSWER(400, 100), GRAPH_REFUSED},
        {ANSWER(400, 131026), GRAPH_REFUSED},
        {ANSWER(400, 131047), GRAPH_REFUSED},
        {ANSWER(404, 0), GRAPH_REFUSED},
        {ANSWER(302, 0), GRAPH_REFUSED},
        {{.request_sent = false}, GRAPH_UNREACHABLE},
        {{.request_sent = true}, GRAPH_UNCONFIRMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum graph_kind kind = graph_judge(&rows[i].result, 0, 0).kind;
        if (kind != rows[i].kind)
            fail_msg("status %d code %d: %d, not %d", rows[i].result.status, rows[i].result.code,
                     (int)kind, (int)rows[i].kind);
    }
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
    const struct graph_result pair = ANSWER(400, 131056), away = {0};
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
    struct graph_result result = ANSWER(429, 0);

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

static void anything_else_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"error\":7}",
        "{\"error\":{}}",
        "{\"error\":{\"code\":\"190\"}}",
        "{\"error\":{\"code\":-1,\"error_subcode\":99999999999}}",
        "{\"error\":{\"fbtrace_id\":\"two words\"}}",
        "{\"error\":{\"fbtrace_id\":\"a\\nb\"}}",
        "{\"error\":{\"fbtrace_id\":"
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
        "{\"messages\":[{\"id\":\"wamid.x\"}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct graph_answer answer;
        read_text(&answer, texts[i]);
        assert_int_equal(answer.code, 0);
        assert_int_equal(answer.subcode, 0);
        assert_false(answer.transient);
        assert_string_equal(answer.trace, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_has_its_kind),
        cmocka_unit_test(what_may_have_arrived_is_repeated_twice_at_most),
        cmocka_unit_test(pauses_grow_to_a_minute),
        cmocka_unit_test(retry_after_is_honoured_within_reason),
        cmocka_unit_test(an_error_is_read),
        cmocka_unit_test(anything_else_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
