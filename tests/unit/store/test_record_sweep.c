/*
 * Sweeping old records, on SQLite and on PostgreSQL: in small steps, beside claims.
 */
#include "record_bench.h"

#define DAY_S INT64_C(86400)
#define OLD 1700
#define NEW 300

static struct bench bench;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

/* Records that nobody asked for since a hundred days, and then others of yesterday. */
static void records_make(void)
{
    assert_sql(&bench,
               SQL("WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2000)"
                   " INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                   " last_requested_at) SELECT 'c' || n, '+' || n, 'h' || n,"
                   " strftime('%Y-%m-%d %H:%M:%f000', 'now', '-100 days'),"
                   " strftime('%Y-%m-%d %H:%M:%f000', 'now',"
                   "  CASE WHEN n > 1700 THEN '-1 days' ELSE '-100 days' END) FROM i",
                   "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                   " last_requested_at) SELECT 'c' || n, '+' || n, int4send(n),"
                   " now() - interval '100 days',"
                   " now() - CASE WHEN n > 1700 THEN 1 ELSE 100 END * interval '1 day'"
                   " FROM generate_series(1, 2000) AS n"),
               "");
}

static void sweep_done(struct store_ticket *ticket)
{
    ticket->done = NULL;
}

static struct record_sweep sweep_of(bool removes)
{
    return (struct record_sweep){
        .removes = removes,
        .age_us = 50 * DAY_S * 1000000,
        .survey = {time(NULL) * 1000000, INT64_MIN, INT64_MIN, 0, 0},
    };
}

static void step_begin(struct record_sweep *sweep)
{
    sweep->ticket.done = sweep_done;
    assert_int_equal(record_sweep(bench.link, sweep), STORE_LATER);
}

static enum store_status step_wait(struct record_sweep *sweep)
{
    while (sweep->ticket.done)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    return sweep->ticket.status;
}

static void all_that_are_due_go_and_no_other(void **state)
{
    (void)state;
    struct record_sweep sweep = sweep_of(false);
    unsigned removed = 0, steps = 0;

    records_make();
    do {
        step_begin(&sweep);
        assert_int_equal(step_wait(&sweep), STORE_OK);
        assert_int_equal(sweep.removed, 0);
    } while (sweep.more);
    assert_int_equal(sweep.survey.records, OLD + NEW);
    assert_int_equal(sweep.survey.due, OLD);
    sweep = sweep_of(true);
    do {
        struct asked jean = asked_by("jean", "+1", "", "code");
        step_begin(&sweep);
        assert_int_equal(claimed(&bench, &jean), STORE_OK);
        assert_int_equal(step_wait(&sweep), STORE_OK);
        assert_in_range(sweep.removed, 0, RECORD_SWEEP_REMOVE);
        removed += sweep.removed;
        steps++;
    } while (sweep.more);
    assert_int_equal(removed, OLD);
    assert_true(steps > OLD / RECORD_SWEEP_REMOVE);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "301");
    assert_sql(&bench, "SELECT sum(records) FROM uic_audit WHERE action = 'retention'", "1700");
}

static void one_after_the_other(void **state)
{
    (void)state;
    struct record_sweep sweep = sweep_of(false), other = sweep_of(false);

    step_begin(&sweep);
    step_begin(&other);
    assert_int_equal(step_wait(&other), STORE_OK);
    assert_null(sweep.ticket.done);
    assert_int_equal(step_wait(&sweep), STORE_OK);
}

static void a_step_under_way_ends_with_its_link(void **state)
{
    (void)state;
    struct record_sweep sweep = sweep_of(true);

    records_make();
    step_begin(&sweep);
    bench_detach(&bench);
    assert_null(sweep.ticket.done);
    bench_attach(&bench);
    sweep = sweep_of(true);
    step_begin(&sweep);
    assert_int_equal(step_wait(&sweep), STORE_OK);
}

/* An operator keeps a record for ever. */
static void a_record_that_is_kept_for_ever_stops_no_sweep(void **state)
{
    (void)state;
    struct record_sweep sweep = sweep_of(false);

    records_make();
    assert_sql(&bench,
               "UPDATE uic_records SET last_requested_at = 'infinity'"
               " WHERE uic_code IN ('c1', 'c2000')",
               "");
    do {
        step_begin(&sweep);
        assert_int_equal(step_wait(&sweep), STORE_OK);
    } while (sweep.more);
    assert_int_equal(sweep.survey.records, OLD + NEW);
    assert_int_equal(sweep.survey.due, OLD - 1);
    assert_true(sweep.survey.newest_us > 0 && sweep.survey.newest_us < sweep.survey.now_us);
    sweep = sweep_of(true);
    do {
        step_begin(&sweep);
        assert_int_equal(step_wait(&sweep), STORE_OK);
    } while (sweep.more);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "301");
    assert_sql(&bench, "SELECT count(*) FROM uic_records WHERE uic_code = 'c1'", "1");
}

/* Another program holds what the sweep wants: it waits, and claims go on. */
static void a_sweep_that_waits_holds_no_claim_up(void **state)
{
    (void)state;
    struct record_sweep sweep = sweep_of(true);
    PGconn *other = PQconnectdb(bench.url);
    char text[BENCH_TEXT_MAX] = "";

    records_make();
    PQclear(PQexec(other, "BEGIN; SELECT FROM uic_records WHERE uic_code = 'c1' FOR UPDATE"));
    step_begin(&sweep);
    for (int i = 0; strcmp(text, "1") != 0; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct asked jean = asked_by(name, "+1", "", name);
        assert_int_equal(claimed(&bench, &jean), STORE_OK);
        bench_sql(&bench,
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND wait_event_type = 'Lock'",
                  text);
    }
    struct asked marie = asked_by("marie", "+2", "", "marie");
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_int_equal(step_wait(&sweep), STORE_DOWN); /* its lock timeout */
    assert_non_null(strstr(sweep.errand.error, "lock timeout"));
    assert_true(record_link_up(bench.link));
    PQfinish(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_are_due_go_and_no_other),
        TEST(one_after_the_other),
        TEST(a_step_under_way_ends_with_its_link),
        TEST(a_record_that_is_kept_for_ever_stops_no_sweep),
    };
    const struct CMUnitTest postgres_tests[] = {
        TEST(a_sweep_that_waits_holds_no_claim_up),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed += cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, NULL);
    return failed +
           cmocka_run_group_tests_name("PostgreSQL alone", postgres_tests, NULL, bench_server_stop);
}
