/* Replies in Redis when somebody dies: an instance, a lease, Redis itself. */
#include "store/replies_bench.h"

static void lease_shortly(void)
{
    replies_close(store);
    settings.lease_ms = 600;
    store_open();
}

/* In how many ms the only person is due, by Redis's clock. */
static long long due_in(void)
{
    redisReply *due = ask("ZRANGE uic:replies:due 0 0 WITHSCORES");
    redisReply *time = ask("TIME");
    assert_int_equal(due->elements, 2);
    const long long at = (long long)(strtod(due->element[1]->str, NULL) / 1000),
                    now = atoll(time->element[0]->str) * 1000 + atoll(time->element[1]->str) / 1000;
    freeReplyObject(due);
    freeReplyObject(time);
    return at - now;
}

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
    assert_int_equal(keys->elements, 5); /* a list, who is due, ages, the put key, the newest */
    for (size_t i = 0; i < keys->elements; i++) {
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

/* Somebody who dies with a reply out. */
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

static void what_the_dead_had_is_sent_when_its_lease_ended(void **state)
{
    (void)state;
    struct replies_link *clerk;

    lease_shortly();
    clerk = clerk_open();
    put(clerk, "+1", "a");
    put(clerk, "+1", "b");
    die_holding("+1");
    struct postman *postman = postman_open();
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

/* The first one's lease is over, and the second sends the same reply; the first has no room for
 * more.
 */
static void taken_by_both(struct postman **first, struct postman **second)
{
    room = 1;
    *first = postman_open();
    (*first)->holds = true;
    put((*first)->link, "+1", "a");
    put((*first)->link, "+1", "b");
    until((*first)->held_count == 1);
    redisReply *due = ask("ZRANGE uic:replies:due 0 0");
    tell("ZADD uic:replies:due 0 %s", due->element[0]->str);
    freeReplyObject(due);
    room = 64;
    *second = postman_open();
    (*second)->holds = true;
    until((*second)->held_count == 1);
}

static void send_b(struct postman *first, struct postman *second)
{
    until(first->held_count + second->held_count == 1);
    postman_end(second->held_count == 1 ? second : first, 0, REPLY_SENT, 0);
    until(waiting() == 0);
    assert_int_equal(first->notes.count + second->notes.count, 3);
    postman_close(first);
    postman_close(second);
}

static void who_lost_the_lease_takes_out_the_very_reply(void **state)
{
    (void)state;
    struct postman *first, *second;

    taken_by_both(&first, &second);
    postman_end(first, 0, REPLY_SENT, 0);
    until(waiting() == 1);
    unsigned lengths = second->lengths;
    until(second->lengths > lengths + 3);
    assert_int_equal(first->held_count + second->held_count, 1); /* b waits for the second's end */
    assert_string_equal(second->notes.text, "+1 a ");
    postman_end(second, 0, REPLY_SENT, 0);
    until(first->held_count + second->held_count == 1);
    assert_int_equal(waiting(), 1); /* which took out no b */
    send_b(first, second);
}

static void who_lost_the_lease_puts_nobody_off(void **state)
{
    (void)state;
    struct postman *first, *second;

    taken_by_both(&first, &second);
    postman_end(first, 0, REPLY_LATER, 60 * 60 * 1000);
    unsigned lengths = first->lengths;
    until(first->lengths > lengths + 3);
    assert_true(due_in() < settings.lease_ms);
    postman_end(second, 0, REPLY_SENT, 0);
    send_b(first, second);
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
    until(postman->lengths > lengths + 3);
    kill(server.pid, SIGSTOP);
    postman_end(postman, 0, REPLY_SENT, 0); /* that waits for Redis */
    until(!replies_link_up(postman->link));
    kill(server.pid, SIGCONT);
    until(postman->held_count == 1);
    assert_string_equal(postman->notes.text, "+1 a +1 b ");
    postman->holds = false;
    postman_end(postman, 0, REPLY_SENT, 0);
    until(postman->lengths > 0 && postman->length == 0 && waiting() == 0);
    assert_int_equal(postman->notes.count, 2);
    postman_close(postman);
}

static void an_end_that_was_lost_is_told_again(void **state)
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

static void what_does_not_open_is_dropped_and_told(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    for (int i = 0; i < 3; i++) {
        tell("RPUSH uic:replies:of:000000000000000%d %s", i,
             i == 0 ? "x" : "rubbish of some bytes");
        tell("ZADD uic:replies:due 0 000000000000000%d", i);
    }
    until(postman->damaged == 3);
    tell("ZADD uic:replies:due 0 nobody");
    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    until(postman->length == 0 && waiting() == 0);
    redisReply *keys = ask("KEYS uic:replies:of:*");
    assert_int_equal(keys->elements, 0);
    freeReplyObject(keys);
    postman_close(postman);
}

static void a_queue_that_cannot_be_read_is_told_once(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    tell("SET uic:replies:due x");
    until(postman->troubles > 0);
    assert_non_null(strstr(postman->why, "WRONGTYPE"));
    for (int64_t end = wall_now_ms() + 10 * settings.look_ms; wall_now_ms() < end;)
        event_base_loop(base, EVLOOP_ONCE);
    tell("DEL uic:replies:due");
    put(postman->link, "+1", "a");
    until(postman->notes.count == 1);
    assert_int_equal(postman->troubles, 1);
    postman_close(postman);
}

/* As if Redis's clock had been so far ahead when they were put off. */
static void set_back(long long us)
{
    struct replies_link *clerk;

    replies_close(store);
    settings.per_second = 1;
    store_open();
    clerk = clerk_open();
    put(clerk, "+1", "a");
    redisReply *time = ask("TIME"), *due = ask("ZRANGE uic:replies:due 0 0");
    const long long then = atoll(time->element[0]->str) * 1000000 + us;
    tell("ZADD uic:replies:due %lld %s", then, due->element[0]->str);
    tell("SET uic:replies:paid:%s %lld", due->element[0]->str, then / 1000);
    tell("LPUSH uic:replies:sent %lld", then);
    tell("HSET uic:replies:clock at %lld behind 0", then);
    freeReplyObject(time);
    freeReplyObject(due);
    struct postman *postman = postman_open();
    until(postman->notes.count == 1);
    until(waiting() == 0);
    replies_detach(clerk);
    postman_close(postman);
}

static void a_clock_that_was_set_back_makes_nobody_wait(void **state)
{
    (void)state;
    set_back(40LL * 365 * 24 * 3600 * 1000000);
}

static void nor_does_one_that_was_set_back_by_minutes(void **state)
{
    (void)state;
    set_back(50LL * 60 * 1000000);
}

/* Somebody took a list away, and the sorted sets do not know. No list ends by itself. */
static void what_was_taken_away_is_forgotten(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();

    put(clerk, "+1", "a");
    redisReply *keys = ask("KEYS uic:replies:of:*"), *life = ask("PTTL %s", keys->element[0]->str);
    assert_int_equal(life->integer, -1);
    tell("DEL %s", keys->element[0]->str);
    freeReplyObject(life);
    freeReplyObject(keys);
    struct postman *postman = postman_open();
    until(postman->lengths > 2);
    assert_int_equal(postman->length, 0);
    redisReply *due = ask("EXISTS uic:replies:due");
    assert_int_equal(due->integer, 0);
    freeReplyObject(due);
    replies_detach(clerk);
    postman_close(postman);
}

static void what_is_given_back_at_rest_waits_for_no_lease(void **state)
{
    (void)state;
    struct postman *first = postman_open(), *second;

    first->holds = true;
    put(first->link, "+1", "a");
    put(first->link, "+1", "b");
    until(first->held_count == 1);
    replies_rest(first->link);
    assert_false(replies_at_rest(first->link));
    postman_end(first, 0, REPLY_SENT, 0);
    until(replies_at_rest(first->link));
    assert_true(due_in() <= 0);
    postman_close(first);
    second = postman_open();
    until(second->notes.count == 1);
    assert_string_equal(second->notes.text, "+1 b ");
    postman_close(second);
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

static void many_more_than_are_taken_at_once_come_in_order(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();
    struct postman *postman;
    char address[16], body[16];

    for (int i = 0; i < 700; i++) { /* twenty people in turn */
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
        REDIS(what_the_dead_had_is_sent_when_its_lease_ended),
        REDIS(while_the_lease_lives_nobody_else_sends),
        REDIS(who_lost_the_lease_takes_out_the_very_reply),
        REDIS(who_lost_the_lease_puts_nobody_off),
        REDIS(what_was_sent_while_redis_was_away_is_not_sent_again),
        REDIS(an_end_that_was_lost_is_told_again),
        REDIS(a_redis_that_lost_everything_is_served_again),
        REDIS(what_does_not_open_is_dropped_and_told),
        REDIS(a_queue_that_cannot_be_read_is_told_once),
        REDIS(a_clock_that_was_set_back_makes_nobody_wait),
        REDIS(nor_does_one_that_was_set_back_by_minutes),
        REDIS(what_was_taken_away_is_forgotten),
        REDIS(what_is_given_back_at_rest_waits_for_no_lease),
        REDIS(without_redis_nothing_is_promised),
        REDIS(many_more_than_are_taken_at_once_come_in_order),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
