/*
 * A person's records under another number or user id, in SQLite and in PostgreSQL: what goes with her,
 * what is another's, and in how many steps.
 */
#include "record_people.h"

#include "store/record_tools.h"

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
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1);
    assert_true(told(NEW_NUMBER, "CD.2"));
    assert_true(told(NULL, "CD.2"));
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1); /* delivered again */
    assert_true(told(NULL, "CD.2"));
    assert_false(told(NUMBER, "CD.1"));
    assert_false(told(NUMBER, "CD.9"));
}

static void a_person_keeps_her_codes_under_another_number_and_id(void **state)
{
    char expected[2 * RECORD_PERSON_HASH_SIZE + 1];

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
    assert_int_equal(moved_by(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1);
    assert_int_equal(moved_by(UINT64_MAX, NEW_NUMBER, NUMBER, "CD.2", "CD.1", EVER), 1);
    assert_int_equal(moved_by(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1);
    assert_sql(&bench, "SELECT count(*) FROM uic_former_ids", "1"); /* CD.2, of CD.1 */
    assert_sql(&bench, "SELECT phone_number FROM uic_records", NUMBER);
    assert_true(told(NUMBER, "CD.1"));
    assert_sql(&bench, "SELECT count(*) FROM uic_moves", "2");
    bench_sql(&bench, "UPDATE uic_moves SET at = '2026-01-01'", (char[BENCH_TEXT_MAX]){""});
    assert_int_equal(moved_by(8, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 1);
    assert_sql(&bench, "SELECT count(*) FROM uic_moves", "1");
}

#define ROWS                                                                                     \
    SQL("WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1200)"        \
        " INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"              \
        " last_requested_at, asked_by) SELECT 'c' || n, CASE WHEN n %% 2 = 0 THEN '%s'"          \
        " ELSE '+' || n END, 'h' || n, '2026-01-01', '2026-01-01', ' %s000000' FROM i",          \
        "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"               \
        " last_requested_at, asked_by) SELECT 'c' || n, CASE WHEN n %% 2 = 0 THEN '%s'"          \
        " ELSE '+' || n END, int4send(n), '2026-01-01', '2026-01-01', decode('%s000000', 'hex')" \
        " FROM generate_series(1, 1200) AS n")

/* 1,200 for which the number asked alone, every other its own. */
static void many_records(const char *number)
{
    char asker[2 * RECORD_PERSON_HASH_SIZE + 1], sql[1024];

    hash_of(NUMBER, asker);
    asker[2 * RECORD_ASKER_SIZE] = '\0';
    snprintf(sql, sizeof sql, ROWS, number, asker);
    assert_sql(&bench, sql, "");
    snprintf(
        sql, sizeof sql,
        SQL("INSERT INTO uic_asked (who, record) SELECT '%s', id FROM uic_records"
            " WHERE uic_code LIKE 'c%%'",
            "INSERT INTO uic_asked (who, record) SELECT decode('%s', 'hex'), id FROM uic_records"
            " WHERE uic_code LIKE 'c%%'"),
        asker);
    assert_sql(&bench, sql, "");
}

/* Another instance has carried it out meanwhile, and it was undone. */
static void who_was_slow_moves_nothing_any_more(void **state)
{
    (void)state;
    assert_false(told("+243990000001", "CD.77"));
    assert_false(told(NUMBER, "CD.1"));
    many_records("+243990000002");
    struct record_move slow = move_of(7, NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
    move_step(&slow);
    assert_true(slow.more && !slow.was_done);
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
    char number[2 * RECORD_PERSON_HASH_SIZE + 1], other[2 * RECORD_PERSON_HASH_SIZE + 1];
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
    char expected[4 * RECORD_PERSON_HASH_SIZE + 1], who[2 * RECORD_PERSON_HASH_SIZE + 1];
    struct asked asked = asked_as(NUMBER, "CD.1", "SM9");

    (void)state;
    assert_false(told("+243990000001", NULL));
    asked.claim.has_near = true;
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    for (int round = 0; round < 2; round++) {
        moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER);
        hash_of(NEW_NUMBER, expected);
        hash_of("CD.2", expected + 2 * RECORD_PERSON_HASH_SIZE);
        assert_sql(&bench, LINKED, expected);
        hash_of("CD.2", who);
        who[2 * RECORD_ASKER_SIZE] = '\0';
        assert_sql(
            &bench,
            SQL("SELECT who FROM uic_asked WHERE instr((SELECT asked_by FROM uic_records), who) = 2",
                "SELECT encode(who, 'hex') FROM uic_asked"
                " WHERE position(who IN (SELECT asked_by FROM uic_records)) = 1"),
            who);
    }
    moved(NULL, NULL, "CD.2", "CD.3", EVER);
    hash_of("CD.3", expected + 2 * RECORD_PERSON_HASH_SIZE);
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

static int erased(void)
{
    struct record_erasure erasure = {.person = person_of(NUMBER, NULL),
                                     .erased_key = erased_key,
                                     .delete = true,
                                     .author = "test"};
    char error[ERROR_MAX];
    int64_t records;

    return record_erase(bench.url, &erasure, &records, error);
}

static void nobody_is_erased_in_the_middle(void **state)
{
    char sql[512], nothing[BENCH_TEXT_MAX];

    (void)state;
    assert_false(told(NUMBER, "CD.1"));
    snprintf(
        sql, sizeof sql,
        SQL("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
            " last_requested_at) WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n"
            " WHERE n < 300) SELECT 'c' || n, '%s', 'h' || n, '2026-01-01', '2026-01-01' FROM n",
            "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
            " last_requested_at) SELECT 'c' || n, '%s', int4send(n), '2026-01-01', '2026-01-01'"
            " FROM generate_series(2, 300) AS n"),
        NUMBER);
    bench_sql(&bench, sql, nothing);
    struct record_move move = move_of(7, NUMBER, NEW_NUMBER, "CD.1", "CD.1", EVER);
    move_step(&move);
    assert_true(move.more);
    assert_int_equal(erased(), RECORD_MEANWHILE);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "300");
    /* One that stopped in the middle is told again, and holds up nobody. */
    bench_sql(&bench,
              SQL("UPDATE uic_moves SET at = datetime('now', '-1 minute')",
                  "UPDATE uic_moves SET at = now() - interval '1 minute'"),
              nothing);
    assert_int_equal(erased(), 0);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "200");
    while (move.more)
        move_step(&move);
    assert_sql(&bench, "SELECT count(*) FROM uic_moves WHERE is_done", "1");
    assert_int_equal(erased(), 0);
}

/* 600 of her own in steps of 200, and as many pages of what she asked for as 1,200 make; the last of
 * each kind finds that there is no more. */
static void many_records_move_in_steps(void **state)
{
    char asker[2 * RECORD_PERSON_HASH_SIZE + 1], sql[1024];

    (void)state;
    many_records(NUMBER);
    assert_int_equal(moved(NUMBER, NEW_NUMBER, "CD.1", "CD.2", EVER), 3 + 6 + 1);
    assert_sql(&bench, "SELECT count(*) FROM uic_records WHERE phone_number = '" NEW_NUMBER "'",
               "600");
    hash_of("CD.2", asker);
    asker[2 * RECORD_ASKER_SIZE] = '\0';
    snprintf(sql, sizeof sql,
             SQL("SELECT count(*) FROM uic_records JOIN uic_asked ON record = id"
                 " WHERE asked_by = ' ' || who || '000000' AND who = '%s'",
                 "SELECT count(*) FROM uic_records JOIN uic_asked ON record = id"
                 " WHERE asked_by = who || '\\x000000' AND who = decode('%s', 'hex')"),
             asker);
    assert_sql(&bench, sql, "1200");
    assert_sql(&bench, "SELECT count(*) FROM uic_asked", "1200");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_keeps_her_codes_under_another_number_and_id),
        TEST(what_was_carried_out_is_not_carried_out_again),
        TEST(who_was_slow_moves_nothing_any_more),
        TEST(a_number_with_which_another_id_came_gives_nothing),
        TEST(what_is_beside_the_records_moves_too),
        TEST(a_hidden_number_has_another_id),
        TEST(what_is_anothers_stays),
        TEST(many_records_move_in_steps),
        TEST(nobody_is_erased_in_the_middle),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    return failed;
}
