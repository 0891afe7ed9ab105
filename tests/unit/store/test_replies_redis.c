/* Replies in Redis when somebody dies: an instance, a lease, Redis itself. */
#include "store/replies_bench.h"

static const struct replies_drain_pace short_lease = {.tick_ms = 50, .life_ms = 600, .look_ms = 5};

static void what_was_put_outlives_who_put_it(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();

    put(clerk, "+1", "a");
    put(clerk, "+1", "b");
    replies_detach(clerk);
    assert_int_equal(waiting(), 2);
    struct postman *postman = postman_open();
    until(postman->notes.count == 2);
    assert_string_equal(postman->notes.text, "+1 a +1 b ");
    until(postman->length == 0 && postman->lengths > 2);
    assert_int_equal(waiting(), 0);
    postman_close(postman);
}

static void nothing_lies_there_in_clear(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();

    put(clerk, "+243811111111", "985-KINS-15-JEA-KABI-A3F9D");
    redisReply *keys = ask("KEYS *");
    assert_int_equal(keys->elements,
                     3); /* a stream, the mark of the put, and which is the newest */
    for (size_t i = 0; i < keys->elements; i++) {
        if (strstr(keys->element[i]->str, ":newest:") != NULL) {
            /* Holds the time of the put, which may have any digits. */
            assert_null(strstr(keys->element[i]->str, "2438"));
            continue;
        }
        redisReply *dump = ask("DUMP %s", keys->element[i]->str);
        assert_null(memmem(dump->str, dump->len, "2438", 4));
        assert_null(memmem(dump->str, dump->len, "985", 3));
        assert_null(memmem(dump->str, dump->len, "KINS", 4));
        assert_null(strstr(keys->element[i]->str, "2438"));
        freeReplyObject(dump);
    }
    freeReplyObject(keys);
    replies_detach(clerk);
}

static void the_mark_of_a_put_goes_with_time(void **state)
{
    (void)state;
    replies_close(store);
    settings.put_ttl_ms = 30;
    store_open();
    struct postman *postman = postman_open();
    struct letter letter = letter_to("+1", "x");

    assert_status(letter_put(postman->link, &letter), STORE_OK);
    until(postman->notes.count == 1);
    until(letter_put(postman->link, &letter) == STORE_OK && postman->notes.count == 2);
    postman_close(postman);
}

/* Somebody who dies while he holds every partition, with a reply out. */
static void die_holding(const char *address)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        base = event_base_new();
        test_redis_open(&redis, base, url, 5000);
        struct postman *postman = postman_open();
        replies_set_pace(postman->link, &short_lease);
        postman->holds = true;
        until(postman->held_count == 1 && strcmp(postman->held[0]->address, address) == 0);
        if (write(pipes[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    char byte;
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    close(pipes[0]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void the_partitions_of_the_dead_are_taken_over(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();

    put(clerk, "+1", "a");
    put(clerk, "+1", "b");
    die_holding("+1");
    struct postman *postman = postman_open();
    until(postman->partitions == REPLIES_PARTITIONS);
    until(postman->notes.count == 2);
    assert_string_equal(postman->notes.text, "+1 a +1 b ");
    replies_detach(clerk);
    postman_close(postman);
}

static void while_the_lease_lives_nobody_else_sends(void **state)
{
    (void)state;
    struct postman *first = postman_open(), *second;

    first->holds = true;
    put(first->link, "+1", "a");
    until(first->held_count == 1);
    second = postman_open();
    put(second->link, "+1", "b");
    unsigned lengths = second->lengths;
    until(second->lengths > lengths + 20);
    assert_int_equal(second->notes.count, 0);
    assert_int_equal(first->notes.count, 1);
    first->holds = false;
    postman_end(first, 0, REPLY_SENT, 0);
    until(first->notes.count + second->notes.count == 2);
    postman_close(first);
    postman_close(second);
}

static void who_cannot_renew_stops_and_breaks_off(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    replies_set_pace(postman->link, &short_lease);
    postman->holds = true;
    put(postman->link, "+1", "a");
    until(postman->held_count == 1);
    kill(server.pid, SIGSTOP); /* silent, the worst kind of away */
    until(postman->cancelled == 1);
    assert_int_equal(postman->held_count, 0);
    kill(server.pid, SIGCONT);
    until(postman->held_count == 1); /* the lease is there again, and so is the reply */
    postman_end(postman, 0, REPLY_SENT, 0);
    until(postman->length == 0);
    postman_close(postman);
}

static void a_lease_that_another_has_is_given_up(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    until(postman->partitions == REPLIES_PARTITIONS);
    for (int n = 0; n < REPLIES_PARTITIONS; n++)
        tell("SET uic:replies:owner:%d somebody", n);
    until(postman->partitions == 0);
    put(postman->link, "+1", "a");
    unsigned lengths = postman->lengths;
    until(postman->lengths > lengths + 5);
    assert_int_equal(postman->notes.count, 0);
    for (int n = 0; n < REPLIES_PARTITIONS; n++)
        tell("DEL uic:replies:owner:%d", n);
    until(postman->notes.count == 1);
    postman_close(postman);
}

static void what_was_sent_while_redis_was_away_is_not_sent_again(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    tell("CONFIG SET appendonly yes");
    tell("CONFIG SET appendfsync always");
    postman->holds = true;
    put(postman->link, "+1", "a");
    put(postman->link, "+1", "b");
    until(postman->held_count == 1);
    unsigned lengths = postman->lengths;
    until(postman->lengths > lengths + 3); /* both are in memory */
    kill(server.pid, SIGSTOP);
    postman_end(postman, 0, REPLY_SENT, 0); /* its removal waits for Redis */
    until(postman->held_count == 1);
    assert_string_equal(postman->notes.text, "+1 a +1 b ");
    kill(server.pid, SIGCONT);
    postman->holds = false;
    postman_end(postman, 0, REPLY_SENT, 0);
    until(postman->lengths > 0 && postman->length == 0 && waiting() == 0);
    assert_int_equal(postman->notes.count, 2);
    postman_close(postman);
}

static void a_removal_that_was_lost_is_made_again(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    postman->holds = true;
    put(postman->link, "+1", "a");
    until(postman->held_count == 1);
    tell("CLIENT KILL TYPE normal SKIPME yes");
    postman_end(postman, 0, REPLY_SENT, 0);
    until(waiting() == 0);
    put(postman->link, "+1", "b");
    until(postman->notes.count == 2);
    assert_string_equal(postman->notes.text, "+1 a +1 b ");
    postman_end(postman, 0, REPLY_SENT, 0);
    postman_close(postman);
}

static void a_redis_that_lost_everything_is_served_again(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    redis_server_kill(&server);
    until(!replies_link_up(postman->link));
    redis_server_run(&server); /* empty */
    put(postman->link, "+1", "b");
    until(postman->notes.count == 2);
    tell("FLUSHALL");
    put(postman->link, "+1", "c");
    until(postman->notes.count == 3);
    postman_close(postman);
}

static void a_stream_with_smaller_numbers_is_read_from_its_beginning(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    struct replies_link *clerk;

    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    until(waiting() == 0);
    /* Another stream in its place, as if the clock had gone back. */
    clerk = clerk_open();
    for (int n = 0; n < REPLIES_PARTITIONS; n++) {
        redisReply *length = ask("EXISTS uic:replies:%d", n);
        if (length->integer == 1) {
            tell("DEL uic:replies:%d", n);
            tell("XADD uic:replies:%d 5-0 who %016x sealed nothing", n, n);
        }
        freeReplyObject(length);
    }
    until(postman->damaged == 1);
    replies_detach(clerk);
    postman_close(postman);
}

static void what_does_not_open_is_dropped_and_told(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    until(postman->partitions == REPLIES_PARTITIONS);
    tell("XADD uic:replies:3 * who 0000000000000003 sealed rubbish");
    tell("XADD uic:replies:3 * who 3");
    tell("XADD uic:replies:3 * who 3 what 4 sealed 5");
    until(postman->damaged == 3);
    until(waiting() == 0);
    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    postman_close(postman);
}

static void streams_that_cannot_be_read_are_told_once(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    until(postman->partitions == REPLIES_PARTITIONS);
    tell("SET uic:replies:0 x");
    until(postman->troubles > 0);
    assert_non_null(strstr(postman->why, "WRONGTYPE"));
    for (int64_t end = wall_now_ms() + 10 * quick.tick_ms; wall_now_ms() < end;)
        event_base_loop(base, EVLOOP_ONCE);
    tell("DEL uic:replies:0");
    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    assert_int_equal(postman->troubles, 1);
    postman_close(postman);
}

static void without_redis_nothing_is_promised(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();
    struct letter letter = letter_to("+1", "x");

    assert_status(replies_put(clerk, &letter.entry), STORE_DOWN); /* not connected yet */
    put(clerk, "+1", "a");
    kill(server.pid, SIGSTOP);
    assert_status(replies_put(clerk, &letter.entry), STORE_LATER);
    replies_detach(clerk); /* ends it */
    assert_int_equal(letter.done, 1);
    assert_status(letter.entry.ticket.status, STORE_DOWN);
    kill(server.pid, SIGCONT);
}

static void more_than_the_window_is_sent_in_order(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();
    struct postman *postman;
    char address[16], body[16];

    for (int i = 0; i < 700; i++) { /* one person in a partition full of others */
        snprintf(address, sizeof address, "+%d", i % 20);
        snprintf(body, sizeof body, "%d", i);
        put(clerk, address, body);
    }
    postman = postman_open();
    until(postman->notes.count == 700);
    char *last[20] = {NULL};
    char *cursor = postman->notes.text, *word, *text;
    while ((word = strsep(&cursor, " ")) != NULL && (text = strsep(&cursor, " ")) != NULL) {
        int person = atoi(word + 1);
        assert_int_equal(atoi(text) % 20, person);
        assert_int_equal(atoi(text), last[person] != NULL ? atoi(last[person]) + 20 : person);
        last[person] = text;
    }
    replies_detach(clerk);
    postman_close(postman);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS(what_was_put_outlives_who_put_it),
        REDIS(nothing_lies_there_in_clear),
        REDIS(the_mark_of_a_put_goes_with_time),
        REDIS(the_partitions_of_the_dead_are_taken_over),
        REDIS(while_the_lease_lives_nobody_else_sends),
        REDIS(who_cannot_renew_stops_and_breaks_off),
        REDIS(a_lease_that_another_has_is_given_up),
        REDIS(what_was_sent_while_redis_was_away_is_not_sent_again),
        REDIS(a_removal_that_was_lost_is_made_again),
        REDIS(a_redis_that_lost_everything_is_served_again),
        REDIS(a_stream_with_smaller_numbers_is_read_from_its_beginning),
        REDIS(what_does_not_open_is_dropped_and_told),
        REDIS(streams_that_cannot_be_read_are_told_once),
        REDIS(without_redis_nothing_is_promised),
        REDIS(more_than_the_window_is_sent_in_order),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
