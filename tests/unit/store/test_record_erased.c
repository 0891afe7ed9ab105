/* What was made before a person was erased brings nothing back, and what she does afterwards is
 * welcome; on both databases. */
#include "store/record_bench.h"

#include "store/base/keyed_hash.h"
#include "store/record_tools.h"
#include "store/records/asker.h"
#include <libpq-fe.h>

#define DAY_US INT64_C(86400000000)
/* Somebody is erased at noon of that day, and claims are of the hours around it. */
#define NOON_US (INT64_C(1767225600000000) + DAY_US / 2)

#define ROWS "SELECT count(*) || ' ' || coalesce(sum(request_count), 0) FROM uic_records"
#define LISTED "SELECT count(*) FROM uic_erased"

static struct bench bench;
static struct keyed_hash *keyed;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    keyed = keyed_hash_create(erased_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyed_hash_free(keyed);
    bench_remove(&bench);
    return 0;
}

static void erase_found(const struct record_identifiers *person, const char *code, bool deletes)
{
    const struct record_erasure erasure = {.person = person,
                                           .code = code,
                                           .erased_key = erased_key,
                                           .erased_us = NOON_US,
                                           .delete = deletes,
                                           .author = "test",
                                           .now_us = NOON_US};
    char error[ERROR_MAX] = "";
    int64_t records;

    if (record_erase(bench.url, &erasure, &records, error) != 0)
        fail_msg("%s", error);
}

static void erase(const char *phone_number, const char *code, bool deletes)
{
    erase_found(phone_number != NULL ? person_of(phone_number, NULL) : NULL, code, deletes);
}

/* A claim of so many hours before or after noon. */
static struct asked of_hour(int hour, const char *answers, const char *phone, const char *event)
{
    struct asked asked = asked_by(answers, phone, event, answers);

    asked.claim.now_us = NOON_US + hour * INT64_C(3600000000);
    return asked;
}

static enum store_status replayed(struct asked asked, bool is_old)
{
    struct record_replay replay = {
        .erased = keyed, .is_old = is_old, .made_us = asked.claim.now_us};

    asked.claim.replay = &replay;
    return claimed(&bench, &asked);
}

static enum store_status live(struct asked asked)
{
    return claimed(&bench, &asked);
}

#define assert_status(status, expected) \
    assert_string_equal(store_status_name(status), store_status_name(expected))

static void what_is_older_than_the_erasure_is_not_written(void **state)
{
    (void)state;
    assert_status(live(of_hour(-5, "jean", "+1", "SM1")), STORE_OK);
    assert_status(live(of_hour(-5, "marie", "+2", "SM2")), STORE_OK);
    erase("+1", NULL, true);
    assert_sql(&bench, ROWS, "1 1");
    assert_status(replayed(of_hour(-5, "jean", "+1", "SM1"), false), STORE_ABSENT);
    assert_status(replayed(of_hour(-1, "luc", "+1", "SM3"), false), STORE_ABSENT);
    assert_sql(&bench, ROWS, "1 1");
    /* Of others, nothing changes. */
    assert_status(replayed(of_hour(-5, "marie", "+2", "SM2"), false), STORE_OK);
    assert_status(replayed(of_hour(-5, "anne", "+3", "SM4"), false), STORE_OK);
    assert_sql(&bench, ROWS, "2 2");
}

static void who_comes_again_is_new(void **state)
{
    (void)state;
    assert_status(live(of_hour(-5, "jean", "+1", "SM1")), STORE_OK);
    erase("+1", NULL, true);
    struct asked again = of_hour(1, "jean", "+1", "SM2");
    assert_status(claimed(&bench, &again), STORE_OK);
    assert_true(again.claim.is_new);
    assert_false(again.claim.asked_before);
    assert_status(replayed(of_hour(1, "luc", "+1", "SM3"), false), STORE_OK);
    /* Whoever asks just now is never looked for, whatever the clock says. */
    assert_status(live(of_hour(-1, "anne", "+1", "SM4")), STORE_OK);
    assert_sql(&bench, ROWS, "3 3");
    assert_status(replayed(of_hour(-5, "jean", "+1", "SM1"), false), STORE_ABSENT);
    assert_sql(&bench, ROWS, "3 3");
}

static void a_number_that_was_taken_out_does_not_come_back(void **state)
{
    (void)state;
    assert_status(live(of_hour(-5, "jean", "+1", "SM1")), STORE_OK);
    erase("+1", NULL, false);
    assert_status(replayed(of_hour(-5, "jean", "+1", "SM1"), false), STORE_ABSENT);
    assert_status(replayed(of_hour(-4, "luc", "+1", "SM2"), false), STORE_ABSENT);
    /* What erasing left in the outbox, without its number, is written. */
    assert_status(replayed(of_hour(-3, "marie", "", "SM3"), false), STORE_OK);
    assert_sql(&bench, ROWS, "2 2");
    assert_sql(&bench, "SELECT count(*) FROM uic_records WHERE phone_number <> ''", "0");
}

static void a_code_is_erased_with_whoever_asked_for_it(void **state)
{
    (void)state;
    assert_status(live(of_hour(-5, "jean", "+1", "SM1")), STORE_OK);
    assert_status(live(of_hour(-5, "marie", "+1", "SM2")), STORE_OK);
    erase(NULL, "jean", true);
    assert_status(replayed(of_hour(-5, "jean", "+1", "SM1"), false), STORE_ABSENT);
    assert_status(replayed(of_hour(-5, "jean", "", "SM1"), false), STORE_ABSENT);
    assert_status(replayed(of_hour(-5, "jean", "+9", "SM9"), false), STORE_ABSENT);
    /* Not what else the number has, which may be on its way still. */
    assert_status(replayed(of_hour(-5, "luc", "+1", "SM3"), false), STORE_OK);
    erase(NULL, "marie", false);
    assert_status(replayed(of_hour(-5, "marie", "+1", "SM2"), false), STORE_ABSENT);
    assert_status(replayed(of_hour(-5, "marie", "", "SM4"), false), STORE_OK);
    assert_sql(&bench, ROWS, "2 3");
}

/* Asked from a number that is sealed, "" hides it, and with a user id. */
static struct asked as_user(struct asked asked, const char *number, const char *user_id)
{
    struct record_person *person = &asked.claim.person;
    struct keyed_hash *asker = keyed_hash_create(asker_key);

    snprintf(asked.claim.phone_number, sizeof asked.claim.phone_number, "siv:%s", user_id);
    person->has_number = number[0] != '\0';
    if (person->has_number)
        assert_int_equal(record_asker_number(asker, number, person->number), 0);
    person->has_user_id = true;
    memcpy(person->user_id, user_id, sizeof person->user_id);
    keyed_hash_free(asker);
    return asked;
}

#define JEAN "hash of one's id"
#define MARIE "another one's id"

static void a_sealed_number_and_a_user_id_do_not_come_back(void **state)
{
    (void)state;
    const struct asked seen = as_user(of_hour(-5, "jean", "", "SM1"), "+1", JEAN);
    const struct asked hidden = as_user(of_hour(-4, "luc", "", "SM2"), "", JEAN);

    assert_status(live(seen), STORE_OK);
    assert_status(live(hidden), STORE_OK);
    erase("+1", NULL, true);
    assert_status(replayed(seen, false), STORE_ABSENT);
    assert_status(replayed(hidden, false), STORE_OK);
    erase_found(person_of("CD.1", JEAN), NULL, true);
    assert_status(replayed(hidden, false), STORE_ABSENT);
    assert_status(replayed(as_user(of_hour(-4, "anne", "", "SM3"), "+2", JEAN), false),
                  STORE_ABSENT);
    assert_status(replayed(as_user(of_hour(-4, "anne", "", "SM3"), "+2", MARIE), false), STORE_OK);
    assert_status(replayed(as_user(of_hour(1, "luc", "", "SM4"), "", JEAN), false), STORE_OK);
    erase_found(person_of("CD.1", JEAN), NULL, false);
    assert_status(replayed(hidden, false), STORE_ABSENT);
}

/* By hand. Its answers are listed, whatever it says of its messages. */
static void a_record_with_too_much_said_of_its_messages_is_listed(void **state)
{
    char nothing[BENCH_TEXT_MAX];

    (void)state;
    assert_status(live(of_hour(-5, "jean", "+1", "SM1")), STORE_OK);
    bench_sql(&bench,
              SQL("UPDATE uic_records SET previous_event_ids = ' ' || hex(zeroblob(500))",
                  "UPDATE uic_records SET previous_event_ids = ARRAY[repeat('0', 1000)]"),
              nothing);
    erase("+1", NULL, true);
    assert_sql(&bench, LISTED, "3"); /* the number, it where it asked, and answers */
}

static void the_list_names_nobody_in_clear(void **state)
{
    (void)state;
    assert_status(live(of_hour(-5, "jean", "+243899111222", "SM1")), STORE_OK);
    erase_found(person_of("+243899111222", "a user id's hash"), NULL, true);
    assert_sql(&bench, LISTED,
               "6"); /* the number, the user id, both where they asked, answers and their message */
    assert_sql(&bench,
               SQL("SELECT count(*) FROM uic_erased WHERE length(who) = 32"
                   " AND at = '2026-01-01 12:00:00.000000'",
                   "SELECT count(*) FROM uic_erased WHERE length(who) = 16"
                   " AND at = '2026-01-01 12:00:00+00'"),
               "6");
    /* Once more is later, and the later time counts. */
    bench_sql(&bench, "UPDATE uic_erased SET at = '2020-01-01 00:00:00+00'",
              (char[BENCH_TEXT_MAX]){""});
    erase_found(person_of("+243899111222", "a user id's hash"), NULL, true);
    assert_sql(&bench, LISTED, "6");
    assert_status(replayed(of_hour(-5, "jean", "+243899111222", "SM1"), false), STORE_ABSENT);
}

static void what_is_put_back_is_known_or_refused(void **state)
{
    (void)state;
    assert_status(live(of_hour(0, "jean", "+1", "SM1")), STORE_OK);
    assert_status(live(of_hour(1, "jean", "+1", "SM2")), STORE_OK);
    assert_status(replayed(of_hour(0, "jean", "+1", "SM1"), true), STORE_OK);
    assert_status(replayed(of_hour(0, "jean", "+1", "SM0"), true), STORE_REFUSED);
    assert_status(replayed(of_hour(0, "luc", "+1", "SM3"), true), STORE_REFUSED);
    assert_sql(&bench, ROWS, "1 2");
}

/* Who erases holds the list for a moment; when it takes long, entries wait, and nobody else. */
static void while_somebody_erases_entries_wait(void **state)
{
    (void)state;
    PGconn *other = PQconnectdb(bench.url);

    PQclear(PQexec(other, "BEGIN"));
    PQclear(PQexec(other, "LOCK TABLE uic_erased IN EXCLUSIVE MODE"));
    assert_status(replayed(of_hour(0, "jean", "+1", "SM1"), false), STORE_DOWN);
    assert_status(live(of_hour(0, "marie", "+2", "SM2")), STORE_OK);
    PQclear(PQexec(other, "ROLLBACK"));
    PQfinish(other);
    assert_status(replayed(of_hour(0, "jean", "+1", "SM1"), false), STORE_OK);
    assert_sql(&bench, ROWS, "2 2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_older_than_the_erasure_is_not_written),
        TEST(who_comes_again_is_new),
        TEST(a_number_that_was_taken_out_does_not_come_back),
        TEST(a_code_is_erased_with_whoever_asked_for_it),
        TEST(a_sealed_number_and_a_user_id_do_not_come_back),
        TEST(a_record_with_too_much_said_of_its_messages_is_listed),
        TEST(the_list_names_nobody_in_clear),
        TEST(what_is_put_back_is_known_or_refused),
    };
    const struct CMUnitTest on_a_server[] = {
        TEST(while_somebody_erases_entries_wait),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed + cmocka_run_group_tests_name("PostgreSQL alone", on_a_server, bench_server_start,
                                                bench_server_stop);
}
