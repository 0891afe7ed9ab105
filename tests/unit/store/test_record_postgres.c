/*
 * What only PostgreSQL has: totals, events remembered, and other transactions in the way.
 */
#include "record_bench.h"

#define JEAN "985-KINS-15-JEA-KABI-A3F9D"

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

static enum store_status claimed_by(const char *answers, const char *phone, const char *event)
{
    struct asked asked = asked_by(answers, phone, event, answers);

    return claimed(&bench, &asked);
}

static void a_replay_after_other_events_is_recognised(void **state)
{
    (void)state;
    const char *const events[] = {"SM1", "SM2", "SM3", "SM4", "SM5"};

    for (int i = 0; i < 5; i++)
        assert_int_equal(claimed_by("jean", "+1", events[i]), STORE_OK);
    for (int i = 0; i < 5; i++) {
        struct asked replay = asked_by("jean", "+1", events[i], JEAN);
        replay.claim.now_us += 500000000;
        assert_int_equal(claimed(&bench, &replay), STORE_OK);
        assert_int_equal(replay.claim.is_new, i == 0);
        assert_string_equal(replay.claim.code, "jean");
    }
    assert_sql(&bench,
               "SELECT request_count||' '||last_event_id||' '||previous_event_ids::text"
               " FROM uic_records WHERE last_requested_at = created_at",
               "5 SM5 {SM4,SM3,SM2,SM1}");

    /* The five last events are remembered, no more. */
    assert_int_equal(claimed_by("jean", "+1", "SM6"), STORE_OK);
    struct asked forgotten = asked_by("jean", "+1", "SM1", JEAN);
    assert_int_equal(claimed(&bench, &forgotten), STORE_OK);
    assert_false(forgotten.claim.is_new);
    assert_sql(&bench, "SELECT request_count FROM uic_records", "7");
}

static void events_without_id_keep_the_others_in_order(void **state)
{
    (void)state;
    struct asked replay = asked_by("jean", "+1", "SM1", JEAN);

    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    assert_int_equal(claimed_by("jean", "+1", ""), STORE_OK);
    assert_int_equal(claimed_by("jean", "+1", ""), STORE_OK);
    assert_int_equal(claimed(&bench, &replay), STORE_OK);
    assert_true(replay.claim.is_new);
    assert_sql(&bench, "SELECT request_count FROM uic_records", "3");
}

static void a_late_claim_does_not_turn_the_clock_back(void **state)
{
    (void)state;
    struct asked now = asked_by("jean", "+1", "SM2", JEAN);
    struct asked late = asked_by("jean", "+1", "SM1", JEAN);

    late.claim.now_us -= 60000000;
    assert_int_equal(claimed(&bench, &now), STORE_OK);
    assert_int_equal(claimed(&bench, &late), STORE_OK);
    assert_sql(&bench, "SELECT request_count FROM uic_records WHERE last_requested_at = created_at",
               "2");
}

static void assert_totals(const char *expected)
{
    assert_sql(&bench,
               "SELECT sum(new_codes)||' codes '||sum(new_phones)||' phones '||sum(requests)"
               "||' requests' FROM uic_totals_shards WHERE hour = '-infinity'",
               expected);
    assert_sql(&bench,
               "SELECT sum(new_codes)||' codes '||sum(new_phones)||' phones '||sum(requests)"
               "||' requests' FROM uic_totals",
               expected);
}

/* By hour; but requests over all, because rows only know their last one's hour. */
static void assert_totals_equal_a_recount(void)
{
    static const char totals[] =
        "SELECT string_agg(hour||' '||codes||' '||phones, ', ' ORDER BY hour) || '; ' || "
        "sum(requests)"
        " FROM (SELECT hour, sum(new_codes) AS codes, sum(new_phones) AS phones,"
        " sum(requests) AS requests FROM uic_totals GROUP BY hour) AS hours";
    char kept[BENCH_TEXT_MAX];
    char counted[BENCH_TEXT_MAX];

    bench_sql(&bench, totals, kept);
    bench_sql(&bench, "SELECT uic_totals_count()", counted);
    bench_sql(&bench, totals, counted);
    assert_string_equal(kept, counted);
}

static void totals_are_kept(void **state)
{
    (void)state;
    struct asked next_hour = asked_by("jean", "+1", "SM6", JEAN);

    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    assert_int_equal(claimed_by("marie", "+1", "SM2"), STORE_OK);
    assert_int_equal(claimed_by("paul", "+2", "SM3"), STORE_OK);
    assert_int_equal(claimed_by("paul", "+3", "SM4"), STORE_OK);
    assert_int_equal(claimed_by("paul", "+3", "SM4"), STORE_OK);
    assert_totals("3 codes 2 phones 4 requests");
    next_hour.claim.now_us += 2000000; /* 2026 in UTC */
    assert_int_equal(claimed(&bench, &next_hour), STORE_OK);
    assert_totals("3 codes 2 phones 5 requests");
    assert_sql(&bench, "SELECT requests FROM uic_totals WHERE hour = '2126-01-01 00:00Z'", "1");
    assert_totals_equal_a_recount();
}

static void totals_of_a_crowd_equal_a_recount(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);

    for (int i = 0; i < COUNT; i++) {
        char answers[16], phone[16], event[16];
        snprintf(answers, sizeof answers, "%d", i * 7 % 900);
        snprintf(phone, sizeof phone, "+%d", i * 7 % 900 / 10);
        snprintf(event, sizeof event, "SM%d", i);
        crowd[i] = asked_by(answers, phone, event, answers);
        crowd[i].claim.now_us += i * INT64_C(1000);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    for (int i = 0; i < COUNT; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    free(crowd);
    assert_totals("900 codes 90 phones 2000 requests");
    assert_totals_equal_a_recount();
}

static void what_an_operator_writes_is_in_the_totals(void **state)
{
    (void)state;
    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    assert_sql(&bench,
               "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
               " last_requested_at) SELECT 'C'||n, '+'||n % 3, int4send(n), now(), now()"
               " FROM generate_series(1, 30) AS n",
               "");
    assert_totals("31 codes 3 phones 31 requests");
    assert_sql(&bench, "DELETE FROM uic_records WHERE phone_number = '+2'", "");
    assert_totals("21 codes 2 phones 31 requests");
    assert_sql(&bench, "DELETE FROM uic_records WHERE uic_code = 'jean'", "");
    assert_totals("20 codes 2 phones 31 requests");
}

static PGconn *other_begin(const char *sql)
{
    PGconn *other = PQconnectdb(bench.url);

    assert_int_equal(PQstatus(other), CONNECTION_OK);
    PQclear(PQexec(other, "BEGIN"));
    PGresult *result = PQexec(other, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    PQclear(result);
    return other;
}

static void other_end(PGconn *other, const char *sql)
{
    PQclear(PQexec(other, sql));
    PQfinish(other);
}

/* Turns the loop until a statement of ours waits for another transaction. */
static void loop_until_blocked(void)
{
    char text[BENCH_TEXT_MAX] = "";

    while (strcmp(text, "1") != 0) {
        assert_int_equal(event_base_loop(bench.base, EVLOOP_NONBLOCK), 0);
        bench_sql(&bench,
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND application_name = 'whatsapp-uic' AND wait_event_type = 'Lock'",
                  text);
    }
}

/* Three new persons in one batch, of whom the second wants what the other transaction has. */
static void trio_claim(struct asked trio[3], const char *second, const char *event)
{
    trio[0] = asked_by("anne", "+1", "SM1", "anne");
    trio[1] = asked_by(second, "+2", event, JEAN);
    trio[2] = asked_by("zoe", "+3", "SM3", "zoe");
    for (int i = 0; i < 3; i++)
        assert_int_equal(record_claim(bench.link, &trio[i].claim), STORE_LATER);
}

static void trio_wait(struct asked trio[3])
{
    for (int i = 0; i < 3; i++)
        asked_wait(&bench, &trio[i]);
    assert_int_equal(trio[0].claim.ticket.status, STORE_OK);
    assert_int_equal(trio[2].claim.ticket.status, STORE_OK);
    assert_true(trio[0].claim.is_new && trio[2].claim.is_new);
    assert_true(record_link_up(bench.link));
}

#define INSERT_JEAN                                                                               \
    "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at," \
    " last_event_id) VALUES ('" JEAN "', '+2', rpad('jean', 32, '0')::bytea, now(), now(), 'SM2')"

static void a_code_that_another_instance_gives_away_meanwhile(void **state)
{
    (void)state;
    struct asked trio[3];
    PGconn *other = other_begin(INSERT_JEAN);

    trio_claim(trio, "joan", "SM2");
    loop_until_blocked();
    other_end(other, "COMMIT");
    trio_wait(trio);
    assert_int_equal(trio[1].claim.ticket.status, STORE_CONFLICT);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "3 3");
    assert_totals("3 codes 3 phones 3 requests");
}

static void a_code_that_another_instance_gives_away_and_takes_back(void **state)
{
    (void)state;
    struct asked trio[3];
    PGconn *other = other_begin(INSERT_JEAN);

    trio_claim(trio, "joan", "SM2");
    loop_until_blocked();
    other_end(other, "ROLLBACK");
    trio_wait(trio);
    assert_int_equal(trio[1].claim.ticket.status, STORE_OK);
    assert_totals("3 codes 3 phones 3 requests");
}

/* The hash of asked_by("jean", ...) as SQL. */
#define HASH_OF_JEAN "decode(rpad(encode('jean', 'hex'), 64, '0'), 'hex')"

static void the_same_event_on_another_instance_at_once(void **state)
{
    (void)state;
    struct asked trio[3];
    PGconn *other = other_begin("INSERT INTO uic_records (uic_code, phone_number, input_hash,"
                                " created_at, last_requested_at, last_event_id) VALUES"
                                " ('" JEAN "', '+2', " HASH_OF_JEAN ", now(), now(), 'SM2')");

    trio_claim(trio, "jean", "SM2");
    loop_until_blocked();
    other_end(other, "COMMIT");
    trio_wait(trio);
    assert_int_equal(trio[1].claim.ticket.status, STORE_OK);
    assert_true(trio[1].claim.is_new);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "3 3");
}

static void the_same_person_on_another_instance_at_once(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+2", "SM2", JEAN);
    PGconn *other = other_begin("INSERT INTO uic_records (uic_code, phone_number, input_hash,"
                                " created_at, last_requested_at, last_event_id) VALUES"
                                " ('" JEAN "', '+1', " HASH_OF_JEAN ", now(), now(), 'SM1')");

    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_LATER);
    loop_until_blocked();
    other_end(other, "COMMIT");
    asked_wait(&bench, &jean);
    assert_int_equal(jean.claim.ticket.status, STORE_OK);
    assert_false(jean.claim.is_new);
    assert_false(jean.claim.asked_before);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "1 2");
}

static void a_row_that_an_operator_holds_stops_one_person_only(void **state)
{
    (void)state;
    struct asked trio[3];

    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    PGconn *other = other_begin("UPDATE uic_records SET notes = 'gone for lunch'");
    trio_claim(trio, "jean", "SM2");
    trio_wait(trio);
    assert_int_equal(trio[1].claim.ticket.status, STORE_DOWN);
    assert_string_equal(trio[1].claim.code, JEAN);
    other_end(other, "COMMIT");
    assert_int_equal(claimed(&bench, &trio[1]), STORE_OK);
    assert_string_equal(trio[1].claim.code, "jean");
    assert_sql(&bench, "SELECT notes||' '||request_count FROM uic_records WHERE uic_code = 'jean'",
               "gone for lunch 2");
}

static void bytes_that_are_no_text_fail_their_claim_only(void **state)
{
    (void)state;
    struct asked trio[3];

    trio_claim(trio, "joan", "SM2");
    strcpy(trio[1].claim.phone_number, "+243\xff");
    trio_wait(trio);
    assert_int_equal(trio[1].claim.ticket.status, STORE_DOWN);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "2");
}

static void an_id_that_an_import_has_taken_is_no_conflict_of_codes(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);

    assert_sql(&bench,
               "INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at,"
               " last_requested_at) VALUES (1, 'imported', '+1', '', now(), now())",
               "");
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_true(jean.claim.is_new);
}

static void all_links_of_an_instance_write_on_one_connection(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked marie = asked_by("marie", "+2", "SM2", "marie");
    char error[ERROR_MAX];

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    struct record_link *late = record_attach(bench.store, bench.base, NULL, error);
    while (!record_link_up(late))
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_int_equal(record_claim(late, &marie.claim), STORE_LATER);
    asked_wait(&bench, &marie);
    assert_int_equal(marie.claim.ticket.status, STORE_OK);
    record_detach(late);
    assert_sql(&bench,
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
               " AND application_name = 'whatsapp-uic'",
               "1");
}

static void two_instances_that_take_the_same_rows_do_not_deadlock(void **state)
{
    (void)state;
    enum { COUNT = 256, ROUNDS = 20 };
    struct asked *crowd = calloc(2 * COUNT, sizeof *crowd);
    char error[ERROR_MAX];
    char text[BENCH_TEXT_MAX] = "";
    struct record_store *other = record_store_open(bench.url, asker_key, NULL, error);
    struct record_link *links[] = {bench.link, record_attach(other, bench.base, NULL, error)};

    for (int i = 0; i < COUNT; i++) {
        char answers[16];
        snprintf(answers, sizeof answers, "%d", i);
        assert_int_equal(claimed_by(answers, "+1", "SM"), STORE_OK);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 2 * COUNT; i++) {
            char answers[16], event[32];
            int person = i % 2 ? i / 2 : COUNT - 1 - i / 2; /* one link forwards, one backwards */
            snprintf(answers, sizeof answers, "%d", person);
            snprintf(event, sizeof event, "SM%d-%d", round, i);
            crowd[i] = asked_by(answers, "+1", event, answers);
            assert_int_equal(record_claim(links[i % 2], &crowd[i].claim), STORE_LATER);
        }
        for (int i = 0; i < 2 * COUNT; i++) {
            asked_wait(&bench, &crowd[i]);
            assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
        }
    }
    free(crowd);
    record_detach(links[1]);
    record_store_close(other);
    bench_detach(&bench);

    /* Their statistics are there when they are gone. None had to go back. */
    while (strcmp(text, "0") != 0)
        bench_sql(&bench,
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND application_name = 'whatsapp-uic'",
                  text);
    assert_sql(&bench,
               "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()",
               "0");
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "256 10496");
    assert_totals_equal_a_recount();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Who says something locks its record before the others' are locked in their order. */
static void a_claim_that_says_something_goes_alone(void **state)
{
    struct asked other = asked_by("marie", "+1", "SM2", "marie");
    struct asked same = asked_by("jean", "+1", "SM3", "jean");

    (void)state;
    same.claim.said = RECORD_SAID_SAME;
    memset(same.claim.said_of, 'x', sizeof same.claim.said_of);
    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    assert_int_equal(record_claim(bench.link, &other.claim), STORE_LATER);
    assert_int_equal(record_claim(bench.link, &same.claim), STORE_LATER);
    asked_wait(&bench, &other);
    asked_wait(&bench, &same);
    assert_int_equal(other.claim.ticket.status, STORE_OK);
    assert_int_equal(same.claim.ticket.status, STORE_OK);
    assert_sql(&bench, "SELECT count(DISTINCT xmin::text) FROM uic_records", "2");
    assert_sql(&bench, "SELECT sum(request_count) FROM uic_records", "3");
}

/* An operator who empties the table, its numbers too, fires no trigger. */
static void what_is_left_of_a_table_that_was_emptied_stops_nobody(void **state)
{
    char nothing[BENCH_TEXT_MAX];

    (void)state;
    assert_int_equal(claimed_by("jean", "+1", "SM1"), STORE_OK);
    bench_sql(&bench, "TRUNCATE uic_records RESTART IDENTITY", nothing);
    bench_sql(&bench,
              "INSERT INTO uic_asked SELECT who, n FROM uic_asked, generate_series(2, 50000) AS n",
              nothing);
    assert_int_equal(claimed_by("marie", "+1", "SM2"), STORE_OK);
    assert_sql(&bench, "SELECT count(*) FROM uic_asked JOIN uic_records ON id = record", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_replay_after_other_events_is_recognised),
        TEST(events_without_id_keep_the_others_in_order),
        TEST(a_late_claim_does_not_turn_the_clock_back),
        TEST(totals_are_kept),
        TEST(totals_of_a_crowd_equal_a_recount),
        TEST(what_an_operator_writes_is_in_the_totals),
        TEST(a_code_that_another_instance_gives_away_meanwhile),
        TEST(a_code_that_another_instance_gives_away_and_takes_back),
        TEST(the_same_event_on_another_instance_at_once),
        TEST(the_same_person_on_another_instance_at_once),
        TEST(a_row_that_an_operator_holds_stops_one_person_only),
        TEST(bytes_that_are_no_text_fail_their_claim_only),
        TEST(an_id_that_an_import_has_taken_is_no_conflict_of_codes),
        TEST(all_links_of_an_instance_write_on_one_connection),
        TEST(two_instances_that_take_the_same_rows_do_not_deadlock),
        TEST(a_claim_that_says_something_goes_alone),
        TEST(what_is_left_of_a_table_that_was_emptied_stops_nobody),
    };

    return cmocka_run_group_tests(tests, bench_server_start, bench_server_stop);
}
