/* Meta's time, by its messages; ours may be wrong. */
#include "server/channels/meta/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW INT64_C(1795434500)
#define DAY INT64_C(86400)
#define MINUTE_MS INT64_C(60000)

static bool hear(struct meta_clock *clock, int64_t sent_s, int64_t now_s, int64_t now_ms)
{
    int64_t ahead_s;

    return meta_clock_hear(clock, sent_s, now_s, now_ms, &ahead_s);
}

static void a_day_behind_the_newest_is_old(void **state)
{
    struct meta_clock clock;

    (void)state;
    meta_clock_init(&clock);
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == INT64_MIN);
    hear(&clock, NOW - 30 * DAY, NOW, 0);
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == NOW - 31 * DAY);
    hear(&clock, NOW, NOW, 0);
    hear(&clock, NOW - 1000, NOW, 0); /* it does not go back */
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == NOW - DAY);
}

static void our_clock_decides_nothing(void **state)
{
    struct meta_clock clock;

    (void)state;
    meta_clock_init(&clock);
    hear(&clock, NOW, NOW + 2190 * DAY, 0);
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == NOW - DAY);
    meta_clock_init(&clock);
    hear(&clock, NOW, NOW - 2190 * DAY, 0); /* then nothing is old */
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == INT64_MIN);
}

static void a_message_of_the_future_is_nobodys_measure(void **state)
{
    struct meta_clock clock;

    (void)state;
    meta_clock_init(&clock);
    hear(&clock, NOW, NOW, 0);
    hear(&clock, NOW + DAY + 1, NOW, 0);
    hear(&clock, INT64_C(999999999999999999), NOW, 0);
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == NOW - DAY);
    hear(&clock, NOW + DAY, NOW, 0);
    assert_true(meta_clock_oldest_s(&clock, META_MESSAGE_AGE_S) == NOW);
}

static void clocks_that_differ_are_told_once_in_ten_minutes(void **state)
{
    struct meta_clock clock;
    int64_t ahead_s;

    (void)state;
    meta_clock_init(&clock);
    assert_false(hear(&clock, NOW, NOW + 300, 0));
    assert_false(hear(&clock, NOW, NOW + 3000, 1)); /* that one came late */
    meta_clock_init(&clock);
    assert_true(meta_clock_hear(&clock, NOW, NOW + 1200, 0, &ahead_s));
    assert_true(ahead_s == 1200);
    assert_false(hear(&clock, NOW, NOW + 1200, 5 * MINUTE_MS));
    assert_true(meta_clock_hear(&clock, NOW, NOW - 1300, 10 * MINUTE_MS, &ahead_s));
    assert_true(ahead_s == -1300);
    assert_false(hear(&clock, NOW, NOW + 2, 30 * MINUTE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_behind_the_newest_is_old),
        cmocka_unit_test(our_clock_decides_nothing),
        cmocka_unit_test(a_message_of_the_future_is_nobodys_measure),
        cmocka_unit_test(clocks_that_differ_are_told_once_in_ten_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
