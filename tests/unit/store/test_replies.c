/* Replies: each is sent once, in order for each person, as fast as is allowed; on both backends. */
#include "store/base/clock.h"
#include "store/replies_bench.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static void what_is_put_is_sent(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    put(postman->link, "+1", "bonjour");
    until(postman->notes.count == 1);
    assert_string_equal(postman->notes.text, "+1 bonjour ");
    until(postman->lengths > 0 && postman->length == 0);
    postman_close(postman);
}

static void it_comes_as_it_was_put(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    char body[REPLY_BODY_MAX], address[REPLY_ADDRESS_MAX];
    struct letter letter = letter_to("", "");

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)i;
    memset(address, 'x', sizeof address);
    letter.entry.body = body;
    letter.entry.body_length = sizeof body;
    letter.entry.address = address;
    letter.entry.address_length = sizeof address;
    postman->holds = true;
    /* Notes are not for bodies like this one. */
    assert_status(letter_put(postman->link, &letter), STORE_OK);
    postman->notes.length = 0;
    until(postman->held_count == 1);
    const struct reply *reply = postman->held[0];
    assert_int_equal(reply->body_length, sizeof body);
    assert_memory_equal(reply->body, body, sizeof body);
    assert_int_equal(reply->address_length, sizeof address);
    assert_memory_equal(reply->address, address, sizeof address);
    assert_int_equal(reply->created_ms, letter.entry.created_ms);
    assert_int_equal(reply->attempts, 0);
    postman_end(postman, 0, REPLY_SENT, 0);
    postman_close(postman);
}

static void what_is_too_long_is_not_taken(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    static char body[REPLY_BODY_MAX + 1];
    struct letter letter = letter_to("+1", "");

    letter.entry.body = body;
    letter.entry.body_length = sizeof body;
    assert_status(letter_put(postman->link, &letter), STORE_DOWN);
    letter = letter_to("+1", "x");
    letter.entry.address = body;
    letter.entry.address_length = REPLY_ADDRESS_MAX + 1;
    assert_status(letter_put(postman->link, &letter), STORE_DOWN);
    postman_close(postman);
}

static void put_twice_it_is_sent_once(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    struct letter letter = letter_to("+1", "once");

    assert_status(letter_put(postman->link, &letter), STORE_OK);
    assert_status(letter_put(postman->link, &letter), STORE_OK);
    until(postman->notes.count == 1);
    assert_status(letter_put(postman->link, &letter), STORE_OK);
    put(postman->link, "+1", "end");
    until(postman->notes.count == 2);
    assert_string_equal(postman->notes.text, "+1 once +1 end ");
    postman_close(postman);
}

static void one_person_gets_one_at_a_time_and_in_order(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    postman->holds = true;
    put(postman->link, "+1", "a");
    put(postman->link, "+1", "b");
    put(postman->link, "+2", "c");
    put(postman->link, "+1", "d");
    until(postman->held_count == 2);
    postman_end(postman, 0, REPLY_SENT, 0);
    until(postman->held_count == 2);
    assert_string_equal(postman->notes.text, "+1 a +2 c +1 b ");
    postman->holds = false;
    postman_end(postman, 1, REPLY_REFUSED, 0); /* what is refused holds nobody up */
    until(postman->notes.count == 4);
    assert_string_equal(postman->notes.text, "+1 a +2 c +1 b +1 d ");
    assert_int_equal(postman->out_most, 2);
    postman_end(postman, 0, REPLY_SENT, 0);
    postman_close(postman);
}

static void who_must_wait_makes_nobody_else_wait(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    postman->later = 2;
    postman->delay_ms = 100;
    put(postman->link, "+1", "a");
    put(postman->link, "+1", "b");
    until(postman->notes.count == 1);
    postman->later = 0;
    put(postman->link, "+2", "c");
    until(postman->notes.count == 4);
    assert_string_equal(postman->notes.text, "+1 a +2 c +1 a +1 b ");
    postman_close(postman);
}

static void a_waiting_reply_knows_its_past(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    postman->holds = true;
    put(postman->link, "+1", "a");
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        until(postman->held_count == 1);
        assert_int_equal(postman->held[0]->attempts, attempt);
        assert_int_equal(postman->held[0]->memo, 10 * attempt);
        assert_null(postman->held[0]->transfer);
        postman->held[0]->memo += 10;
        postman->held[0]->transfer = postman;
        postman_end(postman, 0, REPLY_LATER, 1);
    }
    until(postman->held_count == 1);
    postman_end(postman, 0, REPLY_SENT, 0);
    postman_close(postman);
}

/* The clocks by which the queues tell an age have gone on by a step. */
static void clocks_go_on(void)
{
    const int64_t monotonic_ms = clock_monotonic_ms(), wall_ms = wall_now_ms();

    while (clock_monotonic_ms() == monotonic_ms || wall_now_ms() == wall_ms)
        sched_yield();
}

/* Both lie in the queue for a moment, which is more than no time at all. */
static void what_is_too_old_is_dropped(void **state)
{
    (void)state;
    struct letter old = letter_to("+1", "yesterday"), new = letter_to("+1", "tomorrow");
    struct replies_link *clerk;

    replies_close(store);
    settings.age_max_ms = 0;
    store_open();
    clerk = clerk_open();
    old.entry.created_ms -= DAY_MS;
    new.entry.created_ms += DAY_MS;
    assert_status(letter_put(clerk, &old), STORE_OK);
    assert_status(letter_put(clerk, &new), STORE_OK);
    replies_detach(clerk);
    clocks_go_on();

    struct postman *postman = postman_open();
    until(postman->notes.count == 1);
    assert_string_equal(postman->notes.text, "+1 tomorrow ");
    assert_int_equal(postman->old, 1);
    until(postman->lengths > 2 && postman->length == 0);
    postman_close(postman);
}

static void a_clock_that_jumped_makes_nothing_old(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    struct letter letter = letter_to("+1", "just now");

    letter.entry.created_ms -= INT64_C(2000) * DAY_MS;
    assert_status(letter_put(postman->link, &letter), STORE_OK);
    until(postman->notes.count == 1);
    assert_int_equal(postman->old, 0);
    postman_close(postman);
}

static void a_full_queue_takes_no_more(void **state)
{
    (void)state;
    struct replies_link *clerk = NULL;
    struct letter letter;

    replies_close(store);
    settings.length_max = 3;
    store_open();
    clerk = clerk_open();
    for (int i = 0; i < 3; i++)
        put(clerk, "+1", "x");
    letter = letter_to("+1", "one too many");
    assert_status(letter_put(clerk, &letter), STORE_FULL);

    struct postman *postman = postman_open();
    until(postman->notes.count == 3);
    until(postman->lengths > 0 && postman->length == 0);
    assert_status(letter_put(clerk, &letter), STORE_OK);
    until(postman->notes.count == 4);
    replies_detach(clerk);
    postman_close(postman);
}

static void a_second_has_so_many_replies_and_no_more(void **state)
{
    (void)state;
    struct postman *postman;
    char address[16];

    replies_close(store);
    settings.per_second = 100;
    store_open();
    postman = postman_open();
    int64_t began = wall_now_ms();
    for (int i = 0; i < 150; i++) {
        snprintf(address, sizeof address, "+%d", i);
        put(postman->link, address, "x");
    }
    until(postman->notes.count == 150);
    /* Ten in a tenth of a second: the last ten not before fourteen tenths. */
    assert_true(wall_now_ms() - began >= 1390);
    postman_close(postman);
}

static void of_one_person_forty_five_may_come_at_once(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    for (int i = 0; i < 46; i++)
        put(postman->link, "+1", "x");
    put(postman->link, "+2", "the end");
    until(postman->notes.count == 46);
    until(strstr(postman->notes.text, "the end") != NULL);
    unsigned lengths = postman->lengths;
    until(postman->lengths > lengths + 5);
    assert_int_equal(postman->notes.count, 46);
    assert_int_equal(postman->length, 1);
    postman_close(postman);
}

static void as_many_are_out_as_the_sender_takes(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    char address[16];

    postman->holds = true;
    for (int i = 0; i < 80; i++) {
        snprintf(address, sizeof address, "+%d", i);
        put(postman->link, address, "x");
    }
    until(postman->held_count == 64);
    unsigned lengths = postman->lengths;
    until(postman->lengths > lengths + 3);
    assert_int_equal(postman->held_count, 64);
    while (postman->notes.count < 80) {
        postman_end(postman, 0, REPLY_SENT, 0);
        until(postman->held_count == 64 || postman->notes.count == 80);
    }
    while (postman->held_count > 0)
        postman_end(postman, 0, REPLY_SENT, 0);
    assert_int_equal(postman->out_most, 64);
    postman_close(postman);
}

static void whoever_puts_a_person_is_sent_to_in_order(void **state)
{
    (void)state;
    struct postman *postmen[2] = {postman_open(), postman_open()};
    struct notes *notes = &postmen[0]->notes;
    char body[16], expected[1024] = "";

    postmen[1]->shares = notes;
    for (int i = 0; i < 40; i++) {
        snprintf(body, sizeof body, "%d", i);
        put(postmen[i % 2]->link, "+1", body);
        snprintf(expected + strlen(expected), 32, "+1 %d ", i);
    }
    until(notes->count == 40);
    assert_string_equal(notes->text, expected);
    postman_close(postmen[0]);
    postman_close(postmen[1]);
}

static void what_one_has_no_room_for_another_takes(void **state)
{
    (void)state;
    struct postman *first = postman_open(), *second = postman_open();
    char address[16];

    first->holds = true;
    for (int i = 0; i < 100; i++) {
        snprintf(address, sizeof address, "+%d", i);
        put(first->link, address, "a");
    }
    until(first->notes.count + second->notes.count == 100);
    assert_true(second->notes.count >= 36);
    while (first->held_count > 0)
        postman_end(first, 0, REPLY_SENT, 0);
    postman_close(first);
    postman_close(second);
}

static void a_detach_cancels_what_is_out(void **state)
{
    (void)state;
    struct postman *postman = postman_open();

    postman->holds = true;
    put(postman->link, "+1", "a");
    until(postman->held_count == 1);
    replies_detach(postman->link);
    assert_int_equal(postman->cancelled, 1);
    free(postman);

    /* The next one sends it. */
    postman = postman_open();
    until(postman->notes.count == 1);
    postman_close(postman);
}

static void resting_ends_what_is_out(void **state)
{
    (void)state;
    struct postman *postman = postman_open();
    struct replies_link *clerk = clerk_open();

    postman->holds = true;
    put(postman->link, "+1", "a");
    until(postman->held_count == 1);
    replies_rest(postman->link);
    put(clerk, "+1", "b");
    put(clerk, "+2", "c");
    assert_false(replies_at_rest(postman->link));
    postman->holds = false;
    while (postman->held_count > 0)
        postman_end(postman, 0, REPLY_SENT, 0);
    until(replies_at_rest(postman->link));
    /* In memory nobody else sends what waits. */
    assert_int_equal(postman->notes.count, settings.in_redis ? 1 : 3);
    assert_int_equal(postman->cancelled, 0);
    replies_detach(clerk);
    postman_close(postman);
}

/* Threads of one process, as workers are: each puts, and whoever takes it sends. */

#define CREW 3
#define EACH 200

static atomic_uint crew_sent;

static void crew_send(struct reply *reply)
{
    atomic_fetch_add(&crew_sent, 1);
    reply_done(reply, REPLY_SENT, 0);
}

static void crew_cancel(struct reply *reply)
{
    (void)reply;
}

static void crew_put(struct store_ticket *ticket)
{
    ((struct letter *)ticket)->done++;
}

static void *crew_run(void *arg)
{
    struct event_base *own = event_base_new();
    struct test_redis mine;
    struct replies_link *link = NULL;
    const struct replies_sender sender = {crew_send, crew_cancel, NULL, 16};
    char error[ERROR_MAX], address[16];

    (void)arg;
    test_redis_open(&mine, own, settings.in_redis ? url : NULL, 5000);
    link = replies_attach(store, own, &mine.links, &sender, NULL, error);
    for (unsigned i = 0; i < EACH;) {
        snprintf(address, sizeof address, "+%u", i % 40);
        struct letter letter = letter_of(address, "x", (uintptr_t)arg * EACH + i + 1);
        letter.entry.ticket.done = crew_put;
        enum store_status status = replies_put(link, &letter.entry);
        while (status == STORE_LATER && letter.done == 0)
            event_base_loop(own, EVLOOP_ONCE);
        if (status == STORE_LATER)
            status = letter.entry.ticket.status;
        i += status == STORE_OK;
        event_base_loop(own, status == STORE_OK ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
    }
    while (atomic_load(&crew_sent) < CREW * EACH)
        event_base_loop(own, EVLOOP_ONCE);
    replies_detach(link);
    test_redis_close(&mine);
    event_base_free(own);
    return NULL;
}

static void threads_share_the_work(void **state)
{
    (void)state;
    pthread_t threads[CREW];

    atomic_store(&crew_sent, 0);
    for (uintptr_t i = 0; i < CREW; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crew_run, (void *)i), 0);
    for (int i = 0; i < CREW; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crew_sent), CREW * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_is_put_is_sent),
        BOTH(it_comes_as_it_was_put),
        BOTH(what_is_too_long_is_not_taken),
        BOTH(put_twice_it_is_sent_once),
        BOTH(one_person_gets_one_at_a_time_and_in_order),
        BOTH(who_must_wait_makes_nobody_else_wait),
        BOTH(a_waiting_reply_knows_its_past),
        BOTH(what_is_too_old_is_dropped),
        BOTH(a_clock_that_jumped_makes_nothing_old),
        BOTH(a_full_queue_takes_no_more),
        BOTH(a_second_has_so_many_replies_and_no_more),
        BOTH(of_one_person_forty_five_may_come_at_once),
        BOTH(as_many_are_out_as_the_sender_takes),
        BOTH(whoever_puts_a_person_is_sent_to_in_order),
        BOTH(what_one_has_no_room_for_another_takes),
        BOTH(a_detach_cancels_what_is_out),
        BOTH(resting_ends_what_is_out),
        BOTH(threads_share_the_work),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
