/*
 * PostgreSQL is there, but somebody holds what we want, or a standby does not confirm: directly and
 * behind a pooler. Nobody else waits, nothing is left behind.
 */
#include "record_bench.h"

static struct bench bench;
static unsigned told;

static int setup(void **state)
{
    (void)state;
    alarm(60); /* what waits for ever fails */
    bench_open(&bench);
    return 0;
}

static int setup_unprepared(void **state)
{
    (void)state;
    alarm(60);
    bench_folder(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    alarm(0);
    return 0;
}

static PGconn *lock(const char *sql)
{
    PGconn *other = PQconnectdb(bench.url);

    PQclear(PQexec(other, "BEGIN"));
    PGresult *result = PQexec(other, sql);
    assert_in_range(PQresultStatus(result), PGRES_COMMAND_OK, PGRES_TUPLES_OK);
    PQclear(result);
    return other;
}

static void on_refused(void *arg, const char *why)
{
    (void)arg;
    assert_non_null(strstr(why, "lock timeout"));
    told++;
}

static void person(struct asked *asked, int number, const char *event)
{
    char name[16];

    snprintf(name, sizeof name, "%d", number);
    *asked = asked_by(name, "+1", event, name);
    assert_int_equal(record_claim(bench.link, &asked->claim), STORE_LATER);
}

static void rows_that_an_operator_holds_stop_nobody_else(void **state)
{
    (void)state;
    enum { HELD = 6, COUNT = 16 };
    const struct record_commit_watch watch = {.refused = on_refused};
    struct asked crowd[COUNT];

    told = 0;
    record_watch_commits(bench.link, &watch);
    for (int i = 0; i < HELD; i++)
        person(&crowd[i], i, "SM1");
    for (int i = 0; i < HELD; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    const unsigned changes = bench.changes;
    PGconn *other = lock("UPDATE uic_records SET notes = 'held'");

    for (int i = 0; i < COUNT; i++)
        person(&crowd[i], i, "SM2");
    for (int i = 0; i < COUNT; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, i < HELD ? STORE_DOWN : STORE_OK);
    }
    assert_int_equal(bench.changes, changes);
    assert_true(record_link_up(bench.link));
    assert_int_equal(told, 1);
    assert_sql(&bench,
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
               " AND wait_event_type = 'Lock'",
               "0");
    PQclear(PQexec(other, "ROLLBACK"));
    PQfinish(other);
    assert_int_equal(claimed(&bench, &crowd[0]), STORE_OK);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "16 17");
}

static void a_trigger_that_refuses_one_person_stops_nobody_else(void **state)
{
    (void)state;
    struct asked crowd[3];

    assert_sql(&bench,
               "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
               " RAISE 'not this one'; END$$; CREATE TRIGGER refuse BEFORE INSERT ON uic_records"
               " FOR EACH ROW WHEN (new.uic_code = '1') EXECUTE FUNCTION refuse()",
               "");
    for (int i = 0; i < 3; i++)
        person(&crowd[i], i, "SM1");
    for (int i = 0; i < 3; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, i == 1 ? STORE_DOWN : STORE_OK);
    }
    assert_true(record_link_up(bench.link));
}

/* The pooler has two server processes: a transaction holds one, the other answers meanwhile. */
static void nothing_is_set_for_others(void **state)
{
    (void)state;
    static const char show[] =
        "SELECT current_setting('lock_timeout')||' '||current_setting('statement_timeout')";
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    PGconn *other = lock("SELECT 1");
    PGresult *result = PQexec(other, show);
    assert_string_equal(PQgetvalue(result, 0, 0), "0 0");
    PQclear(result);
    assert_sql(&bench, show, "0 0");
    PQfinish(other);
}

static void a_start_does_not_wait_for_a_lock(void **state)
{
    (void)state;
    char report[ERROR_MAX] = "", error[ERROR_MAX] = "";

    PGconn *other = lock("LOCK TABLE uic_records");
    assert_int_equal(record_store_prepare(bench.url, report, error), RECORD_AWAY);
    assert_non_null(strstr(error, "lock timeout"));
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), RECORD_AWAY);
    assert_non_null(strstr(error, "no answer in time"));
    assert_int_equal(record_store_probe(bench.url, error), -1);
    PQfinish(other);
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), 0);
    assert_int_equal(record_store_probe(bench.url, error), 0);
}

/* The server reads its settings again in its own time. */
static void a_start_does_not_wait_for_a_standby(void **state)
{
    (void)state;
    char report[ERROR_MAX] = "", error[ERROR_MAX] = "";
    int status = 0;

    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_sql(&bench, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "");
    assert_sql(&bench, "SELECT pg_reload_conf()", "t");
    while (status == 0)
        status = record_store_mark(bench.url, "salt", "a", true, error);
    assert_int_equal(status, RECORD_AWAY);
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_sql(&bench, "ALTER SYSTEM RESET synchronous_standby_names", "");
    assert_sql(&bench, "SELECT pg_reload_conf()", "t");
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest direct[] = {
        TEST(rows_that_an_operator_holds_stop_nobody_else),
        TEST(a_trigger_that_refuses_one_person_stops_nobody_else),
        TEST(a_start_does_not_wait_for_a_lock),
        cmocka_unit_test_setup_teardown(a_start_does_not_wait_for_a_standby, setup_unprepared,
                                        teardown),
    };
    const struct CMUnitTest pooled[] = {
        TEST(nothing_is_set_for_others),
        TEST(rows_that_an_operator_holds_stop_nobody_else),
    };
    int failed =
        cmocka_run_group_tests_name("PostgreSQL", direct, bench_server_start, bench_server_stop);

    return failed + cmocka_run_group_tests_name("PostgreSQL behind pgbouncer", pooled,
                                                bench_pooler_start, bench_server_stop);
}
