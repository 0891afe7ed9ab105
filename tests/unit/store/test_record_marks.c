/* To which salt and flow a database belongs, as each connection compares it. */
#include "store/record_bench.h"

static const struct record_marks ours = {"salt", "flow"}, other_salt = {"another", "flow"},
                                 other_flow = {"salt", "another"};

static struct bench bench;
static char error[ERROR_MAX];

static int start(void **state)
{
    (void)state;
    bench_folder(&bench);
    bench_prepare(&bench);
    error[0] = '\0';
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

static struct record_store *store_open(const struct record_marks *marks)
{
    return record_store_open(bench.url, asker_key, marks, error);
}

/* Once, by ours. */
static void register_somebody(void)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench.store = store_open(&ours);
    assert_non_null(bench.store);
    assert_false(record_store_confirmed(bench.store));
    bench.base = event_base_new();
    bench.link = record_attach(bench.store, bench.base, NULL, error);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_true(record_store_confirmed(bench.store));
    assert_false(record_store_foreign(bench.store));
    bench_detach(&bench);
}

static void before_the_first_record_anybody_is_welcome(void **state)
{
    (void)state;
    const struct record_marks *const in_turn[] = {&other_salt, &other_flow, &ours};

    for (size_t i = 0; i < 3; i++) {
        struct record_store *store = store_open(in_turn[i]);
        assert_non_null(store);
        assert_false(record_store_confirmed(store));
        record_store_close(store);
    }
    assert_sql(&bench,
               "SELECT group_concat(value, ' ') FROM (SELECT value FROM uic_marks"
               " WHERE name IN ('salt', 'flow') ORDER BY name DESC)",
               "salt flow");
}

static void from_then_on_others_are_refused(void **state)
{
    (void)state;
    register_somebody();
    assert_null(store_open(&other_salt));
    assert_non_null(strstr(error, "another UIC_SALT"));
    assert_null(store_open(&other_flow));
    assert_non_null(strstr(error, "another FLOW_FILE"));
    struct record_store *store = store_open(&ours);
    assert_non_null(store);
    assert_true(record_store_confirmed(store));
    record_store_close(store);
}

static void forgotten_on_purpose_they_are_remembered_anew(void **state)
{
    (void)state;
    register_somebody();
    bench_sql(&bench, "DELETE FROM uic_marks", (char[BENCH_TEXT_MAX]){""});
    record_store_close(store_open(&other_salt));
    assert_null(store_open(&ours));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(before_the_first_record_anybody_is_welcome),
        CASE(from_then_on_others_are_refused),
        CASE(forgotten_on_purpose_they_are_remembered_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
