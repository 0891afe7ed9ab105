/* How much one address may do before it is asked to wait. */
#include "server/exchange/quota.h"
#include "server/telemetry/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1795435200)
#define NURSE UINT64_C(0x1234567890abcdef)

static struct quota *quota;

static void begin(unsigned messages_per_minute, unsigned codes_per_day)
{
    quota_free(quota);
    quota = quota_create(&(struct quota_limits){messages_per_minute, codes_per_day, 3});
    assert_non_null(quota);
}

static int end(void **state)
{
    (void)state;
    quota_free(quota);
    quota = NULL;
    return 0;
}

/* What a message meets; `first` where it is to be told. */
static void assert_message(uint64_t who, int64_t now_s, enum quota_verdict expected, bool first)
{
    bool told;

    assert_int_equal(quota_message(quota, who, now_s, &told), expected);
    assert_int_equal(told, first);
}

static void messages_of_a_minute_are_counted_and_the_end_is_told_once(void **state)
{
    (void)state;
    begin(3, 0);
    for (int i = 0; i < 3; i++)
        assert_message(NURSE, NOW + i, QUOTA_LEFT, false);
    assert_message(NURSE, NOW + 3, QUOTA_MESSAGES_SPENT, true);
    for (int i = 4; i < 60; i++)
        assert_message(NURSE, NOW + i, QUOTA_MESSAGES_SPENT, false);
    assert_message(NURSE, NOW + 60, QUOTA_LEFT, false);
    for (int i = 61; i < 63; i++)
        assert_message(NURSE, NOW + i, QUOTA_LEFT, false);
    assert_message(NURSE, NOW + 63, QUOTA_MESSAGES_SPENT, true);
}

static void codes_of_a_day_are_counted(void **state)
{
    (void)state;
    begin(0, 2);
    assert_message(NURSE, NOW, QUOTA_LEFT, false);
    quota_code(quota, NURSE, NOW);
    assert_message(NURSE, NOW + 1, QUOTA_LEFT, false);
    quota_code(quota, NURSE, NOW + 1);
    assert_message(NURSE, NOW + 2, QUOTA_CODES_SPENT, true);
    assert_message(NURSE, NOW + 86399, QUOTA_CODES_SPENT, false);
    assert_message(NURSE, NOW + 86400, QUOTA_LEFT, false);
}

static void everybody_has_an_quota_of_their_own(void **state)
{
    (void)state;
    begin(1, 1);
    for (uint64_t who = 1; who <= 5000; who++) {
        assert_message(who, NOW, QUOTA_LEFT, false);
        assert_message(who, NOW, QUOTA_MESSAGES_SPENT, true);
        quota_code(quota, who, NOW);
        assert_message(who, NOW, QUOTA_CODES_SPENT, true);
        assert_message(who, NOW, QUOTA_CODES_SPENT, false);
    }
}

static void zero_means_any_number(void **state)
{
    (void)state;
    begin(0, 0);
    for (int i = 0; i < 100000; i++)
        assert_message(NURSE, NOW, QUOTA_LEFT, false);
}

static void a_clock_that_is_set_back_locks_nobody_out(void **state)
{
    (void)state;
    begin(1, 0);
    assert_message(NURSE, NOW, QUOTA_LEFT, false);
    assert_message(NURSE, NOW - 3600, QUOTA_LEFT, false);
}

/* A million addresses pass by; whoever keeps writing keeps being counted, and nothing grows. */
static void a_crowd_does_not_hide_the_one_who_writes_all_the_time(void **state)
{
    int allowed = 0;

    (void)state;
    begin(100, 0);
    for (int i = 0; i < 1000000; i++) {
        bool first;
        assert_message((uint64_t)rand() << 32 | (uint64_t)rand(), NOW + i / 20000, QUOTA_LEFT,
                       false);
        if (i % 100 == 0)
            allowed += quota_message(quota, NURSE, NOW + i / 20000, &first) == QUOTA_LEFT;
    }
    assert_int_equal(allowed, 100);
}

/* Others write and are told a code each, three times as many as the table holds. */
static void codes_are_not_forgotten_because_others_write(void **state)
{
    const uint64_t before = metrics_sum(METRIC_LIMIT_COUNTED);

    (void)state;
    begin(3000, 200);
    for (int i = 0; i < 200; i++) {
        assert_message(NURSE, NOW, QUOTA_LEFT, false);
        quota_code(quota, NURSE, NOW);
    }
    assert_message(NURSE, NOW, QUOTA_CODES_SPENT, true);
    for (uint64_t i = 1; i <= 400000; i++) {
        const uint64_t who = i * UINT64_C(0x9e3779b97f4a7c15);
        assert_message(who, NOW + 60, QUOTA_LEFT, false);
        quota_code(quota, who, NOW + 60);
    }
    assert_true(metrics_sum(METRIC_LIMIT_COUNTED) > before);
    assert_message(NURSE, NOW + 86399, QUOTA_CODES_SPENT, false);
    assert_message(NURSE, NOW + 86400, QUOTA_LEFT, false);
}

/* Eight who have spent theirs fill a set: the ninth is not counted, and none of them is let in. */
static void who_finds_no_place_is_not_counted(void **state)
{
    enum { SETS = 16384, PLACES = 8 };

    (void)state;
    begin(0, 2);
    for (uint64_t i = 1; i <= PLACES + 1; i++)
        for (int codes = 0; codes < 2; codes++)
            quota_code(quota, i * SETS, NOW);
    for (uint64_t i = 1; i <= PLACES; i++)
        assert_message(i * SETS, NOW, QUOTA_CODES_SPENT, true);
    assert_message((PLACES + 1) * SETS, NOW, QUOTA_LEFT, false);
    /* On the next day there is room again. */
    for (int codes = 0; codes < 2; codes++)
        quota_code(quota, (PLACES + 1) * SETS, NOW + 86400);
    assert_message((PLACES + 1) * SETS, NOW + 86400, QUOTA_CODES_SPENT, true);
}

static void *write_a_lot(void *arg)
{
    size_t *allowed = arg;
    bool first;

    for (int i = 0; i < 20000; i++)
        *allowed += quota_message(quota, NURSE, NOW, &first) == QUOTA_LEFT;
    return NULL;
}

static void threads_share_one_count(void **state)
{
    size_t allowed[4] = {0};
    pthread_t threads[4];

    (void)state;
    begin(5000, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_a_lot, &allowed[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(allowed[0] + allowed[1] + allowed[2] + allowed[3], 5000);
}

#define test(name) cmocka_unit_test_teardown(name, end)

static void questions_of_a_day_are_counted(void **state)
{
    (void)state;
    begin(0, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(quota_question_is_left(quota, NURSE, NOW + i));
        assert_true(quota_question_is_left(quota, NURSE, NOW + i));
        quota_question(quota, NURSE, NOW + i);
    }
    assert_false(quota_question_is_left(quota, NURSE, NOW + 3));
    assert_true(quota_question_is_left(quota, NURSE + 1, NOW + 3));
    assert_message(NURSE, NOW + 3, QUOTA_LEFT, false);
    assert_false(quota_question_is_left(quota, NURSE, NOW + 86399));
    assert_true(quota_question_is_left(quota, NURSE, NOW + 86400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages_of_a_minute_are_counted_and_the_end_is_told_once),
        test(codes_of_a_day_are_counted),
        test(questions_of_a_day_are_counted),
        test(everybody_has_an_quota_of_their_own),
        test(zero_means_any_number),
        test(a_clock_that_is_set_back_locks_nobody_out),
        test(a_crowd_does_not_hide_the_one_who_writes_all_the_time),
        test(codes_are_not_forgotten_because_others_write),
        test(who_finds_no_place_is_not_counted),
        test(threads_share_one_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
