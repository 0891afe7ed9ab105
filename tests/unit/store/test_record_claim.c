/*
 * What a claim does to the table and what it answers, in SQLite and in PostgreSQL.
 */
#include "record_bench.h"

#define JEAN "985-KINS-15-JEA-KABI-A3F9D"
#define MARIE "990-GOMA-02-MAR-MBUY-00C0D"

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

static void a_new_person_is_registered(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "whatsapp:+243810000001", "SM1", JEAN);

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_true(jean.claim.is_new);
    assert_false(jean.claim.asked_before);
    assert_string_equal(jean.claim.code, JEAN);
    assert_true(record_link_up(bench.link));
    assert_sql(&bench,
               "SELECT uic_code||' '||phone_number||' '||CASE WHEN is_active THEN 'active' END||' '"
               "||coalesce(notes,'-')||' '||request_count||' '||last_event_id FROM uic_records",
               JEAN " whatsapp:+243810000001 active - 1 SM1");
    assert_sql(&bench,
               SQL("SELECT input_hash FROM uic_records",
                   "SELECT encode(input_hash, 'hex') FROM uic_records"),
               "6a65616e00000000000000000000000000000000000000000000000000000000");
}

static const char *time_of(const char *column)
{
    static char sql[128];

    snprintf(sql, sizeof sql,
             SQL("SELECT %s FROM uic_records",
                 "SELECT to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
                 " FROM uic_records"),
             column);
    return sql;
}

static void times_are_minutes_utc_that_sql_understands(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked again = asked_by("jean", "+1", "SM2", JEAN);

    again.claim.now_us = 4922899259999999;
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(claimed(&bench, &again), STORE_OK);
    assert_sql(&bench, time_of("created_at"), "2125-12-31 23:59:00.000000");
    assert_sql(&bench, time_of("last_requested_at"), "2126-01-01 00:00:00.000000");
}

static void the_queries_of_the_guide_work(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked marie = asked_by("marie", "+1", "SM2", MARIE);

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_sql(&bench, "SELECT COUNT(*) FROM uic_records", "2");
    assert_sql(&bench, "SELECT COUNT(DISTINCT phone_number) FROM uic_records", "1");
    assert_sql(&bench,
               "SELECT d||' '||n FROM (SELECT DATE(created_at) AS d, COUNT(*) AS n FROM uic_records"
               " GROUP BY DATE(created_at)) AS days",
               "2125-12-31 2");
    assert_sql(&bench,
               "SELECT uic_code, phone_number, created_at FROM uic_records ORDER BY uic_code",
               JEAN);
}

static void the_same_answers_give_the_same_code_and_are_counted(void **state)
{
    (void)state;
    struct asked first = asked_by("jean", "+1", "SM1", JEAN);
    struct asked same = asked_by("jean", "+1", "SM2", JEAN);
    struct asked other = asked_by("jean", "+2", "SM3", JEAN);

    assert_int_equal(claimed(&bench, &first), STORE_OK);
    assert_int_equal(claimed(&bench, &same), STORE_OK);
    assert_false(same.claim.is_new);
    assert_true(same.claim.asked_before);
    assert_string_equal(same.claim.code, JEAN);

    assert_int_equal(claimed(&bench, &other), STORE_OK);
    assert_false(other.claim.is_new);
    assert_false(other.claim.asked_before);
    assert_sql(&bench,
               "SELECT COUNT(*)||' '||MAX(request_count)||' '||MAX(phone_number) FROM uic_records",
               "1 3 +1");
}

static void the_stored_code_wins_over_the_wanted_one(void **state)
{
    (void)state;
    struct asked first = asked_by("jean", "+1", "SM1", JEAN "0");
    struct asked again = asked_by("jean", "+1", "SM2", JEAN);

    assert_int_equal(claimed(&bench, &first), STORE_OK);
    assert_int_equal(claimed(&bench, &again), STORE_OK);
    assert_string_equal(again.claim.code, JEAN "0");
}

static void an_event_that_comes_again_changes_nothing(void **state)
{
    (void)state;
    struct asked first = asked_by("jean", "+1", "SM1", JEAN);
    struct asked replay = asked_by("jean", "+1", "SM1", JEAN);

    replay.claim.now_us += 500000000;
    assert_int_equal(claimed(&bench, &first), STORE_OK);
    assert_int_equal(claimed(&bench, &replay), STORE_OK);
    assert_true(replay.claim.is_new);
    assert_false(replay.claim.asked_before);
    assert_string_equal(replay.claim.code, JEAN);
    assert_sql(&bench, "SELECT request_count FROM uic_records", "1");
    assert_sql(&bench, time_of("last_requested_at"), "2125-12-31 23:59:00.000000");
}

static void an_event_that_found_a_record_finds_it_again(void **state)
{
    (void)state;
    struct asked first = asked_by("jean", "+1", "SM1", JEAN);
    struct asked second = asked_by("jean", "+2", "SM2", JEAN);

    assert_int_equal(claimed(&bench, &first), STORE_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(claimed(&bench, &second), STORE_OK);
        assert_false(second.claim.is_new);
        assert_false(second.claim.asked_before);
        assert_string_equal(second.claim.code, JEAN);
    }
    assert_sql(&bench, "SELECT request_count FROM uic_records", "2");
}

static void events_that_come_again_in_turn_change_nothing(void **state)
{
    static const char *const events[] = {"SM1", "SM22", "", "SM333", "SM3"};
    enum { EVENTS = sizeof events / sizeof *events };
    (void)state;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < EVENTS; i++) {
            struct asked jean = asked_by("jean", i == 0 ? "+1" : "+2", events[i], JEAN);
            if (round > 0 && events[i][0] == '\0')
                continue;
            assert_int_equal(claimed(&bench, &jean), STORE_OK);
            assert_int_equal(jean.claim.is_new, i == 0);
            assert_int_equal(jean.claim.asked_before, i > 1); /* two numbers */
        }
    }
    assert_sql(&bench, "SELECT request_count FROM uic_records", "5");
}

static void claims_without_event_are_all_counted(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "", JEAN);

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_false(jean.claim.is_new);
    assert_sql(&bench, "SELECT request_count FROM uic_records", "2");
}

static void a_code_of_another_person_is_a_conflict_for_that_claim_only(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked batch[] = {
        asked_by("marie", "+2", "SM2", MARIE),
        asked_by("joan", "+3", "SM3", JEAN),
        asked_by("paul", "+4", "SM4", "paul's code"),
    };

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(record_claim(bench.link, &batch[i].claim), STORE_LATER);
    for (int i = 0; i < 3; i++)
        asked_wait(&bench, &batch[i]);
    assert_int_equal(batch[0].claim.ticket.status, STORE_OK);
    assert_int_equal(batch[1].claim.ticket.status, STORE_CONFLICT);
    assert_string_equal(batch[1].claim.code, JEAN);
    assert_int_equal(batch[2].claim.ticket.status, STORE_OK);
    assert_sql(&bench, "SELECT COUNT(*) FROM uic_records", "3");
    assert_sql(&bench, "SELECT request_count FROM uic_records WHERE uic_code = '" JEAN "'", "1");

    strcat(batch[1].claim.code, "7");
    assert_int_equal(claimed(&bench, &batch[1]), STORE_OK);
    assert_true(batch[1].claim.is_new);
    assert_string_equal(batch[1].claim.code, JEAN "7");

    /* Joan comes again and her short code is still Jean's: she has hers. */
    struct asked again = asked_by("joan", "+3", "SM5", JEAN);
    assert_int_equal(claimed(&bench, &again), STORE_OK);
    assert_string_equal(again.claim.code, JEAN "7");
}

static void two_new_persons_who_want_one_code(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked joan = asked_by("joan", "+2", "SM2", JEAN);

    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_LATER);
    assert_int_equal(record_claim(bench.link, &joan.claim), STORE_LATER);
    asked_wait(&bench, &jean);
    asked_wait(&bench, &joan);
    assert_int_equal(jean.claim.ticket.status, STORE_OK);
    assert_int_equal(joan.claim.ticket.status, STORE_CONFLICT);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "+1");
}

static void a_deactivated_record_still_gives_its_code(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked again = asked_by("jean", "+1", "SM2", JEAN "0");

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(&bench, "UPDATE uic_records SET is_active = false, notes = 'moved'", "");
    assert_int_equal(claimed(&bench, &again), STORE_OK);
    assert_false(again.claim.is_new);
    assert_string_equal(again.claim.code, JEAN);
    assert_sql(&bench, "SELECT notes||request_count FROM uic_records WHERE NOT is_active",
               "moved2");
}

static void one_person_many_times_in_one_batch(void **state)
{
    (void)state;
    struct asked crowd[40];
    int new_count = 0;

    for (int i = 0; i < 40; i++) {
        char event[16];
        snprintf(event, sizeof event, "SM%d", i / 2); /* each message comes twice in a row */
        crowd[i] = asked_by("jean", "+1", event, JEAN);
    }
    for (int i = 0; i < 40; i++)
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    for (int i = 0; i < 40; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
        assert_string_equal(crowd[i].claim.code, JEAN);
        new_count += crowd[i].claim.is_new;
    }
    assert_int_equal(new_count, 2);
    assert_sql(&bench, "SELECT COUNT(*)||' '||SUM(request_count) FROM uic_records", "1 20");
}

static void fields_at_their_limits_are_kept_whole(void **state)
{
    (void)state;
    struct asked long_one = asked_by("jean", "", "", "");

    memset(long_one.claim.code, 'C', RECORD_CODE_MAX - 1);
    memset(long_one.claim.phone_number, '9', RECORD_PHONE_MAX - 1);
    memset(long_one.claim.event_id, 'E', RECORD_EVENT_ID_MAX - 1);
    memset(long_one.claim.input_hash, 0xfe, RECORD_HASH_SIZE);
    assert_int_equal(claimed(&bench, &long_one), STORE_OK);
    assert_true(long_one.claim.is_new && !long_one.claim.asked_before);
    assert_int_equal(claimed(&bench, &long_one), STORE_OK);
    assert_true(long_one.claim.is_new && !long_one.claim.asked_before);
    assert_int_equal(strlen(long_one.claim.code), RECORD_CODE_MAX - 1);
    assert_sql(&bench,
               "SELECT length(uic_code)||' '||length(phone_number)||' '||length(last_event_id)"
               "||' '||length(input_hash) FROM uic_records",
               SQL("127 239 39 64", "127 239 39 32"));
}

static void sql_in_a_field_is_only_text(void **state)
{
    (void)state;
    struct asked mallory = asked_by("m", "'); DROP TABLE uic_records; --", "x' OR '1'='1", "%';--");

    assert_int_equal(claimed(&bench, &mallory), STORE_OK);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "'); DROP TABLE uic_records; --");
}

static void a_code_too_long_to_be_ours_fails_its_claim_only(void **state)
{
    (void)state;
    struct asked batch[] = {asked_by("jean", "+1", "SM1", JEAN),
                            asked_by("marie", "+2", "SM2", MARIE)};

    assert_int_equal(claimed(&bench, &batch[0]), STORE_OK);
    assert_sql(&bench,
               SQL("UPDATE uic_records SET uic_code = hex(zeroblob(200))",
                   "UPDATE uic_records SET uic_code = repeat('0', 400)"),
               "");
    batch[0].finished = false;
    for (int i = 0; i < 2; i++)
        assert_int_equal(record_claim(bench.link, &batch[i].claim), STORE_LATER);
    for (int i = 0; i < 2; i++)
        asked_wait(&bench, &batch[i]);
    assert_int_equal(batch[0].claim.ticket.status, STORE_DOWN);
    assert_int_equal(batch[1].claim.ticket.status, STORE_OK);
    assert_true(record_link_up(bench.link));
}

static void memory_keeps_records_while_the_store_is_open(void **state)
{
    (void)state;
    struct bench memory = {0};
    struct asked first = asked_by("jean", "+1", "SM1", JEAN);
    struct asked again = asked_by("jean", "+1", "SM2", JEAN "0");

    strcpy(memory.url, "sqlite:///:memory:");
    bench_prepare(&memory);
    bench_attach(&memory);
    assert_int_equal(claimed(&memory, &first), STORE_OK);
    assert_int_equal(claimed(&memory, &again), STORE_OK);
    assert_false(again.claim.is_new);
    assert_string_equal(again.claim.code, JEAN);
    bench_detach(&memory);
}

struct told {
    size_t transactions;
    size_t claims;
};

static void on_committed(void *arg, size_t claims, int64_t took_us)
{
    struct told *told = arg;

    assert_true(took_us >= 0);
    told->transactions++;
    told->claims += claims;
}

static void each_transaction_is_told_with_its_claims(void **state)
{
    (void)state;
    struct told told = {0};
    const struct record_commit_watch watch = {.committed = on_committed, .arg = &told};
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);
    struct asked marie = asked_by("marie", "+2", "SM2", MARIE);

    record_watch_commits(bench.link, &watch);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(told.transactions, 1);
    assert_int_equal(told.claims, 1);
    jean.finished = false;
    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_LATER);
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    asked_wait(&bench, &jean);
    assert_int_equal(told.claims, 3);
    assert_in_range(told.transactions, 2, 3); /* both at once, or one after the other */
}

/* At the moment of the commit, also where the server or the role would not wait for the disk: a
 * code that was told would be lost with the machine, or in a failover. */
static void a_commit_waits_whatever_the_database_says(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", JEAN);

    bench_detach(&bench);
    assert_sql(&bench,
               "CREATE TABLE seen (setting text); CREATE FUNCTION see() RETURNS trigger LANGUAGE"
               " plpgsql AS $$BEGIN INSERT INTO public.seen SELECT"
               " current_setting('synchronous_commit'); RETURN NULL; END$$; CREATE CONSTRAINT"
               " TRIGGER see AFTER INSERT ON uic_records DEFERRABLE INITIALLY DEFERRED FOR EACH"
               " ROW EXECUTE FUNCTION see(); DO $$BEGIN EXECUTE format('ALTER ROLE uic IN DATABASE"
               " %I SET synchronous_commit = off', current_database()); END$$",
               "");
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(&bench, "SELECT string_agg(setting, ' ') FROM seen", "on");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_person_is_registered),
        TEST(times_are_minutes_utc_that_sql_understands),
        TEST(the_queries_of_the_guide_work),
        TEST(the_same_answers_give_the_same_code_and_are_counted),
        TEST(the_stored_code_wins_over_the_wanted_one),
        TEST(an_event_that_comes_again_changes_nothing),
        TEST(an_event_that_found_a_record_finds_it_again),
        TEST(events_that_come_again_in_turn_change_nothing),
        TEST(claims_without_event_are_all_counted),
        TEST(a_code_of_another_person_is_a_conflict_for_that_claim_only),
        TEST(two_new_persons_who_want_one_code),
        TEST(a_deactivated_record_still_gives_its_code),
        TEST(one_person_many_times_in_one_batch),
        TEST(fields_at_their_limits_are_kept_whole),
        TEST(sql_in_a_field_is_only_text),
        TEST(a_code_too_long_to_be_ours_fails_its_claim_only),
        TEST(each_transaction_is_told_with_its_claims),
    };
    const struct CMUnitTest postgres_tests[] = {
        TEST(a_commit_waits_whatever_the_database_says),
    };
    const struct CMUnitTest sqlite_tests[] = {
        cmocka_unit_test(memory_keeps_records_while_the_store_is_open),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed += cmocka_run_group_tests_name("SQLite in memory", sqlite_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, NULL);
    failed +=
        cmocka_run_group_tests_name("PostgreSQL alone", postgres_tests, NULL, bench_server_stop);
    failed +=
        cmocka_run_group_tests_name("PostgreSQL behind pgbouncer", tests, bench_pooler_start, NULL);
    failed += cmocka_run_group_tests_name("PostgreSQL behind pgbouncer, alone", postgres_tests,
                                          NULL, bench_server_stop);
    return failed;
}
