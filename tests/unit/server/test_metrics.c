/* Counters: each thread counts alone, the sum keeps what ended threads counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/metrics.h"
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

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

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    while ((text = strstr(text, word))) {
        count++;
        text++;
    }
    return count;
}

static void the_exposition_names_every_counter(void **state)
{
    (void)state;
    static char text[16384];
    metrics_add(METRIC_CODES_NEW, 3);
    metrics_add(METRIC_CODES_EXISTING, 4);
    size_t length = metrics_exposition(text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "# HELP uic_codes_total Codes told, by kind\n"
                                 "# TYPE uic_codes_total counter\n"
                                 "uic_codes_total{kind=\"new\"} 3\n"
                                 "uic_codes_total{kind=\"existing\"} 4\n"));
    assert_non_null(strstr(text, "\nuic_log_lines_dropped_total 0\n"));
    assert_int_equal(occurrences(text, "# TYPE uic_http_requests_total "), 1);
    assert_int_equal(occurrences(text, "\nuic_http_requests_total{"), 3);
}

static void a_small_buffer_gets_whole_lines(void **state)
{
    (void)state;
    char text[300];
    for (size_t capacity = 1; capacity <= sizeof text; capacity++) {
        size_t length = metrics_exposition(text, capacity);
        assert_true(length < capacity);
        assert_int_equal(text[length], '\0');
        assert_true(length == 0 || text[length - 1] == '\n');
    }
    assert_int_equal(metrics_exposition(text, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_add_up_while_they_live_and_after),
        cmocka_unit_test(the_exposition_names_every_counter),
        cmocka_unit_test(a_small_buffer_gets_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
