/*
 * Finding pairs of records that may be one person, on SQLite and on PostgreSQL: in small steps that
 * may end anywhere.
 */
#include "duplicates_bench.h"

#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>

static void who_agrees_but_for_place_year_or_day_is_a_pair(void **state)
{
    (void)state;
    person_insert(1, "985-KINS-15-JEA-KABI-AAAAA", "ypfdn");
    person_insert(2, "985-GOMA-15-JEA-KABI-AAAAB", "yPfdn");
    person_insert(3, "986-KINS-15-JEA-KABI-AAAAC", "Ypfdn");
    person_insert(4, "985-KINS-16-JEA-KABI-AAAAD", "ypfDn");
    person_insert(5, "985-KINS-15-MAR-KABI-AAAAE", "ypFdn"); /* a twin */
    person_insert(6, "985-KINS-15-JEA-MBUY-AAAAF", "ypfdN");
    assert_true(build_all() > 0);
    assert_pairs("1-2 place, 1-3 year, 1-4 day");
}

static void who_is_spelt_otherwise_or_shows_the_same_is_a_pair(void **state)
{
    (void)state;
    person_insert(1, "985-KINS-15-JEA-MWAM-AAAAA", "ypfdn");
    person_insert(2, "985-KINS-15-JEA-MUAM-AAAAB", "ypfdn");
    person_insert(3, "985-KINS-15-JEA-MWAM-AAAACA", "YPFDN");
    person_insert(4, "985-KINS-15-JON-MWAM-AAAAD", "ypgdn"); /* Jeanne or Jean */
    person_insert(5, "985-GOMA-15-JON-MWAM-AAAAE", "yPgdn");
    build_all();
    assert_pairs("1-2 spelling, 1-3 code, 1-4 spelling, 2-4 spelling, 4-5 place");
}

static void a_code_that_shows_nothing_makes_no_pair(void **state)
{
    (void)state;
    struct duplicates_build build = build_until(INT64_MAX);

    person_insert(1, "CIU-A-1", "abcde");
    person_insert(2, "CIU-A-2", "fghij");
    build.code_shows = false;
    build_step(&build);
    assert_pairs("");
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "8");
}

static void each_record_is_compared_once_and_not_too_early(void **state)
{
    (void)state;
    struct duplicates_build build = build_until(0);

    person_insert(1, "a-1", "ypfdn");
    person_insert(7, "b-1", "yPfdn");
    build_step(&build);
    assert_int_equal(build.newest_id, 7);
    assert_false(build.more);
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "0");
    build = build_until(6);
    build_step(&build);
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "5");
    assert_sql(&bench, "SELECT value FROM uic_marks WHERE name = 'near_end'", "1");
    build_all();
    assert_pairs("1-7 place");
    assert_sql(&bench, "DELETE FROM uic_pairs", "");
    build_all();
    assert_pairs("");
}

/* Many of before this version, and some of today. */
static void records_without_near_are_passed_over(void **state)
{
    (void)state;
    assert_sql(&bench,
               SQL("WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 9000)"
                   " INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at,"
                   " last_requested_at) SELECT n, 'c' || n, '+' || n, 'o' || n, '2026-01-01',"
                   " '2026-01-01' FROM i",
                   "INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at,"
                   " last_requested_at) SELECT n, 'c' || n, '+' || n, int4send(n), '2026-01-01',"
                   " '2026-01-01' FROM generate_series(1, 9000) AS n"),
               "");
    person_insert(9001, "a-1", "ypfdn");
    person_insert(9002, "b-1", "ypfDn");
    assert_true(build_all() <= 4);
    assert_pairs("9001-9002 day");
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "10");
}

/* Whoever varies an answer all day makes no list of her own. */
static void a_crowd_makes_few_pairs(void **state)
{
    (void)state;
    for (int i = 1; i <= 20; i++) {
        char code[16], answers[] = "ypfdn";
        snprintf(code, sizeof code, "c%d-1", i);
        answers[1] = (char)('A' + i);
        person_insert(i, code, answers);
    }
    build_all();
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", "28"); /* each of eight with each */
    assert_sql(&bench, "SELECT count(*) FROM uic_near WHERE kind = 1", "8");
}

static void what_people_said_stays_and_no_pair_is_there_twice(void **state)
{
    (void)state;
    person_insert(1, "a-1", "ypfdn");
    person_insert(2, "b-1", "ypfDn");
    person_insert(3, "c-1", "Xpfdn");
    assert_sql(
        &bench,
        "INSERT INTO uic_pairs (record, answers, why, said) VALUES (1, 'h2', 'said', 'same')", "");
    assert_sql(
        &bench,
        "INSERT INTO uic_pairs (record, answers, why, said) VALUES (3, 'h1', 'said', 'different')",
        "");
    build_all();
    assert_pairs("1-2 day, 3-1 said");
    assert_sql(&bench, "SELECT said FROM uic_pairs WHERE record = 1", "same");
}

static void what_is_known_of_a_record_goes_with_it(void **state)
{
    (void)state;
    person_insert(1, "a-1", "ypfdn");
    person_insert(2, "b-1", "ypfDn");
    person_insert(3, "c-1", "ypfEn");
    build_all();
    assert_pairs("1-2 day, 1-3 day, 2-3 day");
    assert_sql(&bench, "DELETE FROM uic_records WHERE id = 2", "");
    assert_pairs("1-3 day");
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", "1");
    assert_sql(&bench, "SELECT count(*) FROM uic_near WHERE record = 2", "0");
    assert_sql(&bench, "DELETE FROM uic_records", "");
    assert_sql(&bench, "SELECT (SELECT count(*) FROM uic_near) + (SELECT count(*) FROM uic_pairs)",
               "0");
}

static void of_those_whose_root_goes_the_oldest_counts(void **state)
{
    (void)state;
    for (int i = 1; i <= 5; i++) {
        char code[16];
        snprintf(code, sizeof code, "c%d-1", i);
        person_insert(i, code, "ypfdn");
    }
    assert_sql(&bench, "UPDATE uic_records SET same_as = 1 WHERE id > 1", "");
    assert_sql(&bench, "DELETE FROM uic_records WHERE id = 1", "");
    assert_counting("2, 2, 2, 2");
    assert_sql(&bench, "DELETE FROM uic_records WHERE id IN (2, 3)", "");
    assert_counting("4, 4");
    assert_sql(&bench, "DELETE FROM uic_records WHERE id = 4", "");
    assert_counting("5");
    assert_sql(&bench, "SELECT count(*) FROM uic_records WHERE same_as IS NOT NULL", "0");
}

static void an_id_that_is_given_out_again_is_compared_again(void **state)
{
    (void)state;
    person_insert(1, "a-1", "ypfdn");
    person_insert(2, "b-1", "vwxyz");
    person_insert(3, "c-1", "ghijk");
    build_all();
    assert_sql(&bench, "DELETE FROM uic_records WHERE id IN (2, 3)", "");
    person_insert(2, "d-1", "ypfDn");
    build_all();
    assert_pairs("1-2 day");
}

static void crowds_make(void)
{
    char near[51], sql[1024];

    near_write("ypfdn", near);
    snprintf(
        sql, sizeof sql,
        SQL("WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 3000)"
            " INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at,"
            " last_requested_at, near) SELECT n, 'c' || n || '-1', '+1', 'h' || n, '2026-01-01',"
            " '2026-01-01', substr('%s', 1, 30) || printf('%%010d0000000000', n %% 1500) FROM i",
            "INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at,"
            " last_requested_at, near) SELECT n, 'c' || n || '-1', '+1', ('h' || n)::bytea,"
            " '2026-01-01', '2026-01-01', decode(substr('%s', 1, 30) ||"
            " lpad((n %% 1500)::text, 10, '0') || '0000000000', 'hex') FROM generate_series(1, 3000) AS n"),
        near);
    assert_sql(&bench, sql, "");
}

/* The first eight agree but for their place and year, and each of the first half with one of the
 * second but for the day. */
#define CROWDS_PAIRS "1528"

static void several_at_once_do_no_harm(void **state)
{
    (void)state;
    char error[ERROR_MAX];
    struct duplicates_build mine = build_until(INT64_MAX), other = build_until(INT64_MAX);

    crowds_make();
    struct record_store *store = record_store_open(bench.url, asker_key, NULL, error);
    struct record_link *link = record_attach(store, bench.base, NULL, error);
    assert_non_null(link);
    do {
        mine.ticket.done = other.ticket.done = build_done;
        assert_int_equal(duplicates_build(bench.link, &mine), STORE_LATER);
        assert_int_equal(duplicates_build(link, &other), STORE_LATER);
        while (mine.ticket.done != NULL || other.ticket.done != NULL)
            assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
        assert_int_equal(mine.ticket.status, STORE_OK);
        assert_int_equal(other.ticket.status, STORE_OK);
    } while (mine.more || other.more);
    record_detach(link);
    record_store_close(store);
    build_all();
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", CROWDS_PAIRS);
}

static void killed_on_the_way_it_goes_on_where_it_was(void **state)
{
    (void)state;
    crowds_make();
    bench_detach(&bench);
    for (int kills = 0; kills < 4; kills++) {
        int steps[2];
        char byte;
        assert_int_equal(pipe(steps), 0);
        const pid_t child = fork();
        if (child == 0) {
            struct duplicates_build build = build_until(INT64_MAX);
            bench_attach(&bench);
            do {
                build_step(&build);
                if (write(steps[1], "x", 1) != 1)
                    break;
            } while (build.more);
            _exit(0);
        }
        close(steps[1]);
        assert_int_equal(read(steps[0], &byte, 1), 1); /* in the second step, as like as not */
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(steps[0]);
    }
    bench_attach(&bench);
    build_all();
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", CROWDS_PAIRS);
}

/* Neither keeps a hash of a record that somebody is deleting. */
static void while_a_record_is_deleted_nobody_compares(void **state)
{
    (void)state;
    struct duplicates_build build = build_until(INT64_MAX);
    PGconn *other = PQconnectdb(bench.url);

    person_insert(1, "a-1", "ypfdn");
    person_insert(2, "b-1", "ypfDn");
    PQclear(PQexec(other, "BEGIN; DELETE FROM uic_records WHERE id = 2"));
    build_step(&build);
    assert_false(build.more);
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "0");
    PQclear(PQexec(other, "COMMIT"));
    PQfinish(other);
    build_all();
    assert_sql(&bench, "SELECT count(*) FROM uic_near WHERE record = 1", "5");
    assert_sql(&bench, "SELECT count(*) FROM uic_near", "5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_agrees_but_for_place_year_or_day_is_a_pair),
        TEST(who_is_spelt_otherwise_or_shows_the_same_is_a_pair),
        TEST(a_code_that_shows_nothing_makes_no_pair),
        TEST(each_record_is_compared_once_and_not_too_early),
        TEST(records_without_near_are_passed_over),
        TEST(a_crowd_makes_few_pairs),
        TEST(what_people_said_stays_and_no_pair_is_there_twice),
        TEST(what_is_known_of_a_record_goes_with_it),
        TEST(of_those_whose_root_goes_the_oldest_counts),
        TEST(several_at_once_do_no_harm),
        TEST(killed_on_the_way_it_goes_on_where_it_was),
    };
    const struct CMUnitTest sqlite_tests[] = {
        TEST(an_id_that_is_given_out_again_is_compared_again),
    };
    const struct CMUnitTest postgres_tests[] = {
        TEST(while_a_record_is_deleted_nobody_compares),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed += cmocka_run_group_tests_name("SQLite alone", sqlite_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, NULL);
    return failed +
           cmocka_run_group_tests_name("PostgreSQL alone", postgres_tests, NULL, bench_server_stop);
}
