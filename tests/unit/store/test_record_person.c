/*
 * Numbers and user ids, in SQLite and in PostgreSQL: who hides her number is who she was; a number
 * that comes with another user id is another person; and whoever registered first changes nothing
 * of it.
 */
#include "record_bench.h"

#include "store/records/asker.h"

#define CODE "985-KINS-15-JEA-KABI-A3F9D"
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

/* What stands for the user id is made of it by the same hash as for a number, only longer. */
static struct asked asked_as(const char *number, const char *user_id, const char *event)
{
    struct asked asked = asked_by("jean", number != NULL ? number : user_id, event, CODE);
    struct record_person *person = &asked.claim.person;
    unsigned char hash[KEYED_HASH_SIZE];

    person->has_number = number != NULL;
    person->has_user_id = user_id != NULL;
    if (number != NULL)
        assert_int_equal(record_asker_number(keyed, number, person->number), 0);
    if (user_id != NULL) {
        assert_int_equal(keyed_hash(keyed, user_id, strlen(user_id), hash), 0);
        memcpy(person->user_id, hash, sizeof person->user_id);
    }
    return asked;
}

static bool told_again(const char *number, const char *user_id, const char *event)
{
    struct asked asked = asked_as(number, user_id, event);

    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_string_equal(asked.claim.code, CODE);
    return asked.claim.asked_before;
}

static bool told(const char *number, const char *user_id)
{
    char event[RECORD_EVENT_ID_MAX];

    snprintf(event, sizeof event, "%016x", ++events);
    return told_again(number, user_id, event);
}

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

#define USER_ID \
    SQL("SELECT user_id FROM uic_records", "SELECT encode(user_id, 'hex') FROM uic_records")
#define ASKED_BY                                              \
    SQL("SELECT replace(asked_by, ' ', '') FROM uic_records", \
        "SELECT encode(asked_by, 'hex') FROM uic_records")

static void hash_of(const char *who, char digits[2 * RECORD_USER_ID_SIZE + 1])
{
    unsigned char hash[KEYED_HASH_SIZE];

    assert_int_equal(keyed_hash(keyed, who, strlen(who), hash), 0);
    for (size_t i = 0; i < RECORD_USER_ID_SIZE; i++)
        sprintf(digits + 2 * i, "%02x", hash[i]);
}

/* A record learns the user id of its own number, once; nobody else's. */
static void a_record_learns_the_id_of_its_number(void **state)
{
    char expected[2 * RECORD_USER_ID_SIZE + 1];

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
    char by_id[2 * RECORD_USER_ID_SIZE + 1], text[BENCH_TEXT_MAX];

    (void)state;
    hash_of("CD.1", by_id);
    told(NUMBER, NULL);
    told(NUMBER, "CD.1");
    told(NULL, "CD.1");
    bench_sql(&bench, ASKED_BY, text);
    assert_int_equal(strlen(text), 2 * RECORD_ASKER_SIZE);
    assert_memory_equal(text, by_id, 2 * RECORD_IDENTITY_SIZE);
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

/* Moving */

static void move_done(struct store_ticket *ticket)
{
    ticket->done = NULL;
}

static struct record_person person_as(const char *number, const char *user_id)
{
    return asked_as(number, user_id, "").claim.person;
}

/* As a message tells; NULL: nothing is known of it. */
static struct record_move move_of(uint64_t message, const char *number, const char *to_number,
                                  const char *user_id, const char *to_user_id, int64_t at_us)
{
    struct record_move move = {.message = message,
                               .at_us = at_us,
                               .from = person_as(number, user_id),
                               .to = person_as(to_number, to_user_id)};

    snprintf(move.number.from, RECORD_PHONE_MAX, "%s", number != NULL ? number : "");
    snprintf(move.number.to, RECORD_PHONE_MAX, "%s", to_number != NULL ? to_number : "");
    snprintf(move.hidden.from, RECORD_PHONE_MAX, "%s", user_id != NULL ? user_id : "");
    snprintf(move.hidden.to, RECORD_PHONE_MAX, "%s", to_user_id != NULL ? to_user_id : "");
    return move;
}

static void move_step(struct record_move *move)
{
    move->ticket.done = move_done;
    assert_int_equal(record_move(bench.link, move), STORE_LATER);
    while (move->ticket.done != NULL)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    if (move->ticket.status != STORE_OK)
        fail_msg("%s", move->errand.error);
}

/* To the end. Returns how many steps it took. */
static int moved_by(uint64_t message, const char *number, const char *to_number,
                    const char *user_id, const char *to_user_id, int64_t at_us)
{
    struct record_move move = move_of(message, number, to_number, user_id, to_user_id, at_us);
    int steps = 0;

    do {
        move_step(&move);
        steps++;
    } while (move.more);
    return steps;
}

static int moved(const char *number, const char *to_number, const char *user_id,
                 const char *to_user_id, int64_t at_us)
{
    return moved_by(0, number, to_number, user_id, to_user_id, at_us);
}

#define EVER INT64_C(5000000000000000)
#define NEW_NUMBER "+243820000002"

static void moves_by_number_and_id(void)
{
    assert_false(told(NUMBER, "CD.1"));
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3);
    assert_true(told(NEW_NUMBER, "CD.2"));
    assert_true(told(NULL, "CD.2"));
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3); /* delivered again */
    assert_true(told(NULL, "CD.2"));
    assert_false(told(NUMBER, "CD.1"));
    assert_false(told(NUMBER, "CD.9"));
}

static void a_person_keeps_her_codes_under_another_number_and_id(void **state)
{
    char expected[2 * RECORD_USER_ID_SIZE + 1];

    (void)state;
    moves_by_number_and_id();
    hash_of("CD.2", expected);
    assert_sql(&bench, USER_ID, expected);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NEW_NUMBER);
    assert_sql(&bench, "DELETE FROM uic_records", "");
    assert_false(told("+243990000001", "CD.77"));
    moves_by_number_and_id();
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "+243990000001");
}

static void what_was_carried_out_is_not_carried_out_again(void **state)
{
    (void)state;
    assert_false(told(NUMBER, "CD.1"));
    assert_int_equal(moved_by(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3);
    assert_int_equal(moved_by(UINT64_MAX, NEW_NUMBER, NUMBER, "CD.2", "CD.1", EVER), 3);
    assert_int_equal(moved_by(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
    assert_true(told(NUMBER, "CD.1"));
    assert_sql(&bench, "SELECT count(*) FROM uic_moves", "2");
    bench_sql(&bench, "UPDATE uic_moves SET at = '2026-01-01'", (char[BENCH_TEXT_MAX]){""});
    assert_int_equal(moved_by(8, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3);
    assert_sql(&bench, "SELECT count(*) FROM uic_moves", "1");
}

/* Another instance has carried it out meanwhile, and it was undone. */
static void who_was_slow_moves_nothing_any_more(void **state)
{
    (void)state;
    assert_false(told("+243990000001", "CD.77"));
    assert_false(told(NUMBER, "CD.1"));
    struct record_move slow = move_of(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
    move_step(&slow);
    assert_true(slow.has_own && slow.more);
    moved_by(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
    moved_by(8, NEW_NUMBER, NUMBER, "CD.2", "CD.1", EVER);
    move_step(&slow);
    assert_true(slow.was_done && !slow.more);
    assert_true(told(NUMBER, "CD.1"));
    assert_false(told(NULL, "CD.2"));
}

/* What it registered alone, and asked for, is not of whoever moves away from it. */
static void a_number_with_which_another_id_came_gives_nothing(void **state)
{
    char number[2 * RECORD_USER_ID_SIZE + 1], other[2 * RECORD_USER_ID_SIZE + 1];
    char sql[256];

    (void)state;
    told(NUMBER, NULL);
    hash_of(NUMBER, number);
    hash_of("CD.9", other);
    snprintf(sql, sizeof sql,
             SQL("INSERT INTO uic_links VALUES ('%s', '%s', '2026-01-01', 1)",
                 "INSERT INTO uic_links VALUES ('\\x%s', '\\x%s', '2026-01-01', 1)"),
             number, other);
    assert_sql(&bench, sql, "");
    moved(NUMBER, NEW_NUMBER, "CD.2", "CD.3", EVER);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
    assert_false(told(NULL, "CD.3"));
    assert_sql(&bench, "DELETE FROM uic_links", "");
    moved(NUMBER, NEW_NUMBER, "CD.2", "CD.3", EVER);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NEW_NUMBER);
}

#define LINKED                                     \
    SQL("SELECT number || user_id FROM uic_links", \
        "SELECT encode(number, 'hex') || encode(user_id, 'hex') FROM uic_links")

/* What she asked for of others', and which names of hers came together. */
static void what_is_beside_the_records_moves_too(void **state)
{
    char expected[4 * RECORD_USER_ID_SIZE + 1], who[2 * RECORD_USER_ID_SIZE + 1];
    struct asked asked = asked_as(NUMBER, "CD.1", "SM9");

    (void)state;
    assert_false(told("+243990000001", NULL));
    asked.claim.has_near = true;
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    for (int round = 0; round < 2; round++) {
        moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
        hash_of(NEW_NUMBER, expected);
        hash_of("CD.2", expected + 2 * RECORD_USER_ID_SIZE);
        assert_sql(&bench, LINKED, expected);
        hash_of("CD.2", who);
        who[2 * RECORD_IDENTITY_SIZE] = '\0';
        assert_sql(&bench,
                   SQL("SELECT who FROM uic_asked", "SELECT encode(who, 'hex') FROM uic_asked"),
                   who);
    }
    moved(NULL, NULL, "CD.2", "CD.3", EVER);
    hash_of("CD.3", expected + 2 * RECORD_USER_ID_SIZE);
    assert_sql(&bench, LINKED, expected);
}

static void a_hidden_number_has_another_id(void **state)
{
    (void)state;
    assert_false(told(NULL, "CD.1"));
    moved(NULL, NULL, "CD.1", "CD.2", EVER);
    assert_true(told(NULL, "CD.2"));
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "CD.2");
    assert_false(told(NULL, "CD.1"));
}

/* From before there were ids, and as Meta told it then. */
static void a_number_alone_moves(void **state)
{
    (void)state;
    assert_false(told(NUMBER, NULL));
    moved(NUMBER, NEW_NUMBER, NULL, NULL, EVER);
    assert_true(told(NEW_NUMBER, NULL));
    assert_false(told(NUMBER, NULL));
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NEW_NUMBER);
}

static void what_is_anothers_stays(void **state)
{
    (void)state;
    told(NUMBER, "CD.9");
    moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
    assert_true(told(NUMBER, "CD.9"));
    /* Of somebody who got the number later; nothing tells who. */
    assert_sql(&bench, "DELETE FROM uic_records", "");
    told(NUMBER, NULL);
    moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", 1000000);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
    assert_true(told(NUMBER, NULL));
    assert_false(told(NEW_NUMBER, "CD.2"));
}

#define ROWS                                                                                     \
    SQL("WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 12000)"       \
        " INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"              \
        " last_requested_at, asked_by) SELECT 'c' || n, CASE WHEN n %% 10 = 0 THEN '" NUMBER "'" \
        " ELSE '+' || n END, 'h' || n, '2026-01-01', '2026-01-01', ' %s000000' FROM i",          \
        "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"               \
        " last_requested_at, asked_by) SELECT 'c' || n, CASE WHEN n %% 10 = 0 THEN '" NUMBER "'" \
        " ELSE '+' || n END, int4send(n), '2026-01-01', '2026-01-01', decode('%s000000', 'hex')" \
        " FROM generate_series(1, 12000) AS n")

/* 1,200 of her own in steps of 500, and three pages. */
static void many_records_move_in_steps(void **state)
{
    char identity[2 * RECORD_USER_ID_SIZE + 1], sql[1024];

    (void)state;
    hash_of(NUMBER, identity);
    identity[2 * RECORD_IDENTITY_SIZE] = '\0';
    snprintf(sql, sizeof sql, ROWS, identity);
    assert_sql(&bench, sql, "");
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3 + 3 + 1);
    assert_sql(&bench, "SELECT count(*) FROM uic_records WHERE phone_number = '" NEW_NUMBER "'",
               "1200");
    hash_of("CD.2", identity);
    identity[2 * RECORD_IDENTITY_SIZE] = '\0';
    snprintf(sql, sizeof sql,
             SQL("SELECT count(*) FROM uic_records WHERE asked_by = ' %s000000'",
                 "SELECT count(*) FROM uic_records WHERE asked_by = decode('%s000000', 'hex')"),
             identity);
    assert_sql(&bench, sql, "12000");
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
        TEST(a_person_keeps_her_codes_under_another_number_and_id),
        TEST(what_was_carried_out_is_not_carried_out_again),
        TEST(who_was_slow_moves_nothing_any_more),
        TEST(a_number_with_which_another_id_came_gives_nothing),
        TEST(what_is_beside_the_records_moves_too),
        TEST(a_hidden_number_has_another_id),
        TEST(a_number_alone_moves),
        TEST(what_is_anothers_stays),
        TEST(many_records_move_in_steps),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
