/* Entries that somebody put back into the outbox: of erased people, or of long ago. */
#include "store/outbox_bench.h"

#include "store/base/clock.h"
#include "store/record_tools.h"

#define DAY_US INT64_C(86400000000)

/* Made so many days ago. */
static struct letter letter_of_days(int days, const char *name, const char *event)
{
    struct letter letter = letter_of(name, "+1", event, name);

    letter.claim.now_us = clock_wall_us() - days * DAY_US;
    return letter;
}

static void erase_at(bool deletes, int64_t erased_us)
{
    const struct record_erasure erasure = {.person = person_of("+1", NULL),
                                           .erased_key = erased_key,
                                           .erased_us = erased_us,
                                           .delete = deletes,
                                           .author = "test",
                                           .now_us = clock_wall_us()};
    char error[ERROR_MAX] = "";
    int64_t records;

    if (record_erase(bench.url, &erasure, &records, error) != 0)
        fail_msg("%s", error);
}

static void erase(bool deletes)
{
    erase_at(deletes, clock_wall_us());
}

static void an_entry_older_than_the_erasure_is_dropped(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter before[2] = {letter_of_days(1, "jean", "SM1"), letter_of_days(0, "luc", "SM2")};

    put_aside(before, 2);
    erase(true);
    struct letter after = letter_of_days(0, "anne", "SM3");
    put_aside(&after, 1);
    outbox_open(&outbox);
    until(outbox.dropped == 2 && outbox.written == 1);
    assert_non_null(strstr(outbox.why, "older than the erasure"));
    assert_null(strstr(outbox.why, KEPT));
    assert_int_equal(entries(), 0);
    assert_int_equal(ask_number("EXISTS " KEPT), 0);
    assert_int_equal(outbox.refused, 0);
    assert_sql(&bench, "SELECT group_concat(uic_code) FROM uic_records", "anne");
    outbox_close(&outbox);
}

/* Whoever drains looks at the stream for days, and finds it empty before that. */
static void seen_empty_days_ago(struct outbox *outbox, int days)
{
    until(outbox->link->empty.wall_ms != 0);
    outbox->link->empty.wall_ms -= days * DAY_US / 1000;
    outbox->link->empty.ms -= days * DAY_US / 1000;
}

static void an_entry_may_wait_for_days(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter long_ago = letter_of_days(400, "jean", "SM1");
    struct letter since = letter_of_days(3, "luc", "SM2");

    /* It was there when this instance began. */
    put_then(&long_ago);
    outbox_open(&outbox);
    until(outbox.written == 1);
    database_away();
    seen_empty_days_ago(&outbox, 3);
    put_then(&since);
    until(outbox.length == 1);
    database_back();
    until(outbox.written == 2);
    assert_int_equal(outbox.refused, 0);
    outbox_close(&outbox);
}

static void what_was_put_back_after_days_is_kept_aside(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_of_days(2, "jean", "SM1");
    redisReply *kept;

    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    put_then(&letter);
    until(outbox.refused == 1);
    assert_non_null(strstr(outbox.why, "somebody put it back"));
    kept = ask("XRANGE " KEPT " - +");
    assert_int_equal(kept->elements, 1);
    assert_string_equal(kept->element[0]->element[1]->element[3]->str, "old");
    freeReplyObject(kept);
    assert_int_equal(entries(), 0);
    assert_sql(&bench, ROWS, "0 0");
    outbox_close(&outbox);
}

/* By whoever is the operator: `whatsapp-uic outbox --retry`. */
static void what_is_retried_is_as_new(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_of_days(2, "jean", "SM1");
    char error[ERROR_MAX] = "";
    size_t put_back;

    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    put_then(&letter);
    until(outbox.refused == 1);
    struct redis_call *call = redis_call_open(url, deadline_ms, error);
    assert_non_null(call);
    assert_int_equal(outbox_retry(call, seal_keys, 100, &put_back, error), 0);
    assert_int_equal(put_back, 1);
    redis_call_close(call);
    until(outbox.written == 1);
    assert_sql(&bench, ROWS, "1 1");
    outbox_close(&outbox);
}

static void what_the_record_knows_may_come_again_at_any_time(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_of_days(2, "jean", "SM1");
    struct asked asked = asked_by("jean", "+1", "SM1", "jean");

    assert_status(claimed(&bench, &asked), STORE_OK);
    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    put_then(&letter);
    until(outbox.written == 1);
    assert_sql(&bench, ROWS, "1 1");
    assert_int_equal(outbox.refused, 0);
    outbox_close(&outbox);
}

/* A server that is days slow puts what counts as made when Redis says: nothing of it is taken for
 * what somebody put back, or for older than an erasure. */
static void what_a_slow_server_puts_is_written(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_of_days(2, "jean", "SM1"), letter_of_days(2, "luc", "SM2")};

    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    until(outbox.written == 1);
    erase_at(true, clock_wall_us() - 10 * 1000000); /* a while ago, and after the slow clock */
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    until(outbox.written == 2);
    assert_int_equal(outbox.refused + outbox.dropped, 0);
    assert_sql(&bench, "SELECT group_concat(uic_code) FROM uic_records", "luc");
    outbox_close(&outbox);
}

/* With one clock wrong, ours or Redis's, at the look or since, nothing is old. */
static void one_wrong_clock_makes_nothing_old(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_of_days(2, "jean", "SM1"), letter_of_days(2, "luc", "SM2")};

    database_away();
    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    for (int i = 0; i < 2; i++)
        put_then(&letters[i]);
    /* By one of the two it was empty three days ago. */
    outbox.link->empty.wall_ms -= 3 * DAY_US / 1000;
    database_back();
    until(outbox.written == 2);
    outbox_close(&outbox);

    letters[0] = letter_of_days(2, "anne", "SM3");
    database_away();
    outbox_open(&outbox);
    until(outbox.link->empty.wall_ms != 0);
    put_then(&letters[0]);
    outbox.link->empty.ms -= 3 * DAY_US / 1000;
    database_back();
    until(outbox.written == 1);
    assert_int_equal(outbox.refused, 0);
    outbox_close(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_entry_older_than_the_erasure_is_dropped),
        CASE(an_entry_may_wait_for_days),
        CASE(what_was_put_back_after_days_is_kept_aside),
        CASE(what_is_retried_is_as_new),
        CASE(what_the_record_knows_may_come_again_at_any_time),
        CASE(what_a_slow_server_puts_is_written),
        CASE(one_wrong_clock_makes_nothing_old),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
