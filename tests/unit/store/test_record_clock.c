/*
 * What a clock that is wrong does to the times of records: last_requested_at, by which records grow
 * too old to be kept, is never earlier than what the database knows.
 */
#include "record_bench.h"

#define DAY_S INT64_C(86400)

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

/* Somebody registers while our clock says this; what then stands there, in days before today. */
static void assert_kept(int64_t clock_s, const char *days_and_days)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    jean.claim.now_us = clock_s * 1000000;
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(
        &bench,
        SQL("SELECT ((strftime('%s', 'now') - strftime('%s', created_at) + 60) / 86400) || ' '"
            " || ((strftime('%s', 'now') - strftime('%s', last_requested_at) + 60) / 86400)"
            " FROM uic_records",
            "SELECT floor(extract(epoch FROM now() - created_at + '1 min') / 86400) || ' ' ||"
            " floor(extract(epoch FROM now() - last_requested_at + '1 min') / 86400)"
            " FROM uic_records"),
        days_and_days);
}

static void mark(int64_t trusted_s)
{
    char sql[160];

    snprintf(sql, sizeof sql,
             "INSERT INTO uic_marks (name, value) VALUES ('retention_clock', '%lld')",
             (long long)trusted_s * 1000000);
    assert_sql(&bench, sql, "");
    bench_detach(&bench);
    bench_attach(&bench);
}

static void sweep_done(struct store_ticket *ticket)
{
    ticket->done = NULL;
}

/* Counts by a clock that says this; how far clocks are believed then. */
static int64_t swept(int64_t clock_s)
{
    struct record_sweep sweep = {
        .ticket.done = sweep_done,
        .age_us = 1825 * DAY_S * 1000000,
        .survey = {clock_s * 1000000, INT64_MIN, INT64_MIN, 0, 0},
    };

    do {
        sweep.ticket.done = sweep_done;
        assert_int_equal(record_sweep(bench.link, &sweep), STORE_LATER);
        while (sweep.ticket.done)
            assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
        assert_int_equal(sweep.ticket.status, STORE_OK);
    } while (sweep.more);
    return sweep.survey.trusted_us / 1000000;
}

static void a_clock_that_is_years_slow_dates_nothing_years_back(void **state)
{
    (void)state;
    mark(time(NULL) - 2 * DAY_S);
    assert_kept(time(NULL) - 3000 * DAY_S, SQL("3000 2", "0 0"));
}

static void a_record_that_was_told_days_ago_keeps_its_day(void **state)
{
    (void)state;
    assert_kept(time(NULL) - 3 * DAY_S, SQL("3 3", "3 0"));
}

static void a_sweep_makes_the_next_claims_later(void **state)
{
    (void)state;
    struct asked other = asked_by("marie", "+2", "SM2", "other");

    other.claim.now_us = (time(NULL) - 5 * DAY_S) * 1000000;
    assert_int_equal(claimed(&bench, &other), STORE_OK);
    swept(time(NULL) - 4 * DAY_S);
    swept(time(NULL) - 4 * DAY_S);
    assert_sql(&bench, "DELETE FROM uic_records", "");
    assert_kept(time(NULL) - 3000 * DAY_S, SQL("3000 4", "0 0"));
}

static void what_is_believed_follows_a_clock_back_by_a_month_at_most(void **state)
{
    (void)state;
    const int64_t now_s = time(NULL);

    mark(now_s);
    assert_kept(now_s, "0 0");
    assert_int_equal(swept(now_s - 31 * DAY_S), now_s);
    assert_int_equal(swept(now_s - 3000 * DAY_S), now_s);
    assert_int_equal(swept(now_s - 29 * DAY_S), now_s - 29 * DAY_S);
    assert_int_equal(swept(now_s), now_s - 28 * DAY_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_is_years_slow_dates_nothing_years_back),
        TEST(a_record_that_was_told_days_ago_keeps_its_day),
        TEST(a_sweep_makes_the_next_claims_later),
        TEST(what_is_believed_follows_a_clock_back_by_a_month_at_most),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    return failed +
           cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
}
