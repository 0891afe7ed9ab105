/* Days as people count them, whatever the machine's own time zone is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config/local_day.h"
#include "store/base/utc_text.h"
#include <stdlib.h>
#include <time.h>

/* 2026-03-28 23:00:00 UTC */
#define AT INT64_C(1774738800)

static void assert_date(const char *zone, int64_t at_s, const char *expected)
{
    char text[UTC_TEXT_MAX];

    assert_true(local_day_accepts(zone));
    local_day_use(zone);
    utc_day_text(local_day(at_s), text);
    assert_string_equal(text, expected);
}

static void midnight_is_local(void **state)
{
    (void)state;
    assert_date("UTC", AT, "2026-03-28");
    assert_date("UTC", AT + 3599, "2026-03-28");
    assert_date("UTC", AT + 3600, "2026-03-29");
    assert_date("Africa/Kinshasa", AT - 1, "2026-03-28");
    assert_date("Africa/Kinshasa", AT, "2026-03-29");
    assert_date("Africa/Lubumbashi", AT - 3600, "2026-03-29");
    assert_date("America/New_York", AT, "2026-03-28");
    assert_date("Pacific/Kiritimati", AT - 13 * 3600, "2026-03-29");
}

static void days_follow_each_other_over_a_change_of_clocks(void **state)
{
    (void)state;
    local_day_use("Europe/Paris"); /* on 29 March 2026, a day of 23 hours */
    const int64_t day = local_day(AT);
    assert_int_equal(local_day(AT - 1), day - 1);
    assert_int_equal(local_day(AT + 23 * 3600 - 1), day);
    assert_int_equal(local_day(AT + 23 * 3600), day + 1);
}

static void years_and_leap_days_are_counted(void **state)
{
    (void)state;
    assert_date("UTC", 0, "1970-01-01");
    assert_int_equal(local_day(0), 0);
    assert_date("UTC", 1709164800, "2024-02-29");
    assert_date("UTC", 1798761599, "2026-12-31");
    assert_date("UTC", 1798761600, "2027-01-01");
}

static void only_names_of_the_database_are_zones(void **state)
{
    static const char *const names[] = {
        "",
        "Africa",
        "Africa/",
        "Africa/Nowhere",
        "africa/kinshasa",
        "../zoneinfo/UTC",
        "/usr/share/zoneinfo/UTC",
        "Africa/Kinsha sa",
        "UTC+1",
        ":UTC",
        "Afrique/Kinshasa",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(local_day_accepts(names[i]));
    assert_true(local_day_accepts("UTC"));
    assert_true(local_day_accepts("Etc/GMT+12"));
}

static void without_the_database_there_is_utc(void **state)
{
    (void)state;
    setenv("TZDIR", "/nonexistent", 1);
    assert_false(local_day_accepts("Africa/Kinshasa"));
    assert_true(local_day_accepts("UTC"));
    unsetenv("TZDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(midnight_is_local),
        cmocka_unit_test(days_follow_each_other_over_a_change_of_clocks),
        cmocka_unit_test(years_and_leap_days_are_counted),
        cmocka_unit_test(only_names_of_the_database_are_zones),
        cmocka_unit_test(without_the_database_there_is_utc),
    };

    return cmocka_run_group_tests_name("local days", tests, NULL, NULL);
}
