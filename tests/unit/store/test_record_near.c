/*
 * Answers that are nearly those of a record that a person asked for, in SQLite and in PostgreSQL:
 * found among her own, never among others'; and what she said of it.
 */
#include "record_people.h"

#define FIRST_NAME 2

/* near: what stands for it, a letter a hash, as "abcde". */
static struct asked asked_near(const char *answers, const char *number, const char *near)
{
    char event[RECORD_EVENT_ID_MAX];

    snprintf(event, sizeof event, "%016x", ++events);
    struct asked asked = asked_by(answers, number, event, answers);
    struct record_claim *claim = &asked.claim;

    claim->person.has_number = true;
    assert_int_equal(record_asker_number(keyed, number, claim->person.number), 0);
    claim->has_near = claim->asks_near = near != NULL;
    for (int i = 0; near != NULL && i < RECORD_NEAR_HASHES; i++)
        memset(claim->near + RECORD_NEAR_HASH_SIZE * i, near[i], RECORD_NEAR_HASH_SIZE);
    memcpy(claim->sought, claim->near, sizeof claim->sought);
    memset(claim->sought + RECORD_NEAR_HASH_SIZE * FIRST_NAME,
           ~claim->near[FIRST_NAME * RECORD_NEAR_HASH_SIZE], RECORD_NEAR_HASH_SIZE);
    return asked;
}

static void assert_told(struct asked *asked, const char *code)
{
    assert_int_equal(claimed(&bench, asked), STORE_OK);
    assert_false(asked->claim.is_near);
    assert_string_equal(asked->claim.code, code);
}

static void tell(const char *answers, const char *number, const char *near)
{
    struct asked asked = asked_near(answers, number, near);

    assert_told(&asked, answers);
}

/* That the person is to be asked, and nothing is written. */
static void assert_near(struct asked *asked, const char *code)
{
    char before[BENCH_TEXT_MAX];
    static const char written[] =
        "SELECT (SELECT sum(request_count) FROM uic_records) * 1000 + (SELECT count(*) FROM uic_asked)";

    bench_sql(&bench, written, before);
    assert_int_equal(claimed(&bench, asked), STORE_OK);
    assert_true(asked->claim.is_near);
    assert_string_equal(asked->claim.code, code);
    assert_string_equal((const char *)asked->claim.near_input_hash, code);
    assert_false(asked->claim.is_new);
    assert_sql(&bench, written, before);
}

static void is_near(const char *answers, const char *number, const char *near, const char *code)
{
    struct asked asked = asked_near(answers, number, near);

    assert_near(&asked, code);
}

static void who_asked_for_nearly_the_same_is_to_be_asked(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    for (int i = 0; i < RECORD_NEAR_HASHES; i++) {
        char near[] = "vwxyz";
        near[i] = "abcde"[i];
        if (i != FIRST_NAME)
            is_near("jan", "+1", near, "jean");
    }
    tell("twin", "+1", "vwcyz"); /* all but the first name: twins */
    tell("other", "+1", "eabcd");
}

static void nobody_elses_records_are_looked_at(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    tell("jan", "+2", "abxde");
    tell("jan", "+3", "abxde");
}

static void exactly_these_answers_are_told_as_ever(void **state)
{
    struct asked asked;

    (void)state;
    tell("jan", "+1", "abxde");
    asked = asked_near("jean", "+1", "abcde");
    asked.claim.asks_near = false; /* the question of the day is used up */
    assert_told(&asked, "jean");
    asked = asked_near("jan", "+1", "abxde");
    assert_told(&asked, "jan");
    assert_true(asked.claim.asked_before);
    is_near("johan", "+1", "abyde", "jan"); /* of both, whichever was registered first */
}

/* Of two that are near, neither of which is near the other: nobody learns who was there before. */
static void which_is_near_does_not_depend_on_who_was_first(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        if (round == 1)
            tell("jean", "+9", "axxxx");
        tell("jan", "+1", "yyyye");
        tell("jean", "+1", "axxxx");
        is_near("johan", "+1", "abcde", "jan");
        assert_sql(&bench, "DELETE FROM uic_records", "");
    }
}

/* Erased, or another user id's since: then it is not told of it either. */
static void what_the_record_forgot_is_not_near(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL", "");
    tell("jan", "+1", "abxde");
}

/* A record from before there was near. */
static void exactly_these_answers_are_hers_before_any_near(void **state)
{
    struct asked asked = asked_near("jean", "+1", NULL);

    (void)state;
    assert_told(&asked, "jean");
    tell("jan", "+1", "abxde");
    asked = asked_near("jean", "+1", "abcde");
    assert_told(&asked, "jean");
    assert_true(asked.claim.asked_before);
}

static void a_message_that_comes_again_is_told_what_it_was(void **state)
{
    struct asked asked;

    (void)state;
    asked = asked_near("jean", "+1", "abcde");
    for (int round = 0; round < 2; round++) {
        assert_told(&asked, "jean");
        assert_true(asked.claim.is_new);
    }
}

static void what_others_registered_is_near_once_it_was_asked_for(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    tell("jean", "+2", "abcde");
    is_near("jan", "+2", "abxde", "jean");
}

/* Records from before have no near: it comes with who asks for them. */
static void a_record_learns_what_it_is_found_by(void **state)
{
    (void)state;
    tell("jean", "+1", NULL);
    assert_sql(&bench, "SELECT count(*) FROM uic_asked", "1");
    tell("jean", "+1", "abcde");
    is_near("jan", "+1", "abxde", "jean");
    tell("jean", "+1", "vwxyz");
    is_near("jan", "+1", "abxde", "jean");
}

/* Whoever fills it in. */
static void who_asked_before_there_was_near_is_asked_too(void **state)
{
    (void)state;
    tell("jean", "+1", NULL);
    tell("jean", "+2", "abcde");
    tell("jean", "+1", "abcde");
    is_near("jan", "+1", "abxde", "jean");
}

/* PostgreSQL looks only at records whose hint may fit: it is always the record's own, or none. */
static void assert_hints(const char *hints)
{
    assert_sql(
        &bench,
        SQL("SELECT 0",
            "SELECT count(*) FILTER (WHERE hint IS NULL) FROM uic_asked JOIN uic_records ON id = record"
            " WHERE hint IS NULL OR hint = substring(near FOR 1) || substring(near FROM 6 FOR 1)"
            " || substring(near FROM 11 FOR 1) || substring(near FROM 16 FOR 1)"
            " || substring(near FROM 21 FOR 1)"),
        bench_server.pid ? hints : "0");
}

static void a_hint_is_what_the_record_has(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    tell("jean", "+2", "vwxyz"); /* the record keeps its own */
    is_near("jan", "+2", "abxde", "jean");
    assert_hints("0");
    assert_sql(&bench,
               SQL("SELECT 2", "SELECT count(*) FROM uic_asked WHERE hint = '\\x6162636465'"), "2");
}

static void what_is_forgotten_has_no_hint_and_is_found_again(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    tell("jean", "+2", "abcde");
    assert_sql(&bench, "UPDATE uic_records SET phone_number = '', near = NULL", "");
    assert_hints("2");
    tell("jean", "+1", "vwxyz");
    is_near("jan", "+2", "vwxyj", "jean");
}

static void a_record_that_is_gone_is_not_near(void **state)
{
    (void)state;
    tell("jean", "+1", "abcde");
    assert_sql(&bench, "DELETE FROM uic_records", "");
    tell("jan", "+1", "abxde");
    assert_sql(&bench, "SELECT count(*) FROM uic_asked", "1");
}

#define ROWS                                                                             \
    SQL("WITH RECURSIVE i (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM i WHERE n < %d)"  \
        " INSERT INTO uic_asked SELECT who, n FROM i, (SELECT who FROM uic_asked) AS w", \
        "INSERT INTO uic_asked SELECT who, n FROM generate_series(2, %d) AS n, uic_asked")

static void only_the_newest_are_looked_at(void **state)
{
    char sql[512];

    (void)state;
    tell("jean", "+1", "abcde");
    snprintf(sql, sizeof sql, ROWS, 200);
    bench_sql(&bench, sql, sql);
    is_near("jan", "+1", "abxde", "jean");
    assert_sql(&bench,
               SQL("INSERT INTO uic_asked SELECT who, 201 FROM uic_asked LIMIT 1",
                   "INSERT INTO uic_asked SELECT who, 201 FROM uic_asked LIMIT 1"),
               "");
    tell("jan", "+1", "abxde");
}

/* Saying */

static struct asked said_same(const char *near_record, const char *answers, const char *number)
{
    struct asked asked = asked_near(near_record, number, "abxde");

    asked.claim.asks_near = false;
    asked.claim.said = RECORD_SAID_SAME;
    snprintf((char *)asked.claim.said_of, sizeof asked.claim.said_of, "%s", answers);
    return asked;
}

#define PAIRS                                                                                     \
    SQL("SELECT group_concat(record || ' ' || substr(answers, 1, 6) || ' ' || why || ' ' || said" \
        " || ' ' || coalesce(decision, '-')) FROM uic_pairs",                                     \
        "SELECT string_agg(record || ' ' || substr(encode(answers, 'hex'), 1, 6) || ' ' || why"   \
        " || ' ' || said || ' ' || coalesce(decision, '-'), ',') FROM uic_pairs")

static void who_is_the_same_is_told_that_code_and_makes_no_record(void **state)
{
    struct asked asked;

    (void)state;
    tell("jean", "+1", "abcde");
    asked = said_same("jean", "jan", "+1");
    for (int round = 0; round < 2; round++) {
        assert_told(&asked, "jean");
        assert_true(asked.claim.asked_before);
        assert_false(asked.claim.is_new);
    }
    assert_sql(&bench, "SELECT count(*) || ' ' || sum(request_count) FROM uic_records", "1 2");
    assert_sql(&bench, PAIRS, "1 6a616e said same -");
    is_near("jan", "+1", "abxde", "jean");
    /* What the record is found by is of its own answers. */
    tell("john", "+1", "zzxzz");
}

static void a_record_that_is_gone_is_not_made_again(void **state)
{
    struct asked asked;

    (void)state;
    tell("jean", "+1", "abcde");
    assert_sql(&bench, "DELETE FROM uic_records", "");
    asked = said_same("jean", "jan", "+1");
    assert_int_equal(claimed(&bench, &asked), STORE_ABSENT);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "0");
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", "0");
}

static void who_is_another_has_a_record_of_her_own(void **state)
{
    struct asked asked;

    (void)state;
    tell("jean", "+1", "abcde");
    asked = asked_near("jan", "+1", "abxde");
    asked.claim.asks_near = false;
    asked.claim.said = RECORD_SAID_DIFFERENT;
    strcpy((char *)asked.claim.said_of, "jean");
    assert_told(&asked, "jan");
    assert_true(asked.claim.is_new);
    assert_sql(&bench, PAIRS, "1 6a616e said different -");
    tell("jan", "+1", "abxde"); /* exactly these: she is not asked again */
}

/* Of a pair that is on the list already, for its place or by a decision. */
static void what_is_said_is_added_to_a_pair(void **state)
{
    struct asked asked;

    (void)state;
    tell("jean", "+1", "abcde");
    assert_sql(
        &bench,
        SQL("INSERT INTO uic_pairs (record, answers, why, said, decision) VALUES (1, '6a616e' || printf('%.58c', '0'), 'place',"
            " NULL, 'different')",
            "INSERT INTO uic_pairs (record, answers, why, said, decision) VALUES (1, decode(rpad('6a616e', 64, '0'), 'hex'),"
            " 'place', NULL, 'different')"),
        "");
    asked = said_same("jean", "jan", "+1");
    assert_told(&asked, "jean");
    assert_sql(&bench, PAIRS, "1 6a616e place same different");
}

static void many_say_something_in_one_batch(void **state)
{
    struct asked crowd[4];

    (void)state;
    tell("jean", "+1", "abcde");
    tell("marie", "+2", "fghij");
    crowd[0] = said_same("jean", "jan", "+1");
    crowd[1] = said_same("gone", "gonne", "+3");
    crowd[2] = asked_near("mari", "+2", "fgxij");
    crowd[3] = asked_near("pierre", "+4", "klmno");
    for (int i = 0; i < 4; i++)
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    for (int i = 0; i < 4; i++)
        asked_wait(&bench, &crowd[i]);
    assert_int_equal(crowd[0].claim.ticket.status, STORE_OK);
    assert_int_equal(crowd[1].claim.ticket.status, STORE_ABSENT);
    assert_true(crowd[2].claim.ticket.status == STORE_OK && crowd[2].claim.is_near);
    assert_true(crowd[3].claim.ticket.status == STORE_OK && crowd[3].claim.is_new);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "3");
    assert_sql(&bench, PAIRS, "1 6a616e said same -");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_asked_for_nearly_the_same_is_to_be_asked),
        TEST(nobody_elses_records_are_looked_at),
        TEST(exactly_these_answers_are_told_as_ever),
        TEST(which_is_near_does_not_depend_on_who_was_first),
        TEST(what_the_record_forgot_is_not_near),
        TEST(exactly_these_answers_are_hers_before_any_near),
        TEST(a_message_that_comes_again_is_told_what_it_was),
        TEST(what_others_registered_is_near_once_it_was_asked_for),
        TEST(a_record_learns_what_it_is_found_by),
        TEST(who_asked_before_there_was_near_is_asked_too),
        TEST(a_hint_is_what_the_record_has),
        TEST(what_is_forgotten_has_no_hint_and_is_found_again),
        TEST(a_record_that_is_gone_is_not_near),
        TEST(only_the_newest_are_looked_at),
        TEST(who_is_the_same_is_told_that_code_and_makes_no_record),
        TEST(a_record_that_is_gone_is_not_made_again),
        TEST(who_is_another_has_a_record_of_her_own),
        TEST(what_is_said_is_added_to_a_pair),
        TEST(many_say_something_in_one_batch),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
