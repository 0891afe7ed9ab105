/* Emptying the outbox: each entry reaches the database once, whatever fails meanwhile, or is kept
 * aside. Several consumers, and a database that fails, have tests of their own. */
#include "store/outbox_bench.h"

/* The database away and back */

static void entries_wait_for_the_database(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[150]; /* more than one batch */

    for (int i = 0; i < 150; i++)
        letters[i] = letter_number(i);
    database_away();
    outbox_open(&outbox);
    for (int i = 0; i < 150; i++)
        assert_status(put(&outbox, &letters[i]), STORE_OK);
    until(outbox.length == 150);
    assert_int_equal(outbox.written, 0);
    assert_int_equal(entries(), 150);
    database_back();
    until(outbox.written == 150);
    assert_sql(&bench, ROWS, "150 150");
    assert_int_equal(entries(), 0);
    until(outbox.length == 0);
    outbox_close(&outbox);
}

static void entries_survive_their_instance(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3] = {letter_number(0), letter_number(1), letter_number(2)};

    put_aside(letters, 3);
    outbox_open(&outbox);
    until(outbox.written == 3);
    assert_sql(&bench, ROWS, "3 3");
    outbox_close(&outbox);
}

/* What an earlier release has put says only the number: jean's claim by +2, message SM1. */
static const char earlier_entry[] =
    "\x01\x88\xce\xb7\x5c\xda\x06\x91\x77\x55\x98\x46\xb2\x9e\xe2\xc8\x83\x51\x48\x30"
    "\xce\xf9\xd2\xd1\x2f\x1d\x49\xfc\x64\x45\xa6\x03\x54\xda\x15\xff\xee\x30\x79\xd4"
    "\xb4\x27\xde\x2a\xb0\xb0\x4f\x09\x85\x67\xea\x66\x28\xad\x79\x31\x9a\xb2\x7d\x65"
    "\xb8\xcd\x2e\x7b\x63\xc4\xea\x79\xb0\x71\xc2\x80\xc5\x99\x44\x15\x18\xbb\x63\x47"
    "\x76\x5c";

static void an_entry_of_an_earlier_release_is_its_numbers(void **state)
{
    (void)state;
    struct outbox outbox;

    tell("XADD " STREAM " * sealed %b", earlier_entry, sizeof earlier_entry - 1);
    outbox_open(&outbox);
    until(outbox.written == 1);
    struct asked again = asked_by("jean", "+2", "SM2", "code");
    assert_status(claimed(&bench, &again), STORE_OK);
    assert_true(again.claim.asked_before);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "+2");
    outbox_close(&outbox);
}

/* A user id on its way is known afterwards, though the number was hidden. */
static void who_hides_the_number_is_known_afterwards(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_of("jean", "+2", "SM1", "code");
    struct asked again = asked_by("jean", "CD.1", "SM2", "code");

    letter.claim.person = (struct record_person){
        .has_user_id = true, .has_number = true, .user_id = "sixteen bytes..", .number = "five"};
    put_aside(&letter, 1);
    outbox_open(&outbox);
    until(outbox.written == 1);
    again.claim.person = letter.claim.person;
    again.claim.person.has_number = false;
    assert_status(claimed(&bench, &again), STORE_OK);
    assert_true(again.claim.asked_before);
    outbox_close(&outbox);
}

static void who_asked_is_known_afterwards(void **state)
{
    (void)state;
    struct outbox outbox;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    struct letter letters[2] = {letter_of("jean", "+2", "SM2", "code"),
                                letter_of("marie", "+2", "SM3", "marie's code")};

    assert_status(claimed(&bench, &jean), STORE_OK);
    put_aside(letters, 2);
    outbox_open(&outbox);
    until(outbox.written == 2);
    struct asked again[3] = {asked_by("jean", "+2", "SM4", "code"),
                             asked_by("marie", "+2", "SM5", "marie's code"),
                             asked_by("marie", "+1", "SM6", "marie's code")};
    for (int i = 0; i < 3; i++) {
        assert_status(claimed(&bench, &again[i]), STORE_OK);
        assert_int_equal(again[i].claim.asked_before, i < 2);
    }
    outbox_close(&outbox);
}

static void a_claim_that_went_both_ways_counts_once(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_of("jean", "+1", "SM1", "code");
    struct asked asked = asked_by("jean", "+1", "SM1", "code");

    /* The deadline passed, and the commit went through all the same. */
    assert_status(claimed(&bench, &asked), STORE_OK);
    struct letter twice[2] = {jean, jean};
    put_aside(twice, 2);
    outbox_open(&outbox);
    until(outbox.written == 2);
    assert_sql(&bench, ROWS, "1 1");
    assert_int_equal(outbox.refused, 0);
    outbox_close(&outbox);
}

static void what_others_did_to_redis_does_not_matter(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3] = {letter_number(0), letter_number(1), letter_number(2)};

    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    until(outbox.written == 1);
    tell("XGROUP DESTROY " STREAM " %s", group);
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    until(outbox.written == 2);
    tell("FLUSHALL");
    tell("SCRIPT FLUSH");
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    until(outbox.written == 3);
    redis_server_kill(&server);
    redis_server_run(&server); /* empty */
    until(put(&outbox, &letters[0]) == STORE_OK);
    until(outbox.written == 4);
    assert_sql(&bench, ROWS, "3 3");
    outbox_close(&outbox);
}

static void an_entry_deleted_while_it_is_pending_is_let_go(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};

    put_aside(letters, 1);
    database_away();
    outbox_open(&outbox);
    redisReply *first = ask("XRANGE " STREAM " - +");
    until(outbox.length == 1);
    tell("XDEL " STREAM " %s", first->element[0]->element[0]->str);
    freeReplyObject(first);
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    database_back();
    until(outbox.written == 1);
    assert_sql(&bench, "SELECT uic_code FROM uic_records", "000001");
    redisReply *pending = ask("XPENDING " STREAM " %s", group);
    assert_int_equal(pending->element[0]->integer, 0);
    freeReplyObject(pending);
    outbox_close(&outbox);
}

static void a_stream_that_cannot_be_read_is_said_once(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_number(1);

    tell("SET " STREAM " x");
    outbox_open(&outbox);
    until(outbox.refused == 1);
    assert_non_null(strstr(outbox.why, "the outbox cannot be read: "));
    assert_non_null(strstr(outbox.why, "WRONGTYPE"));
    assert_status(put(&outbox, &jean), STORE_DOWN);
    assert_int_equal(outbox.refused, 1);
    tell("DEL " STREAM);
    assert_status(put(&outbox, &jean), STORE_OK);
    until(outbox.written == 1);
    outbox_close(&outbox);
}

/* What cannot be written is kept aside */

static void assert_kept(const char *why)
{
    redisReply *kept = ask("XRANGE " KEPT " - +");
    assert_int_equal(kept->elements, 1);
    const redisReply *fields = kept->element[0]->element[1];
    assert_int_equal(fields->elements, 6);
    assert_string_equal(fields->element[0]->str, "sealed");
    assert_string_equal(fields->element[2]->str, "why");
    assert_string_equal(fields->element[3]->str, why);
    assert_string_equal(fields->element[4]->str, "id");
    freeReplyObject(kept);
}

static void a_code_taken_by_another_is_kept_aside(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter marie = letter_of("marie", "+2", "SM2", "code");
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    assert_status(claimed(&bench, &jean), STORE_OK);
    put_aside(&marie, 1);
    redisReply *before = ask("XRANGE " STREAM " - +");
    outbox_open(&outbox);
    until(outbox.refused == 1);
    assert_int_equal(entries(), 0);
    assert_non_null(strstr(outbox.why, "another person's"));
    assert_non_null(strstr(outbox.why, before->element[0]->element[0]->str));
    assert_kept("conflict");
    redisReply *after = ask("XRANGE " KEPT " - +");
    const redisReply *was = before->element[0]->element[1]->element[1];
    const redisReply *is = after->element[0]->element[1]->element[1];
    assert_int_equal(was->len, is->len);
    assert_memory_equal(was->str, is->str, was->len);
    freeReplyObject(before);
    freeReplyObject(after);
    assert_int_equal(outbox.written, 0);
    assert_sql(&bench, ROWS, "1 1");

    /* Put back by hand once the other record is out of the way. */
    bench_sql(&bench, "DELETE FROM uic_records", (char[BENCH_TEXT_MAX]){""});
    redisReply *kept = ask("XRANGE " KEPT " - +");
    const redisReply *sealed = kept->element[0]->element[1]->element[1];
    tell("XADD " STREAM " * sealed %b", sealed->str, sealed->len);
    freeReplyObject(kept);
    until(outbox.written == 1);
    assert_sql(&bench, "SELECT phone_number FROM uic_records", "+2");
    outbox_close(&outbox);
}

static void a_person_with_another_code_is_kept_aside(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_of("jean", "+1", "SM2", "code");
    struct asked before = asked_by("jean", "+1", "SM1", "code-longer");

    assert_status(claimed(&bench, &before), STORE_OK);
    put_aside(&jean, 1);
    outbox_open(&outbox);
    until(outbox.refused == 1);
    assert_non_null(strstr(outbox.why, "not the one that was told"));
    assert_kept("other-code");
    assert_int_equal(entries(), 0);
    assert_sql(&bench, "SELECT uic_code || ' ' || request_count FROM uic_records", "code-longer 2");
    outbox_close(&outbox);
}

/* Whatever somebody wrote there goes aside, and holds nothing up. */
static void damaged_entries_are_kept_aside(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};
    char large[5000];

    memset(large, 1, sizeof large);
    put_aside(letters, 1);
    redisReply *good = ask("XRANGE " STREAM " - +");
    redisReply *sealed = good->element[0]->element[1]->element[1];
    tell("XADD " STREAM " * sealed x");
    tell("XADD " STREAM " * sealed %b", "", (size_t)0);
    tell("XADD " STREAM " * other field third field");
    tell("XADD " STREAM " * sealed %b", large, sizeof large);
    tell("XADD " STREAM " * sealed %b", sealed->str, sealed->len - 1);
    /* Whose version or key is damaged looks like somebody else's. */
    for (size_t i = 5; i < sealed->len; i += sealed->len / 20) {
        sealed->str[i] ^= 1;
        tell("XADD " STREAM " * sealed %b", sealed->str, sealed->len);
        sealed->str[i] ^= 1;
    }
    long long damaged = entries() - 1;
    assert_true(damaged >= 25);
    freeReplyObject(good);
    put_aside(letters + 1, 1);
    outbox_open(&outbox);
    until(outbox.written == 2 && outbox.refused == damaged);
    assert_non_null(strstr(outbox.why, "does not open"));
    assert_int_equal(entries(), 0);
    assert_int_equal(ask_number("XLEN " KEPT), damaged);
    assert_sql(&bench, ROWS, "2 2");
    outbox_close(&outbox);
}

static void of_too_many_kept_entries_the_oldest_give_way(void **state)
{
    (void)state;
    struct outbox outbox;

    settings.length_max = 3;
    for (int i = 0; i < 5; i++)
        tell("XADD " STREAM " * sealed %d", i);
    outbox_open(&outbox);
    until(outbox.refused == 5);
    assert_int_equal(ask_number("XLEN " KEPT), 3);
    redisReply *kept = ask("XRANGE " KEPT " - +");
    assert_string_equal(kept->element[0]->element[1]->element[1]->str, "2");
    freeReplyObject(kept);
    outbox_close(&outbox);
}

static void a_record_link_may_end_them_when_it_is_detached(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[100];
    struct outbox_pace pace = quick;
    sqlite3 *other = NULL;

    for (int i = 0; i < 100; i++)
        letters[i] = letter_number(i);
    put_aside(letters, 100);
    assert_int_equal(sqlite3_open(bench.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    outbox_open(&outbox);
    until(outbox.lengths == 1); /* the claims wait for the lock */
    outbox_close(&outbox);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    bench_detach(&bench);
    assert_int_equal(entries(), 100);
    bench_attach(&bench);
    outbox_open(&outbox);
    pace.dead_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(outbox.written == 100);
    assert_sql(&bench, ROWS, "100 100");
    outbox_close(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entries_wait_for_the_database),
        CASE(entries_survive_their_instance),
        CASE(who_asked_is_known_afterwards),
        CASE(an_entry_of_an_earlier_release_is_its_numbers),
        CASE(who_hides_the_number_is_known_afterwards),
        CASE(a_claim_that_went_both_ways_counts_once),
        CASE(what_others_did_to_redis_does_not_matter),
        CASE(an_entry_deleted_while_it_is_pending_is_let_go),
        CASE(a_stream_that_cannot_be_read_is_said_once),
        CASE(a_code_taken_by_another_is_kept_aside),
        CASE(a_person_with_another_code_is_kept_aside),
        CASE(damaged_entries_are_kept_aside),
        CASE(of_too_many_kept_entries_the_oldest_give_way),
        CASE(a_record_link_may_end_them_when_it_is_detached),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
