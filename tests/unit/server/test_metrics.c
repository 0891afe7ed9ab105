/* Each thread counts alone, the sum keeps what ended threads counted; values fall into buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/telemetry/metrics.h"
#include <cmocka.h>
#include <pthread.h>

static void *count_a_thousand(void *unused)
{
    for (int i = 0; i < 1000; i++)
        metrics_add(METRIC_MESSAGES, 1);
    return unused;
}

static void threads_add_up_while_they_live_and_after(void **state)
{
    (void)state;
    uint64_t before = metrics_sum(METRIC_MESSAGES);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_a_thousand, NULL), 0);
    metrics_add(METRIC_MESSAGES, 5);
    assert_true(metrics_sum(METRIC_MESSAGES) >= before + 5);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_sum(METRIC_MESSAGES), before + 8005);
}

static void *open_two_and_close_one(void *unused)
{
    metrics_add(METRIC_CONNECTIONS_OPEN, 2);
    metrics_subtract(METRIC_CONNECTIONS_OPEN, 1);
    return unused;
}

static void what_goes_up_and_down_is_the_sum_of_all_threads(void **state)
{
    (void)state;
    pthread_t thread;
    metrics_add(METRIC_CONNECTIONS_OPEN, 5);
    assert_int_equal(pthread_create(&thread, NULL, open_two_and_close_one, NULL), 0);
    pthread_join(thread, NULL);
    metrics_subtract(METRIC_CONNECTIONS_OPEN, 4);
    assert_int_equal(metrics_sum(METRIC_CONNECTIONS_OPEN), 2);
}

static void a_value_falls_into_the_bucket_whose_bound_it_does_not_exceed(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        size_t bucket;
    } cases[] = {
        {-5, 0},      {0, 0},        {500, 0},       {501, 1},       {1000, 1},       {1001, 2},
        {999999, 10}, {1000000, 10}, {10000000, 13}, {10000001, 14}, {1LL << 60, 14},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metric_distribution before, after;
        metrics_distribution(METRIC_EXCHANGE, &before);
        metrics_observe(METRIC_EXCHANGE, cases[i].value);
        metrics_distribution(METRIC_EXCHANGE, &after);
        for (size_t bucket = 0; bucket < METRICS_BUCKETS_MAX; bucket++)
            assert_int_equal(after.buckets[bucket] - before.buckets[bucket],
                             bucket == cases[i].bucket);
        assert_int_equal(after.sum - before.sum, cases[i].value > 0 ? cases[i].value : 0);
    }
}

static void a_histogram_has_a_last_bucket_for_everything(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_HISTOGRAM_COUNT; i++) {
        const struct metric_scale *scale = metrics_scale(i);
        size_t last = 0;
        while (last < METRICS_BUCKETS_MAX && scale->bounds[last] != UINT64_MAX) {
            assert_true(last == 0 || scale->bounds[last] > scale->bounds[last - 1]);
            last++;
        }
        assert_true(last < METRICS_BUCKETS_MAX);
        assert_true(scale->unit > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_add_up_while_they_live_and_after),
        cmocka_unit_test(what_goes_up_and_down_is_the_sum_of_all_threads),
        cmocka_unit_test(a_value_falls_into_the_bucket_whose_bound_it_does_not_exceed),
        cmocka_unit_test(a_histogram_has_a_last_bucket_for_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
