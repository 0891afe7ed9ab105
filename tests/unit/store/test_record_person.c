/*
 * Numbers and user ids, in SQLite and in PostgreSQL: who hides her number is who she was; a number
 * that comes with another user id is another person; and whoever registered first changes nothing
 * of it.
 */
#include "record_people.h"

/* Each way, once as the first who asks and once behind somebody else. */
static void in_both_worlds(void (*check)(void))
{
    check();
    assert_sql(&bench, "DELETE FROM uic_records", "");
    assert_sql(&bench, "DELETE FROM uic_links", "");
    assert_false(told("+243990000001", "CD.77"));
    check();
}

static void both_then_the_id_alone(void)
{
    assert_false(told(NUMBER, "CD.1"));
    assert_true(told(NULL, "CD.1"));
    assert_true(told(NUMBER, "CD.1"));
    assert_false(told(NULL, "CD.2"));
}

static void who_hides_the_number_is_who_she_was(void **state)
{
    (void)state;
    in_both_worlds(both_then_the_id_alone);
}

static void the_id_alone_then_both(void)
{
    assert_false(told(NULL, "CD.1"));
    assert_true(told(NUMBER, "CD.1"));
    assert_false(told(NUMBER, "CD.2"));
}

static void who_shows_the_number_is_who_she_was(void **state)
{
    (void)state;
    in_both_worlds(the_id_alone_then_both);
}

static void a_number_then_both(void)
{
    assert_false(told_again(NUMBER, NULL, "SM1"));
    assert_true(told_again(NUMBER, "CD.1", "SM2"));
    assert_true(told(NULL, "CD.1"));
    assert_false(told(NUMBER, "CD.2"));
    /* What was told by each message is told by it again. */
    assert_false(told_again(NUMBER, "CD.1", "SM1"));
    assert_true(told_again(NUMBER, "CD.1", "SM2"));
}

static void a_number_from_before_there_were_ids_becomes_the_ids(void **state)
{
    (void)state;
    in_both_worlds(a_number_then_both);
}

static void two_owners_of_a_number(void)
{
    assert_false(told(NUMBER, "CD.1"));
    assert_false(told(NUMBER, "CD.2"));
    assert_true(told(NUMBER, "CD.2"));
    assert_true(told(NUMBER, "CD.1"));
    /* Whose a number alone is nobody can tell. */
    assert_false(told(NUMBER, NULL));
    assert_true(told(NUMBER, NULL));
}

static void a_number_with_another_id_is_another_person(void **state)
{
    (void)state;
    in_both_worlds(two_owners_of_a_number);
}

static void a_message_that_comes_again(void)
{
    assert_false(told_again(NUMBER, "CD.1", "SM1"));
    assert_true(told_again(NULL, "CD.1", "SM2"));
    assert_false(told_again(NUMBER, "CD.2", "SM3"));
    for (int round = 0; round < 2; round++) {
        assert_false(told_again(NUMBER, "CD.1", "SM1"));
        assert_true(told_again(NULL, "CD.1", "SM2"));
        assert_false(told_again(NUMBER, "CD.2", "SM3"));
    }
}

static void a_message_that_comes_again_is_told_the_same(void **state)
{
    (void)state;
    in_both_worlds(a_message_that_comes_again);
}

#define ASKED_BY                                              \
    SQL("SELECT replace(asked_by, ' ', '') FROM uic_records", \
        "SELECT encode(asked_by, 'hex') FROM uic_records")

/* A record learns the user id of its own number, once; nobody else's. */
static void a_record_learns_the_id_of_its_number(void **state)
{
    char expected[2 * RECORD_PERSON_HASH_SIZE + 1];

    (void)state;
    hash_of("CD.1", expected);
    told(NUMBER, NULL);
    told("+243990000001", "CD.77");
    assert_sql(&bench, USER_ID, "NULL");
    told(NUMBER, "CD.1");
    assert_sql(&bench, USER_ID, expected);
    told(NUMBER, "CD.2");
    told(NULL, "CD.2");
    assert_sql(&bench, USER_ID, expected);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
}

static void each_person_has_one_of_sixteen_places(void **state)
{
    char by_id[2 * RECORD_PERSON_HASH_SIZE + 1], text[BENCH_TEXT_MAX];

    (void)state;
    hash_of("CD.1", by_id);
    told(NUMBER, NULL);
    told(NUMBER, "CD.1");
    told(NULL, "CD.1");
    bench_sql(&bench, ASKED_BY, text);
    assert_int_equal(strlen(text), 2 * RECORD_ASKED_SIZE);
    assert_memory_equal(text, by_id, 2 * RECORD_ASKER_SIZE);
}

/* Of an earlier release, or imported: nothing says who asked. */
static void a_record_without_it_was_asked_for_by_its_own(void **state)
{
    (void)state;
    told(NUMBER, "CD.1");
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL", "");
    assert_false(told(NUMBER, "CD.2"));
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL", "");
    assert_true(told(NULL, "CD.1"));
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL, user_id = NULL", "");
    assert_false(told(NUMBER, "CD.2")); /* whose number it was is known */
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL, user_id = NULL", "");
    assert_sql(&bench, "DELETE FROM uic_links", "");
    assert_true(told(NUMBER, "CD.2"));
    assert_true(told(NULL, "CD.2"));
}

/* A claim that an earlier release put into the outbox says only its number. */
static void a_claim_that_says_nobody_is_its_numbers(void **state)
{
    struct asked asked = asked_by("jean", NUMBER, "SM1", CODE);

    (void)state;
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_true(told(NUMBER, "CD.1"));
    asked = asked_by("jean", "CD.2", "SM3", CODE);
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_true(told(NULL, "CD.2"));
}

static void many_people_in_one_batch(void **state)
{
    struct asked crowd[20];
    char numbers[20][16], ids[20][16], event[16];

    (void)state;
    for (int i = 0; i < 20; i++) {
        sprintf(numbers[i], "+%d", 1000 + i % 5);
        sprintf(ids[i], "CD.%d", i % 5);
        sprintf(event, "SM%d", i);
        /* A number, both, the id, and the number with another id. */
        crowd[i] = i < 5    ? asked_as(numbers[i], NULL, event)
                   : i < 10 ? asked_as(numbers[i], ids[i], event)
                   : i < 15 ? asked_as(NULL, ids[i], event)
                            : asked_as(numbers[i], "CD.9", event);
        snprintf((char *)crowd[i].claim.input_hash, sizeof crowd[i].claim.input_hash, "p%d", i % 5);
        snprintf(crowd[i].claim.code, sizeof crowd[i].claim.code, "code %d", i % 5);
    }
    for (int i = 0; i < 20; i++)
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    for (int i = 0; i < 20; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
        assert_int_equal(crowd[i].claim.asked_before, i >= 5 && i < 15);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_hides_the_number_is_who_she_was),
        TEST(who_shows_the_number_is_who_she_was),
        TEST(a_number_from_before_there_were_ids_becomes_the_ids),
        TEST(a_number_with_another_id_is_another_person),
        TEST(a_message_that_comes_again_is_told_the_same),
        TEST(a_record_learns_the_id_of_its_number),
        TEST(each_person_has_one_of_sixteen_places),
        TEST(a_record_without_it_was_asked_for_by_its_own),
        TEST(a_claim_that_says_nobody_is_its_numbers),
        TEST(many_people_in_one_batch),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
