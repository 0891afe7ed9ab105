/* What holds a sweep back: each row is a survey, in days, and what it is judged. */
#include "server/serving/retention_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY INT64_C(86400000000)
#define NOW (20000 * DAY)

static void each_survey_is_judged(void **state)
{
    static const struct {
        int64_t newest_ago, trusted_ago; /* days before now */
        int64_t records, due;
        enum retention_hold hold;
    } rows[] = {
        {0, 0, 1000, 0, RETENTION_FREE},
        {0, 0, 1000, 100, RETENTION_FREE},
        {0, 0, 100, 100, RETENTION_FREE}, /* few, and all of them */
        {0, 0, 100, 90, RETENTION_FREE},
        {0, 0, 1010, 101, RETENTION_FREE},
        {0, 0, 1009, 101, RETENTION_MANY},
        {0, 0, 100000, 10001, RETENTION_MANY},
        {30, 30, 1000, 1, RETENTION_FREE},
        {31, 0, 1000, 1, RETENTION_QUIET},
        {2190, 2190, 1000, 1000, RETENTION_QUIET},
        {2190, 2190, 1000, 0, RETENTION_FREE}, /* nothing that could be held */
        {0, 31, 1000, 1, RETENTION_JUMP},
        {-3000, 2190, 2, 1, RETENTION_JUMP},
        {-3000, -3000, 1000, 1, RETENTION_FREE}, /* records of a clock that was fast once */
        {0, INT64_MIN, 1000, 1, RETENTION_FREE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct record_survey survey = {
            .now_us = NOW,
            .newest_us = NOW - rows[i].newest_ago * DAY,
            .trusted_us =
                rows[i].trusted_ago == INT64_MIN ? INT64_MIN : NOW - rows[i].trusted_ago * DAY,
            .records = rows[i].records,
            .due = rows[i].due,
        };
        enum retention_hold hold = retention_judge(&survey);
        if (hold != rows[i].hold)
            fail_msg("row %zu: %s", i, retention_hold_name(hold, true));
    }
}

static void without_records_nothing_is_held(void **state)
{
    (void)state;
    assert_int_equal(retention_judge(&(struct record_survey){
                         .now_us = NOW, .newest_us = INT64_MIN, .trusted_us = INT64_MIN}),
                     RETENTION_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_survey_is_judged),
        cmocka_unit_test(without_records_nothing_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
