/*
 * What a number is told of a record depends on what it asked itself, in SQLite and in PostgreSQL:
 * whoever registered first, however many others asked, and however often a message comes again.
 */
#include "record_bench.h"

#include "store/records/asker.h"

#define CODE "985-KINS-15-JEA-KABI-A3F9D"

static struct bench bench;
static unsigned events;

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

/* Whether the number is told that it asked before, by this message. */
static bool told_again(const char *phone, const char *event)
{
    struct asked asked = asked_by("jean", phone, event, CODE);

    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_string_equal(asked.claim.code, CODE);
    return asked.claim.asked_before;
}

/* By a message of its own. */
static bool told(const char *phone)
{
    char event[RECORD_EVENT_ID_MAX];

    snprintf(event, sizeof event, "%016x", ++events);
    return told_again(phone, event);
}

static void others_ask(int first, int count)
{
    char phone[32];

    for (int i = first; i < first + count; i++) {
        snprintf(phone, sizeof phone, "+24390%d", i);
        assert_false(told(phone));
    }
}

static void a_number_hears_of_what_it_asked_itself(void **state)
{
    (void)state;
    assert_false(told("+1"));
    assert_false(told("+2"));
    assert_true(told("+2"));
    assert_false(told("+3"));
    assert_true(told("+1"));
    assert_true(told("+2"));
    assert_true(told("+3"));
    assert_sql(&bench, "SELECT phone_number||' '||request_count FROM uic_records", "+1 7");
}

static void a_message_that_comes_again_is_told_the_same(void **state)
{
    (void)state;
    assert_false(told_again("+1", "SM1"));
    assert_false(told_again("+2", "SM2"));
    assert_true(told_again("+2", "SM3"));
    for (int round = 0; round < 3; round++) {
        assert_false(told_again("+1", "SM1"));
        assert_false(told_again("+2", "SM2"));
        assert_true(told_again("+2", "SM3"));
    }
    assert_sql(&bench, "SELECT request_count FROM uic_records", "3");
}

/* The record knows only the last five messages; what the number is told does not hang on that. */
static void it_is_told_the_same_however_many_others_asked_since(void **state)
{
    (void)state;
    assert_false(told_again("+1", "SM1"));
    assert_false(told_again("+2", "SM2"));
    others_ask(0, 14);
    assert_false(told_again("+2", "SM2"));
    assert_false(told_again("+1", "SM1"));
    assert_true(told("+2"));
    assert_true(told("+1"));
}

static void sixteen_numbers_are_remembered_and_who_asks_again_stays(void **state)
{
    (void)state;
    assert_false(told("+1"));
    assert_false(told("+2"));
    others_ask(0, 14);
    assert_true(told("+2"));
    others_ask(14, 15);
    assert_true(told("+2"));
    others_ask(29, 16);
    assert_false(told("+2"));
    /* The number that the record stands under is not forgotten. */
    assert_true(told("+1"));
    assert_sql(&bench, "SELECT length(asked_by) FROM uic_records", SQL("272", "128"));
}

static void nothing_of_a_number_stands_there_in_clear(void **state)
{
    struct keyed_hash *asker = keyed_hash_create(asker_key);
    unsigned char number[RECORD_PERSON_HASH_SIZE], again[RECORD_PERSON_HASH_SIZE];
    char expected[32] = "";

    (void)state;
    assert_false(told_again("+243810000001", "SM1"));
    assert_int_equal(record_asker_number(asker, "+243810000001", number), 0);
    for (size_t i = 0; i < RECORD_ASKER_SIZE; i++)
        sprintf(expected + 2 * i, "%02x", number[i]);
    assert_sql(&bench,
               SQL("SELECT substr(asked_by, 2, 10) FROM uic_records",
                   "SELECT left(encode(asked_by, 'hex'), 10) FROM uic_records"),
               expected);
    keyed_hash_free(asker);
    asker = keyed_hash_create((const unsigned char[RECORD_ASKER_KEY_SIZE]){"another key"});
    assert_int_equal(record_asker_number(asker, "+243810000001", again), 0);
    assert_memory_not_equal(number, again, sizeof number);
    keyed_hash_free(asker);
}

/* Of an earlier release, or imported. */
static void a_record_without_it_was_asked_for_by_its_number(void **state)
{
    (void)state;
    assert_false(told_again("+1", "SM1"));
    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL", "");
    assert_false(told_again("+1", "SM1")); /* a message of before */
    assert_true(told_again("+1", "SM2"));
    assert_true(told_again("+1", "SM2"));

    assert_sql(&bench, "UPDATE uic_records SET asked_by = NULL", "");
    assert_false(told("+2"));
    assert_true(told("+2"));
    others_ask(0, 16);
    assert_true(told("+1"));
}

/* What an erased number left behind: the same answers find the code, and nothing else. */
static void a_record_without_number_and_askers_was_asked_for_by_nobody(void **state)
{
    (void)state;
    assert_false(told("+1"));
    assert_sql(&bench, "UPDATE uic_records SET phone_number = '', asked_by = NULL", "");
    assert_false(told("+1"));
    assert_true(told("+1"));
    assert_sql(&bench, "SELECT '<'||phone_number||'>' FROM uic_records", "<>");
}

/* On its way through the outbox its number was erased. */
static void a_claim_without_number_is_nobodys(void **state)
{
    (void)state;
    told("");
    assert_sql(&bench, "SELECT asked_by FROM uic_records", "NULL");
    assert_false(told("+2"));
    told("");
    assert_true(told("+2"));
    assert_sql(&bench, "SELECT length(asked_by) FROM uic_records", SQL("17", "8"));
}

static void many_numbers_in_one_batch(void **state)
{
    struct asked crowd[12];

    (void)state;
    for (int i = 0; i < 12; i++) {
        char phone[16], event[16];
        snprintf(phone, sizeof phone, "+%d", i % 6);
        snprintf(event, sizeof event, "SM%d", i);
        crowd[i] = asked_by("jean", phone, event, CODE);
    }
    for (int i = 0; i < 12; i++)
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    for (int i = 0; i < 12; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.is_new, i == 0);
        assert_int_equal(crowd[i].claim.asked_before, i >= 6);
    }
}

static void several_instances_know_the_same(void **state)
{
    struct bench other = bench;

    (void)state;
    bench_attach(&other);
    assert_false(told("+1"));
    assert_false(told("+2"));
    struct asked again = asked_by("jean", "+2", "SM9", CODE);
    assert_int_equal(claimed(&other, &again), STORE_OK);
    assert_true(again.claim.asked_before);
    bench_detach(&other);
}

/* Records come late through the outbox, and clocks differ. */
static void the_last_request_is_the_latest(void **state)
{
    struct asked early = asked_by("jean", "+1", "SM1", CODE);
    struct asked late = asked_by("jean", "+1", "SM2", CODE);

    (void)state;
    late.claim.now_us += INT64_C(86400000000);
    assert_int_equal(claimed(&bench, &late), STORE_OK);
    assert_int_equal(claimed(&bench, &early), STORE_OK);
    assert_sql(
        &bench,
        SQL("SELECT last_requested_at FROM uic_records",
            "SELECT to_char(last_requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
            " FROM uic_records"),
        "2126-01-01 23:59:00.000000");
    assert_sql(&bench, "SELECT request_count FROM uic_records", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_number_hears_of_what_it_asked_itself),
        TEST(a_message_that_comes_again_is_told_the_same),
        TEST(it_is_told_the_same_however_many_others_asked_since),
        TEST(sixteen_numbers_are_remembered_and_who_asks_again_stays),
        TEST(nothing_of_a_number_stands_there_in_clear),
        TEST(a_record_without_it_was_asked_for_by_its_number),
        TEST(a_record_without_number_and_askers_was_asked_for_by_nobody),
        TEST(a_claim_without_number_is_nobodys),
        TEST(many_numbers_in_one_batch),
        TEST(several_instances_know_the_same),
        TEST(the_last_request_is_the_latest),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
