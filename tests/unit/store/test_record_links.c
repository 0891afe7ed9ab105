/*
 * Which user ids came with which numbers, in SQLite and in PostgreSQL: written with the claim,
 * once; and what a number had before there were ids is the first id's, never that of who got the
 * number later.
 */
#include "record_bench.h"

#include "store/records/asker.h"

#define NUMBER "+243810000001"

static struct bench bench;
static struct keyed_hash *keyed;
static unsigned events;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    keyed = keyed_hash_create(asker_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyed_hash_free(keyed);
    bench_remove(&bench);
    return 0;
}

static void hash_of(const char *who, unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    assert_int_equal(record_asker_number(keyed, who, hash), 0);
}

static struct asked asked_as(const char *answers, const char *number, const char *user_id)
{
    char event[RECORD_EVENT_ID_MAX];

    snprintf(event, sizeof event, "%016x", ++events);
    struct asked asked = asked_by(answers, number != NULL ? number : user_id, event, answers);
    struct record_person *person = &asked.claim.person;

    person->has_number = number != NULL;
    person->has_user_id = user_id != NULL;
    if (number != NULL)
        hash_of(number, person->number);
    if (user_id != NULL)
        hash_of(user_id, person->user_id);
    return asked;
}

static bool told(const char *answers, const char *number, const char *user_id)
{
    struct asked asked = asked_as(answers, number, user_id);

    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    return asked.claim.asked_before;
}

#define LINKS                                                                              \
    SQL("SELECT group_concat(number || user_id || since) FROM uic_links",                  \
        "SELECT string_agg(encode(number, 'hex') || encode(user_id, 'hex') || since, ',')" \
        " FROM uic_links")
#define LINK_SIZE (4 * RECORD_PERSON_HASH_SIZE + sizeof "2125-12-31")

static void link_write(char text[LINK_SIZE], const char *number, const char *user_id)
{
    unsigned char hashes[2][RECORD_PERSON_HASH_SIZE];

    hash_of(number, hashes[0]);
    hash_of(user_id, hashes[1]);
    for (size_t i = 0; i < sizeof hashes; i++)
        text +=
            sprintf(text, "%02x", hashes[i / RECORD_PERSON_HASH_SIZE][i % RECORD_PERSON_HASH_SIZE]);
    strcpy(text, "2125-12-31");
}

static void who_asks_for_what_others_registered_is_linked_once(void **state)
{
    char expected[LINK_SIZE];

    (void)state;
    told("jean", "+243990000001", NULL);
    told("jean", NULL, "CD.1");
    assert_sql(&bench, "SELECT count(*) FROM uic_links", "0");
    link_write(expected, NUMBER, "CD.1");
    for (int round = 0; round < 2; round++) {
        told("jean", NUMBER, "CD.1");
        assert_sql(&bench, LINKS, expected);
    }
    told("jean", NUMBER, "CD.2");
    assert_sql(&bench, "SELECT count(*) FROM uic_links", "2");
    told("jean", "+243820000002", "CD.2");
    assert_sql(&bench, "SELECT count(*) FROM uic_links", "3");
}

/* Her own record does not say the number that she hid. */
static void who_hid_the_number_first_is_linked_once_it_shows(void **state)
{
    char expected[LINK_SIZE];

    (void)state;
    told("jean", NULL, "CD.1");
    told("jean", NUMBER, "CD.1");
    link_write(expected, NUMBER, "CD.1");
    assert_sql(&bench, LINKS, expected);
}

/* A claim that a release before put into the outbox. */
static void the_beginning_of_a_number_is_no_link(void **state)
{
    struct asked asked = asked_as("jean", NUMBER, "CD.1");

    (void)state;
    told("jean", NUMBER, NULL);
    asked.claim.person.number_is_cut = true;
    memset(asked.claim.person.number + RECORD_ASKER_SIZE, 0,
           RECORD_PERSON_HASH_SIZE - RECORD_ASKER_SIZE);
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_true(asked.claim.asked_before);
    assert_sql(&bench, "SELECT count(*) FROM uic_links", "0");
}

static void a_code_that_is_anothers_links_nobody(void **state)
{
    struct asked asked;

    (void)state;
    told("jean", "+243990000001", NULL);
    asked = asked_as("marie", NUMBER, "CD.1");
    strcpy(asked.claim.code, "jean");
    assert_int_equal(claimed(&bench, &asked), STORE_CONFLICT);
    assert_sql(&bench, "SELECT count(*) FROM uic_links", "0");
}

/* Of which the first id asked for others' only, and for all of them later; and has a record of her
 * own. */
static void records_from_before_there_were_ids_are_the_first_ids(void **state)
{
    static const char *const answers[] = {"jean", "marie", "luc"};

    (void)state;
    told("pierre", "+243990000001", "CD.77");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++)
            told(answers[i], NUMBER, NULL);
        assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL WHERE uic_code = 'marie'", "");
        told(round == 0 ? "pierre" : "own", NUMBER, "CD.1");
        assert_true(told("jean", NUMBER, "CD.1"));
        assert_true(told("marie", NUMBER, "CD.1"));
        assert_true(told("jean", NULL, "CD.1"));
        assert_false(told("luc", NUMBER, "CD.2"));
        assert_true(told("luc", NUMBER, "CD.2"));
        assert_sql(&bench, "SELECT uic_code FROM uic_records WHERE user_id IS NULL", "luc");
        assert_sql(&bench, "DELETE FROM uic_records WHERE uic_code <> 'pierre'", "");
        assert_sql(&bench, "DELETE FROM uic_links", "");
    }
}

/* On one day: by what was there when each came, her own record with it. */
static void who_came_first_on_a_day_is_first(void **state)
{
    static const char *const numbers[] = {"+243820000001", "+243820000002", "+243820000003"};
    static const char *const ids[][2] = {{"CD.1", "CD.2"}, {"CD.3", "CD.4"}, {"CD.5", "CD.6"}};
    char first[LINK_SIZE], sql[512];

    (void)state;
    told("pierre", "+243990000001", NULL);
    for (size_t i = 0; i < 3; i++) {
        told("pierre", numbers[i], ids[i][0]);
        told(ids[i][1], numbers[i], ids[i][1]);
        link_write(first, numbers[i], ids[i][0]);
        snprintf(
            sql, sizeof sql,
            SQL("SELECT count(*) FROM uic_first_owners WHERE number || user_id || since = '%s'",
                "SELECT count(*) FROM uic_first_owners"
                " WHERE encode(number, 'hex') || encode(user_id, 'hex') || since = '%s'"),
            first);
        assert_sql(&bench, sql, "1");
    }
}

static void a_message_of_a_later_owner_is_told_the_same_again(void **state)
{
    struct asked asked;

    (void)state;
    told("jean", NUMBER, NULL);
    told("pierre", NUMBER, "CD.1");
    asked = asked_as("jean", NUMBER, "CD.2");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(claimed(&bench, &asked), STORE_OK);
        assert_false(asked.claim.asked_before);
    }
}

/* Batches are ordered by their hashes, whatever comes first: each claim has its own person's
 * number. */
static void many_in_one_batch_have_each_their_own_number(void **state)
{
    struct asked crowd[40];
    char numbers[40][16], ids[40][16], answers[40][8];

    (void)state;
    for (int i = 0; i < 40; i++) {
        sprintf(numbers[i], "+%d", 1000 + i);
        sprintf(ids[i], "CD.%d", i);
        sprintf(answers[i], "p%d", i * 7 % 40);
        told(answers[i], numbers[i], NULL);
        if (i % 2 != 0)
            told("other", numbers[i], "CD.99"); /* whose number it is */
    }
    for (int i = 0; i < 40; i++) {
        crowd[i] = asked_as(answers[i], numbers[i], ids[i]);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    for (int i = 0; i < 40; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
        assert_int_equal(crowd[i].claim.asked_before, i % 2 == 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_asks_for_what_others_registered_is_linked_once),
        TEST(who_hid_the_number_first_is_linked_once_it_shows),
        TEST(the_beginning_of_a_number_is_no_link),
        TEST(a_code_that_is_anothers_links_nobody),
        TEST(records_from_before_there_were_ids_are_the_first_ids),
        TEST(who_came_first_on_a_day_is_first),
        TEST(a_message_of_a_later_owner_is_told_the_same_again),
        TEST(many_in_one_batch_have_each_their_own_number),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
