/* The Prometheus text: heads, labels, units, cumulative buckets. What promtool says of the whole is
 * seen end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/telemetry/metrics.h"
#include "server/telemetry/metrics_text.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static char *text_now(void)
{
    const struct metrics_build build = {"1.2.3", "ciu-rdc", 0xab};
    size_t length;
    char *text = metrics_text(&build, &length);

    assert_non_null(text);
    assert_int_equal(length, strlen(text));
    return text;
}

static void assert_stands(const char *lines)
{
    char *text = text_now();
    bool found = strstr(text, lines) != NULL;

    if (!found)
        print_error("missing:\n%sin:\n%s", lines, text);
    free(text);
    assert_true(found);
}

static void assert_stands_not(const char *lines)
{
    char *text = text_now();
    bool found = strstr(text, lines) != NULL;

    free(text);
    assert_false(found);
}

static void a_name_has_one_head_before_all_its_rows(void **state)
{
    (void)state;
    metrics_add(METRIC_OUTBOX_PUT, 3);
    metrics_add(METRIC_OUTBOX_WRITTEN, 4);
    assert_stands("# HELP uic_outbox_records_total Records that went by the outbox\n"
                  "# TYPE uic_outbox_records_total counter\n"
                  "uic_outbox_records_total{step=\"put\"} 3\n"
                  "uic_outbox_records_total{step=\"written\"} 4\n"
                  "uic_outbox_records_total{step=\"refused\"} 0\n");
    assert_stands("# TYPE uic_log_lines_dropped_total counter\nuic_log_lines_dropped_total 0\n");
}

static void what_goes_up_and_down_is_a_gauge(void **state)
{
    (void)state;
    metrics_add(METRIC_MESSAGES_IN_FLIGHT, 7);
    metrics_subtract(METRIC_MESSAGES_IN_FLIGHT, 5);
    assert_stands("# TYPE uic_messages_in_flight gauge\nuic_messages_in_flight 2\n");
}

static void microseconds_become_seconds_without_loss(void **state)
{
    (void)state;
    metrics_set(METRIC_PROCESS_START, 1767225599000042);
    metrics_set(METRIC_PROCESS_CPU, 42);
    assert_stands("# TYPE process_start_time_seconds gauge\n"
                  "process_start_time_seconds 1767225599.000042\n");
    assert_stands("# TYPE process_cpu_seconds_total counter\n"
                  "process_cpu_seconds_total 0.000042\n");
}

static void requests_are_told_by_route_and_status(void **state)
{
    (void)state;
    assert_stands("\nuic_http_requests_total{route=\"webhook\",status=\"200\"} 0\n");
    assert_stands_not("uic_http_requests_total{route=\"webhook\",status=\"503\"}");
    metrics_request(METRIC_ROUTE_WEBHOOK, 200);
    metrics_request(METRIC_ROUTE_WEBHOOK, 503);
    metrics_request(METRIC_ROUTE_WEBHOOK, 503);
    metrics_request(METRIC_ROUTE_OTHER, 404);
    metrics_request(METRIC_ROUTE_OTHER, 999);
    assert_stands("\nuic_http_requests_total{route=\"webhook\",status=\"200\"} 1\n");
    assert_stands("\nuic_http_requests_total{route=\"webhook\",status=\"503\"} 2\n");
    assert_stands("\nuic_http_requests_total{route=\"other\",status=\"404\"} 1\n"
                  "uic_http_requests_total{route=\"other\",status=\"other\"} 1\n");
}

static void buckets_are_cumulative(void **state)
{
    (void)state;
    metrics_observe(METRIC_COMMIT_CLAIMS, 1);
    metrics_observe(METRIC_COMMIT_CLAIMS, 3);
    metrics_observe(METRIC_COMMIT_CLAIMS, 4);
    metrics_observe(METRIC_COMMIT_CLAIMS, 513);
    assert_stands("# TYPE uic_commit_claims histogram\n"
                  "uic_commit_claims_bucket{le=\"1\"} 1\n"
                  "uic_commit_claims_bucket{le=\"2\"} 1\n"
                  "uic_commit_claims_bucket{le=\"4\"} 3\n");
    assert_stands("uic_commit_claims_bucket{le=\"512\"} 3\n"
                  "uic_commit_claims_bucket{le=\"+Inf\"} 4\n"
                  "uic_commit_claims_sum 521\n"
                  "uic_commit_claims_count 4\n");
}

static void a_histogram_may_have_labels_and_counts_in_seconds(void **state)
{
    (void)state;
    metrics_observe(METRIC_CLAIM, 2500001);
    assert_stands(
        "uic_store_operation_duration_seconds_bucket{operation=\"claim\",le=\"0.0005\"} 0\n");
    assert_stands("uic_store_operation_duration_seconds_bucket{operation=\"claim\",le=\"2.5\"} 0\n"
                  "uic_store_operation_duration_seconds_bucket{operation=\"claim\",le=\"5\"} 1\n");
    assert_stands("uic_store_operation_duration_seconds_sum{operation=\"claim\"} 2.500001\n"
                  "uic_store_operation_duration_seconds_count{operation=\"claim\"} 1\n");
}

static void the_build_is_told_in_labels(void **state)
{
    (void)state;
    assert_stands("uic_build_info{version=\"1.2.3\",flow=\"ciu-rdc\","
                  "flow_fingerprint=\"00000000000000ab\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_head_before_all_its_rows),
        cmocka_unit_test(what_goes_up_and_down_is_a_gauge),
        cmocka_unit_test(microseconds_become_seconds_without_loss),
        cmocka_unit_test(requests_are_told_by_route_and_status),
        cmocka_unit_test(buckets_are_cumulative),
        cmocka_unit_test(a_histogram_may_have_labels_and_counts_in_seconds),
        cmocka_unit_test(the_build_is_told_in_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
