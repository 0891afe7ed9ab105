/* Waits between attempts: they double up to a limit, and no two programs wait alike. */
#include "store/base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DRAWS 400

/* Asserts that many waits after so many failures lie between two times, and not all on one. */
static void assert_waits_between(unsigned failures, int64_t low, int64_t high)
{
    int64_t first = backoff_ms(failures, 100, 5000);
    bool differ = false;

    for (int i = 0; i < DRAWS; i++) {
        int64_t wait = backoff_ms(failures, 100, 5000);

        assert_true(wait >= low && wait <= high);
        differ = differ || wait != first;
    }
    assert_true(differ);
}

static void a_wait_doubles_with_each_failure(void **state)
{
    (void)state;
    assert_waits_between(1, 50, 100);
    assert_waits_between(2, 100, 200);
    assert_waits_between(3, 200, 400);
    assert_waits_between(6, 1600, 3200);
}

static void a_wait_never_exceeds_its_limit(void **state)
{
    (void)state;
    assert_waits_between(7, 2500, 5000);
    assert_waits_between(1000, 2500, 5000);
    assert_waits_between(UINT32_MAX, 2500, 5000);
}

static void jitter_is_never_early_and_at_most_a_quarter_late(void **state)
{
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        int64_t wait = backoff_jitter_ms(1000);
        assert_true(wait >= 1000 && wait <= 1250);
    }
    assert_int_equal(backoff_jitter_ms(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_doubles_with_each_failure),
        cmocka_unit_test(a_wait_never_exceeds_its_limit),
        cmocka_unit_test(jitter_is_never_early_and_at_most_a_quarter_late),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
