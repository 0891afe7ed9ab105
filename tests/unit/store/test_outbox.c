/* Putting records into the outbox: what stands in Redis then, and when it takes nothing. */
#include "store/outbox_bench.h"

static void a_put_record_reaches_the_database(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_of("jean", "+243812345678", "SM1", "985-KINS-15-JEA-KABI-ABCDE");

    outbox_open(&outbox);
    assert_status(put(&outbox, &jean), STORE_OK);
    until(outbox.written == 1);
    assert_sql(&bench,
               "SELECT uic_code || ' ' || phone_number || ' ' || request_count || ' ' || "
               "last_event_id FROM uic_records",
               "985-KINS-15-JEA-KABI-ABCDE +243812345678 1 SM1");
    assert_sql(&bench, "SELECT created_at || last_requested_at FROM uic_records",
               "2125-12-31 23:59:00.0000002125-12-31 23:59:00.000000");
    assert_sql(&bench, "SELECT substr(input_hash, 1, 10) FROM uic_records", "6a65616e00");
    assert_int_equal(entries(), 0);
    assert_int_equal(outbox.refused, 0);
    outbox_close(&outbox);
}

static void the_longest_record_goes_through(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = {.claim.now_us = 1};

    memset(letter.claim.input_hash, 0xff, sizeof letter.claim.input_hash);
    memset(letter.claim.event_id, 'e', RECORD_EVENT_ID_MAX - 1);
    memset(letter.claim.phone_number, 'p', RECORD_PHONE_MAX - 1);
    memset(letter.claim.code, 'c', RECORD_CODE_MAX - 1);
    outbox_open(&outbox);
    assert_status(put(&outbox, &letter), STORE_OK);
    until(outbox.written == 1);
    assert_sql(&bench,
               "SELECT length(last_event_id) || ' ' || length(phone_number) || ' ' || "
               "length(uic_code) FROM uic_records",
               "39 239 127");
    outbox_close(&outbox);
}

static void nothing_can_be_read_in_redis(void **state)
{
    (void)state;
    static const char *const secrets[] = {"jean", "812345678", "SM1",
                                          "KINS", "985",       "\x05\xff\x17"};
    struct letter jean = letter_of("jean", "+243812345678", "SM1", "985-KINS-15-JEA-KABI-ABCDE");

    memcpy(jean.claim.input_hash + 8, "\x05\xff\x17", 3);
    put_aside(&jean, 1);
    redisReply *dump = ask("DUMP " STREAM);
    assert_true(dump->len > 100);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        assert_null(memmem(dump->str, dump->len, secrets[i], strlen(secrets[i])));
    freeReplyObject(dump);
    redisReply *keys = ask("KEYS *");
    assert_int_equal(keys->elements, 2); /* the other holds a number */
    freeReplyObject(keys);
    assert_int_equal(ask_number("EXISTS " STREAM " " OWN), 2);
    keys = ask("HGETALL " OWN);
    assert_int_equal(keys->elements, 2);
    assert_string_equal(keys->element[0]->str, group);
    assert_string_equal(keys->element[1]->str, "1");
    freeReplyObject(keys);
}

static void the_same_record_never_looks_the_same(void **state)
{
    (void)state;
    struct letter jean = letter_of("jean", "+1", "SM1", "code");

    put_aside(&jean, 1);
    put_aside(&jean, 1);
    redisReply *all = ask("XRANGE " STREAM " - +");
    assert_int_equal(all->elements, 2);
    const redisReply *first = all->element[0]->element[1]->element[1];
    const redisReply *second = all->element[1]->element[1]->element[1];
    assert_int_equal(first->len, second->len);
    assert_null(memmem(first->str + 13, first->len - 13, second->str + 13, 8));
    freeReplyObject(all);
}

static void a_full_stream_takes_nothing(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[4];

    for (int i = 0; i < 4; i++)
        letters[i] = letter_number(i);
    settings.length_max = 3;
    settings.drain = false;
    outbox_open(&outbox);
    for (int i = 0; i < 3; i++)
        assert_status(put(&outbox, &letters[i]), STORE_OK);
    assert_status(put(&outbox, &letters[3]), STORE_FULL);
    assert_int_equal(entries(), 3);
    outbox_close(&outbox);

    settings.drain = true;
    outbox_open(&outbox);
    until(outbox.written == 3);
    assert_status(put(&outbox, &letters[3]), STORE_OK);
    until(outbox.written == 4);
    outbox_close(&outbox);
}

static void too_many_at_once_are_refused(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3];

    for (int i = 0; i < 3; i++)
        letters[i] = letter_number(i);
    settings.in_flight_max = 2;
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    assert_status(letter_put(&outbox, &letters[0]), STORE_LATER);
    assert_status(letter_put(&outbox, &letters[1]), STORE_LATER);
    assert_status(letter_put(&outbox, &letters[2]), STORE_FULL);
    until(letters[0].done && letters[1].done);
    assert_int_equal(letters[2].done, 0);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    outbox_close(&outbox);
}

static void a_silent_redis_is_down_after_the_deadline(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3];

    for (int i = 0; i < 3; i++)
        letters[i] = letter_number(i);
    deadline_ms = 300;
    settings.drain = false;
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    kill(server.pid, SIGSTOP);
    for (int i = 0; i < 3; i++)
        assert_status(letter_put(&outbox, &letters[i]), STORE_LATER);
    until(letters[0].done && letters[1].done && letters[2].done);
    for (int i = 0; i < 3; i++)
        assert_status(letters[i].entry.ticket.status, STORE_DOWN);
    assert_status(letter_put(&outbox, &letters[0]), STORE_DOWN); /* at once */
    kill(server.pid, SIGCONT);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    outbox_close(&outbox);
}

static void a_redis_that_is_away_is_down_at_once(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_number(1);

    outbox_open(&outbox);
    assert_status(letter_put(&outbox, &jean), STORE_DOWN); /* not connected yet */
    assert_status(put(&outbox, &jean), STORE_OK);
    redis_server_kill(&server);
    until(letter_put(&outbox, &jean) == STORE_DOWN);
    redis_server_run(&server);
    until(letter_put(&outbox, &jean) == STORE_LATER);
    until(jean.done);
    assert_status(jean.entry.ticket.status, STORE_OK);
    outbox_close(&outbox);
}

static void a_redis_without_memory_is_down(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_number(1);

    outbox_open(&outbox);
    assert_status(put(&outbox, &jean), STORE_OK);
    tell("CONFIG SET maxmemory 1");
    assert_status(put(&outbox, &jean), STORE_DOWN);
    tell("CONFIG SET maxmemory 0");
    assert_status(put(&outbox, &jean), STORE_OK);
    outbox_close(&outbox);
}

static void what_waits_is_told(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};

    settings.drain = false;
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    until(outbox.length == 1);
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    until(outbox.length == 2 && outbox.age_ms > 0);
    assert_in_range(outbox.age_ms, 1, PATIENCE_SECONDS * 1000);
    tell("DEL " STREAM);
    until(outbox.length == 0);
    unsigned lengths = outbox.lengths;
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    until(outbox.lengths > lengths);
    assert_int_equal(outbox.length, 1);
    outbox_close(&outbox);
}

static void an_alarm_does_not_wait_for_the_next_look(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[4];
    const struct outbox_pace sleepy = {.look_ms = 3600000};

    settings.drain = false;
    settings.length_alarm = 2;
    outbox_open(&outbox);
    for (int i = 0; i < 4; i++)
        letters[i] = letter_number(i);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    until(outbox.length == 1);
    outbox_set_pace(outbox.link, &sleepy);
    unsigned lengths = outbox.lengths;
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    until(outbox.lengths > lengths);
    assert_int_equal(outbox.length, 3);
    outbox_close(&outbox);
}

static void a_detach_ends_what_is_being_put(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[5];

    for (int i = 0; i < 5; i++)
        letters[i] = letter_number(i);
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    for (int i = 0; i < 5; i++)
        assert_status(letter_put(&outbox, &letters[i]), STORE_LATER);
    outbox_close(&outbox);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(letters[i].done, 1);
        assert_status(letters[i].entry.ticket.status, STORE_DOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_put_record_reaches_the_database),
        CASE(the_longest_record_goes_through),
        CASE(nothing_can_be_read_in_redis),
        CASE(the_same_record_never_looks_the_same),
        CASE(a_full_stream_takes_nothing),
        CASE(too_many_at_once_are_refused),
        CASE(a_silent_redis_is_down_after_the_deadline),
        CASE(a_redis_that_is_away_is_down_at_once),
        CASE(a_redis_without_memory_is_down),
        CASE(what_waits_is_told),
        CASE(an_alarm_does_not_wait_for_the_next_look),
        CASE(a_detach_ends_what_is_being_put),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
