/* Times as databases and people write them. */
#include "store/record_tools.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    int64_t unix_us;
} good[] = {
    {"1970-01-01 00:00:00", 0},
    {"1970-01-01", 0},
    {"2026-01-31 23:59:59.000001", 1769903999000001},
    {"2026-01-31T23:59:59.5Z", 1769903999500000},
    {"2026-01-31 23:59:59.123456789+00", 1769903999123456},
    {"2024-02-29 12:00:00+00:00", 1709208000000000},
    {"1969-12-31 23:59:59.250000", -750000},
};

static const char *const bad[] = {
    "",
    "now",
    "2026",
    "2026-1-31",
    "2026-02-30",
    "2026-13-01 00:00:00",
    "2026-01-31 24:00:00",
    "2026-01-31 23:60:00",
    "2026-01-31 23:59",
    "2026-01-31 23:59:59 ",
    "2026-01-31 23:59:59+02",
    "2026-01-31x23:59:59",
    "0000-00-00 00:00:00",
};

static void good_times_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t us = -1;
        if (record_time_parse(good[i].text, &us) != 0 || us != good[i].unix_us)
            fail_msg("%s: %lld", good[i].text, (long long)us);
    }
}

static void bad_times_are_not(void **state)
{
    (void)state;
    int64_t us;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (record_time_parse(bad[i], &us) == 0)
            fail_msg("%s is taken", bad[i]);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t us = (int64_t)i * 7919 * 1000003 - INT64_C(20000000000000), again;
        char text[RECORD_TIME_MAX];
        record_time_format(us, text);
        assert_int_equal(record_time_parse(text, &again), 0);
        assert_true(again == us);
    }
}

static void a_minute_begins_before_what_is_in_it(void **state)
{
    static const int64_t times[] = {0, 1, 59999999, -1, -60000000, INT64_C(1769903999000001)};
    static const int64_t minutes[] = {0, 0, 0, -60000000, -60000000, INT64_C(1769903940000000)};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_true(record_time_minute(times[i]) == minutes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_times_are_read),
        cmocka_unit_test(bad_times_are_not),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_minute_begins_before_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
