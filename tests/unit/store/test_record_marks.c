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

static void assert_kept(const char *marks)
{
    assert_sql(&bench,
               SQL("SELECT group_concat(value, ' ') FROM (SELECT value FROM uic_marks"
                   " WHERE name IN ('salt', 'flow') ORDER BY name DESC)",
                   "SELECT string_agg(value, ' ' ORDER BY name DESC) FROM uic_marks"
                   " WHERE name IN ('salt', 'flow')"),
               marks);
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
        assert_kept("another flow");
    }
    register_somebody();
    assert_kept("salt flow");
}

/* An instance beside another, on the database of the bench. */
static void side_open(struct bench *side, const struct record_marks *marks)
{
    *side = (struct bench){.store = store_open(marks), .base = event_base_new()};
    assert_non_null(side->store);
    side->link =
        record_attach(side->store, side->base, &(struct store_watch){bench_changed, side}, error);
    while (bench_server.pid != 0 && !side->up)
        assert_int_equal(event_base_loop(side->base, EVLOOP_ONCE), 0);
    assert_false(record_store_confirmed(side->store));
}

static void bind_in_turn(size_t first_index)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code"),
                 marie = asked_by("marie", "+2", "SM2", "other"),
                 luc = asked_by("luc", "+3", "SM3", "third");
    struct bench sides[2];

    side_open(&sides[0], &ours);
    side_open(&sides[1], &other_salt);
    struct bench *first = &sides[first_index], *second = &sides[1 - first_index];
    const char *const kept = first_index == 0 ? "salt flow" : "another flow";

    assert_int_equal(claimed(first, &jean), STORE_OK);
    assert_true(record_store_confirmed(first->store));
    assert_kept(kept);
    assert_int_equal(claimed(second, &marie), STORE_DOWN);
    assert_true(record_store_foreign(second->store));
    assert_false(record_store_confirmed(second->store));
    assert_int_equal(claimed(first, &luc), STORE_OK);
    assert_false(record_store_foreign(first->store));
    assert_kept(kept);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "2");
    bench_detach(&sides[0]);
    bench_detach(&sides[1]);
}

static void the_first_code_binds(void **state)
{
    (void)state;
    bind_in_turn(0);
}

static void the_other_ones_first_code_binds(void **state)
{
    (void)state;
    bind_in_turn(1);
}

static void of_two_first_codes_one_binds(void **state)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code"),
                 marie = asked_by("marie", "+2", "SM2", "other");
    struct bench sides[2];

    (void)state;
    side_open(&sides[0], &ours);
    side_open(&sides[1], &other_salt);
    assert_int_equal(record_claim(sides[0].link, &jean.claim), STORE_LATER);
    assert_int_equal(record_claim(sides[1].link, &marie.claim), STORE_LATER);
    /* What a loop's pass has gathered leaves when it ends. */
    assert_int_equal(event_base_loop(sides[0].base, EVLOOP_NONBLOCK), 0);
    asked_wait(&sides[1], &marie);
    asked_wait(&sides[0], &jean);
    const bool is_ours = jean.claim.ticket.status == STORE_OK;
    assert_int_equal(marie.claim.ticket.status, is_ours ? STORE_DOWN : STORE_OK);
    assert_int_equal(record_store_foreign(sides[0].store), !is_ours);
    assert_int_equal(record_store_foreign(sides[1].store), is_ours);
    assert_kept(is_ours ? "salt flow" : "another flow");
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "1");
    bench_detach(&sides[0]);
    bench_detach(&sides[1]);
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
        CASE(the_first_code_binds),
        CASE(the_other_ones_first_code_binds),
        CASE(of_two_first_codes_one_binds),
        CASE(from_then_on_others_are_refused),
        CASE(forgotten_on_purpose_they_are_remembered_anew),
    };
    const struct CMUnitTest on_postgres[] = {
        CASE(the_first_code_binds),
        CASE(the_other_ones_first_code_binds),
        CASE(of_two_first_codes_one_binds),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + cmocka_run_group_tests(on_postgres, bench_server_start, bench_server_stop);
}
