/* A code is told only when replicas have its record: real ones, that stand still, go and are
 * promoted. */
#include "store/outbox_bench.h"
#include "store/redis_replica.h"

static struct redis_server replica;

static int start_both(void **state)
{
    (void)state;
    bench_open(&bench);
    redis_server_start(&server, true, NULL);
    redis_replica_start(&replica, &server);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    settings_set();
    settings.replicas = 1;
    settings.drain = false;
    return 0;
}

static int stop_both(void **state)
{
    redis_replica_stop(&replica);
    return stop(state);
}

#define CASE_OF_TWO(name) cmocka_unit_test_setup_teardown(name, start_both, stop_both)

static long long entries_of(const struct redis_server *where)
{
    redisReply *reply = redis_server_ask(where, "XLEN " STREAM);
    long long length = reply->integer;

    freeReplyObject(reply);
    return length;
}

static bool all_done(const struct letter *letters, int count)
{
    int done = 0;

    for (int i = 0; i < count; i++)
        done += letters[i].done == 1;
    return done == count;
}

static void what_a_replica_has_is_put(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[50];

    outbox_open(&outbox);
    letters[0] = letter_number(0);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    assert_int_equal(entries_of(&replica), 1);
    for (int i = 1; i < 50; i++) {
        letters[i] = letter_number(i);
        assert_status(letter_put(&outbox, &letters[i]), STORE_LATER);
    }
    until(all_done(letters + 1, 49));
    for (int i = 1; i < 50; i++)
        assert_status(letters[i].entry.ticket.status, STORE_OK);
    assert_int_equal(entries_of(&replica), 50);
    assert_int_equal(outbox.unreplicated, 0);
    outbox_close(&outbox);
}

/* As if Redis had not answered: the entry is there all the same. */
static void what_no_replica_has_in_time_is_not_put(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3];

    for (int i = 0; i < 3; i++)
        letters[i] = letter_number(i);
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    kill(replica.pid, SIGSTOP);
    assert_status(put(&outbox, &letters[1]), STORE_UNREPLICATED);
    assert_int_equal(entries(), 2);
    assert_true(outbox.unreplicated > 0);
    kill(replica.pid, SIGCONT);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    assert_int_equal(outbox.unreplicated, 0);
    assert_int_equal(entries_of(&replica), 3);
    outbox_close(&outbox);
}

static void who_may_not_wait_is_told_in_the_words_of_redis(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_number(0);

    freeReplyObject(redis_server_ask(&server, "ACL SETUSER default -wait"));
    outbox_open(&outbox);
    assert_status(put(&outbox, &letter), STORE_UNREPLICATED);
    assert_int_equal(outbox.unreplicated, 1);
    assert_non_null(strstr(outbox.why, "NOPERM"));
    outbox_close(&outbox);
}

static void what_was_put_survives_a_failover(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[30];
    long long put_well = 0;

    outbox_open(&outbox);
    for (int i = 0; i < 30; i++)
        letters[i] = letter_number(i);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    for (int i = 1; i < 30; i++) {
        assert_status(letter_put(&outbox, &letters[i]), STORE_LATER);
        if (i == 20)
            until(letters[10].done > 0);
    }
    redis_server_kill(&server);
    until(all_done(letters + 1, 29));
    for (int i = 1; i < 30; i++)
        put_well += letters[i].entry.ticket.status == STORE_OK;
    freeReplyObject(redis_server_ask(&replica, "REPLICAOF NO ONE"));
    assert_true(put_well > 0);
    assert_true(entries_of(&replica) >= put_well);
    outbox_close(&outbox);
}

/* The connection that knew what it had written is gone, and another one's WAIT would say yes. */
static void a_lost_connection_confirms_nothing(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[11]; /* some for the WAIT under way, some for the next */

    for (int i = 0; i < 11; i++)
        letters[i] = letter_number(i);
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    kill(replica.pid, SIGSTOP);
    for (int i = 1; i < 11; i++)
        assert_status(letter_put(&outbox, &letters[i]), STORE_LATER);
    until(entries() == 11);
    freeReplyObject(redis_server_ask(&server, "CLIENT KILL TYPE normal SKIPME yes"));
    until(all_done(letters + 1, 10));
    for (int i = 1; i < 11; i++)
        assert_status(letters[i].entry.ticket.status, STORE_DOWN);
    outbox_close(&outbox);
}

static void what_waits_ends_with_its_link(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2];

    letters[0] = letter_number(0);
    letters[1] = letter_number(1);
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[0]), STORE_OK);
    kill(replica.pid, SIGSTOP);
    assert_status(letter_put(&outbox, &letters[1]), STORE_LATER);
    until(entries() == 2);
    outbox_close(&outbox);
    assert_int_equal(letters[1].done, 1);
    assert_status(letters[1].entry.ticket.status, STORE_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE_OF_TWO(what_a_replica_has_is_put),
        CASE_OF_TWO(what_no_replica_has_in_time_is_not_put),
        CASE_OF_TWO(who_may_not_wait_is_told_in_the_words_of_redis),
        CASE_OF_TWO(what_was_put_survives_a_failover),
        CASE_OF_TWO(a_lost_connection_confirms_nothing),
        CASE_OF_TWO(what_waits_ends_with_its_link),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
