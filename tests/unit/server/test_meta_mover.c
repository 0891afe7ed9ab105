/*
 * The queue of people whose number or user id Meta says has changed: what is carried out, when its
 * delivery is answered, and what waits, comes again or is turned away. The test plays the records:
 * it says how each step ends.
 */
#include "server/channels/meta/mover.h"

#include "server/security/keyed_hashes.h"
#include "server/security/keys.h"
#include "server/security/phone_numbers.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    struct mover *mover;
    struct record_move *step; /* under way */
    bool away;
    size_t refused;               /* steps that did not begin */
    size_t more;                  /* steps that have another behind them */
    bool was_done;                /* as the database knows it */
    char said[256];               /* whose step ended well ("1 "), since it was read */
    size_t lines;                 /* that tell that Meta is to tell again */
    size_t held, handled, failed; /* deliveries */
} bench;

enum store_status __wrap_record_move(struct record_link *link, struct record_move *move);
enum store_status __wrap_record_move(struct record_link *link, struct record_move *move)
{
    (void)link;
    assert_null(bench.step);
    if (bench.away) {
        bench.refused++;
        return STORE_DOWN;
    }
    bench.step = move;
    return STORE_LATER;
}

void __wrap_delivery_hold(struct delivery *delivery);
void __wrap_delivery_hold(struct delivery *delivery)
{
    (void)delivery;
    bench.held++;
}

void __wrap_delivery_release(struct delivery *delivery, bool handled);
void __wrap_delivery_release(struct delivery *delivery, bool handled)
{
    (void)delivery;
    bench.held--;
    bench.handled += handled;
    bench.failed += !handled;
}

void __wrap_log_event(enum log_level level, const char *event, const struct log_field *fields);
void __wrap_log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    (void)level;
    (void)fields;
    bench.lines += strcmp(event, "moves_undone") == 0;
}

static unsigned tests_begun;

static int open_bench(void **state)
{
    const struct keys keys = {0};

    (void)state;
    memset(&bench, 0, sizeof bench);
    tests_begun++;
    bench.hashes = keyed_hashes_create(&keys);
    bench.numbers = phone_numbers_create(&keys, false);
    bench.mover = calloc(1, sizeof *bench.mover);
    mover_init(bench.mover, NULL, bench.hashes, bench.numbers);
    return 0;
}

/* Ends the step under way. */
static void end_step(enum store_status status)
{
    struct record_move *step = bench.step;
    const size_t length = strlen(bench.said);

    assert_non_null(step);
    bench.step = NULL;
    if (status == STORE_OK && length < sizeof bench.said - 8)
        snprintf(bench.said + length, 8, "%s ", step->hidden.from + strlen("CD."));
    step->was_done = bench.was_done;
    step->more = bench.more > 0;
    bench.more -= bench.more > 0;
    step->ticket.status = status;
    step->ticket.done(&step->ticket);
}

static const char *said(void)
{
    static char text[sizeof bench.said];

    strcpy(text, bench.said);
    bench.said[0] = '\0';
    return text;
}

static void end_all(enum store_status status)
{
    while (bench.step != NULL)
        end_step(status);
}

static int close_bench(void **state)
{
    (void)state;
    bench.away = true;
    if (bench.step != NULL)
        end_step(STORE_DOWN);
    assert_int_equal(bench.held, 0);
    free(bench.mover);
    phone_numbers_free(bench.numbers);
    keyed_hashes_free(bench.hashes);
    return 0;
}

/* Meta tells that the people from first on have other user ids, in messages that no other test
 * tells. Returns whether there was room. */
static bool tell(unsigned first, unsigned count)
{
    static char ids[MOVER_WAITING_MAX][16];
    struct meta_move *moves = calloc(count, sizeof *moves);
    struct delivery delivery = {0};

    for (unsigned i = 0; i < count; i++) {
        struct meta_move *move = &moves[i];
        move->id = ids[i];
        move->id_length = (size_t)sprintf(ids[i], "%u %u", tests_begun, first + i);
        move->sent_s = 1;
        sprintf(move->user_ids[0], "CD.%u", first + i);
        sprintf(move->user_ids[1], "CE.%u", first + i);
    }
    mover_begin(bench.mover, &delivery, moves, count);
    return !delivery.failed;
}

static void one_after_the_other_and_then_the_answer(void **state)
{
    (void)state;
    const uint64_t before = metrics_sum(METRIC_META_MOVED);
    assert_true(tell(1, 3));
    end_step(STORE_OK);
    end_step(STORE_OK);
    assert_int_equal(bench.handled, 0);
    end_step(STORE_OK);
    assert_int_equal(bench.handled, 1);
    assert_null(bench.step);
    assert_string_equal(said(), "1 2 3 ");
    assert_int_equal(metrics_sum(METRIC_META_MOVED) - before, 3);
}

static void all_steps_of_one_come_before_the_next(void **state)
{
    (void)state;
    tell(1, 2);
    bench.more = 2;
    end_step(STORE_OK);
    tell(3, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bench.handled, 0);
        end_step(STORE_OK);
    }
    assert_int_equal(bench.handled, 1);
    end_step(STORE_OK);
    assert_int_equal(bench.handled, 2);
    assert_string_equal(said(), "1 1 1 2 3 ");
}

static void what_was_done_before_is_not_counted(void **state)
{
    (void)state;
    const uint64_t before = metrics_sum(METRIC_META_MOVED);
    bench.was_done = true;
    tell(1, 2);
    end_all(STORE_OK);
    assert_int_equal(bench.handled, 1);
    assert_int_equal(metrics_sum(METRIC_META_MOVED), before);
}

static void what_takes_longer_goes_on(void **state)
{
    (void)state;
    tell(1, 3);
    tell(4, 2);
    bench.mover->deadline_ms = 0;
    end_step(STORE_OK);
    assert_int_equal(bench.failed, 2); /* also who waits behind */
    assert_int_equal(bench.lines, 2);
    bench.mover->deadline_ms = EXCHANGE_DEADLINE_MS;
    end_all(STORE_OK);
    assert_string_equal(said(), "1 2 3 4 5 ");
    assert_int_equal(bench.handled, 0);
    assert_int_equal(bench.lines, 2);
}

/* Those behind may be of the same person: CD.2 is CE.2, and then somebody's CD.3. They must not be
 * carried out before it, of whichever delivery they are. */
static void behind_one_that_failed_nobody_is_moved(void **state)
{
    (void)state;
    tell(1, 3);
    tell(4, 1);
    end_step(STORE_OK);
    bench.more = 1;
    end_step(STORE_OK);
    end_step(STORE_DOWN);
    assert_null(bench.step);
    assert_string_equal(said(), "1 2 ");
    assert_int_equal(bench.failed, 2);
    assert_int_equal(bench.lines, 2);
    tell(1, 3);
    end_all(STORE_OK);
    assert_string_equal(said(), "1 2 3 ");
    assert_int_equal(bench.handled, 1);
}

static void while_the_records_are_away_nothing_waits(void **state)
{
    (void)state;
    tell(1, 3);
    tell(4, 1);
    bench.away = true;
    end_step(STORE_OK);
    assert_null(bench.step);
    assert_int_equal(bench.failed, 2);
    assert_int_equal(bench.lines, 2);
    assert_int_equal(bench.refused, 1);
    tell(1, 3);
    assert_int_equal(bench.failed, 3);
    bench.away = false;
    tell(1, 3);
    end_all(STORE_OK);
    assert_string_equal(said(), "1 1 2 3 ");
}

static void beyond_what_may_wait_a_delivery_comes_again(void **state)
{
    (void)state;
    assert_true(tell(1, MOVER_WAITING_MAX - 1));
    assert_false(tell(50000, 2));
    assert_int_equal(bench.lines, 1);
    assert_true(tell(50000, 1));
    assert_false(tell(50001, 1));
    bench.away = true;
    end_step(STORE_DOWN);
    bench.away = false;
    assert_true(tell(1, MOVER_WAITING_MAX));
}

static void without_a_user_id_nothing_is_done(void **state)
{
    struct meta_move *move = calloc(1, sizeof *move);
    struct delivery delivery = {0};

    (void)state;
    strcpy(move->numbers[0], "+243810000001");
    strcpy(move->numbers[1], "+243810000002");
    mover_begin(bench.mover, &delivery, move, 1);
    assert_null(bench.step);
    assert_int_equal(bench.handled, 1);
    mover_begin(bench.mover, &delivery, NULL, 0);
    assert_int_equal(bench.handled, 1);
    assert_false(delivery.failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_after_the_other_and_then_the_answer),
        TEST(all_steps_of_one_come_before_the_next),
        TEST(what_was_done_before_is_not_counted),
        TEST(what_takes_longer_goes_on),
        TEST(behind_one_that_failed_nobody_is_moved),
        TEST(while_the_records_are_away_nothing_waits),
        TEST(beyond_what_may_wait_a_delivery_comes_again),
        TEST(without_a_user_id_nothing_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
