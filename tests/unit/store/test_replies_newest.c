/* Which reply a person has last: known from when it was sent until the next one is put; on both
 * backends. */
#include "store/base/clock.h"
#include "store/replies_bench.h"

struct question {
    struct replies_newest newest; /* first: its ticket is where done finds us */
    bool answered;
};

static void on_newest(struct store_ticket *ticket)
{
    ((struct question *)ticket)->answered = true;
}

/* 0: not known. */
static uint64_t newest_of(struct replies_link *link, const char *address)
{
    struct question question = {.newest = {.ticket.done = on_newest,
                                           .address = address,
                                           .address_length = strlen(address)}};
    enum store_status status;

    until(replies_link_up(link));
    status = replies_newest(link, &question.newest);
    if (status == STORE_LATER) {
        until(question.answered);
        status = question.newest.ticket.status;
    }
    assert_status(status, question.newest.id != 0 ? STORE_OK : STORE_ABSENT);
    return question.newest.id;
}

/* A postman from whose hands nothing goes by itself. */
static struct postman *holding_postman_open(void)
{
    struct postman *postman = postman_open();

    postman->holds = true;
    return postman;
}

static void send_first(struct postman *postman, uint64_t sent_id)
{
    until(postman->held_count > 0);
    postman->held[0]->sent_id = sent_id;
    postman_end(postman, 0, REPLY_SENT, 0);
}

static void what_was_sent_last_is_the_newest(void **state)
{
    (void)state;
    struct postman *postman = holding_postman_open();
    struct replies_link *clerk = clerk_open();

    assert_int_equal(newest_of(clerk, "+1"), 0);
    put(postman->link, "+1", "a");
    send_first(postman, 17);
    until(newest_of(clerk, "+1") == 17);
    assert_int_equal(newest_of(clerk, "+2"), 0);
    put(postman->link, "+2", "b");
    send_first(postman, UINT64_MAX);
    until(newest_of(clerk, "+2") == UINT64_MAX);
    assert_int_equal(newest_of(postman->link, "+1"), 17);
    replies_detach(clerk);
    postman_close(postman);
}

static void while_one_is_on_its_way_none_is_known(void **state)
{
    (void)state;
    struct postman *postman = holding_postman_open();
    struct letter first = letter_to("+1", "a");

    assert_status(letter_put(postman->link, &first), STORE_OK);
    send_first(postman, 17);
    until(newest_of(postman->link, "+1") == 17);
    /* What was put before is not put. */
    assert_status(letter_put(postman->link, &first), STORE_OK);
    assert_int_equal(newest_of(postman->link, "+1"), 17);
    put(postman->link, "+1", "b");
    assert_int_equal(newest_of(postman->link, "+1"), 0);
    send_first(postman, 18);
    until(newest_of(postman->link, "+1") == 18);
    postman_close(postman);
}

static void an_earlier_one_that_goes_out_late_is_not_the_newest(void **state)
{
    (void)state;
    struct postman *postman = holding_postman_open();

    put(postman->link, "+1", "a");
    put(postman->link, "+1", "b");
    send_first(postman, 17);
    until(postman->held_count == 1);
    assert_int_equal(newest_of(postman->link, "+1"), 0);
    send_first(postman, 18);
    until(newest_of(postman->link, "+1") == 18);
    postman_close(postman);
}

static void what_nobody_names_is_not_known(void **state)
{
    (void)state;
    struct postman *postman = holding_postman_open();

    put(postman->link, "+1", "a");
    send_first(postman, 17);
    until(newest_of(postman->link, "+1") == 17);
    put(postman->link, "+1", "b");
    send_first(postman, 0);
    put(postman->link, "+1", "c");
    until(postman->held_count == 1);
    postman->held[0]->sent_id = 18;
    postman_end(postman, 0, REPLY_REFUSED, 0);
    until(postman->length == 0 && postman->lengths > 0);
    assert_int_equal(newest_of(postman->link, "+1"), 0);
    postman_close(postman);
}

static void it_is_known_for_a_time(void **state)
{
    (void)state;
    struct postman *postman;
    const int64_t until_ms = clock_monotonic_ms() + PATIENCE_SECONDS * 1000;

    replies_close(store);
    settings.put_ttl_ms = 1;
    store_open();
    postman = holding_postman_open();
    put(postman->link, "+1", "a");
    send_first(postman, 17);
    while (newest_of(postman->link, "+1") != 0)
        assert_true(clock_monotonic_ms() < until_ms);
    postman_close(postman);
}

/* Whoever asks when the store goes is answered. */
static void who_still_asks_at_the_end_is_told_that_it_is_down(void **state)
{
    (void)state;
    struct question question = {
        .newest = {.ticket.done = on_newest, .address = "+1", .address_length = 2}};
    struct replies_link *clerk = clerk_open();

    assert_status(replies_newest(clerk, &question.newest), STORE_DOWN);
    until(replies_link_up(clerk));
    assert_status(replies_newest(clerk, &question.newest), STORE_LATER);
    replies_detach(clerk);
    assert_true(question.answered);
    assert_status(question.newest.ticket.status, STORE_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_was_sent_last_is_the_newest),
        BOTH(while_one_is_on_its_way_none_is_known),
        BOTH(an_earlier_one_that_goes_out_late_is_not_the_newest),
        BOTH(what_nobody_names_is_not_known),
        BOTH(it_is_known_for_a_time),
        REDIS(who_still_asks_at_the_end_is_told_that_it_is_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
