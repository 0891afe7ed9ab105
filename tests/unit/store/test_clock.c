/* The wall clock of a machine that does not know the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

static struct timespec wall, monotonic;

static int clock_set(clockid_t clock, struct timespec *now)
{
    *now = clock == CLOCK_REALTIME ? wall : monotonic;
    return 0;
}

#define clock_gettime clock_set
#include "store/base/clock.h"

static void what_the_machine_says_is_taken(void **state)
{
    (void)state;
    wall = (struct timespec){CLOCK_BUILT_S + 5, 1500};
    assert_int_equal(clock_wall_us(), (CLOCK_BUILT_S + 5) * 1000000 + 1);
    assert_int_equal(clock_wall_s(), CLOCK_BUILT_S + 5);
}

static void before_the_year_of_the_build_it_goes_on_from_there(void **state)
{
    (void)state;
    wall = (struct timespec){CLOCK_BUILT_S - 1, 0};
    monotonic = (struct timespec){60, 0};
    assert_int_equal(clock_wall_s(), CLOCK_BUILT_S + 60);
    wall = (struct timespec){0, 0};
    monotonic = (struct timespec){61, 2000};
    assert_int_equal(clock_wall_us(), (CLOCK_BUILT_S + 61) * 1000000 + 2);
}

static void the_year_begins_when_it_does(void **state)
{
    (void)state;
    const time_t begin = CLOCK_BUILT_S;
    struct tm tm;

    assert_non_null(gmtime_r(&begin, &tm));
    assert_int_equal(tm.tm_year + 1900, CLOCK_BUILD_YEAR);
    assert_int_equal(tm.tm_yday * 86400 + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_machine_says_is_taken),
        cmocka_unit_test(before_the_year_of_the_build_it_goes_on_from_there),
        cmocka_unit_test(the_year_begins_when_it_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
