/* Counts by key: what is found again, what is over, and what a full set does. */
#include "store/base/count_table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SETS = COUNT_SETS, LIFE = 60, NOW = 1000 };

static struct count_table *table;

static void begin(uint64_t life)
{
    table = count_table_create(life);
    assert_non_null(table);
}

static int end(void **state)
{
    (void)state;
    count_table_free(table);
    table = NULL;
    return 0;
}

/* Looks only. */
static unsigned count_of(uint64_t key, int64_t now)
{
    bool full;
    const struct count *count = count_begin(table, key, now, 0, &full);
    const unsigned found = count == NULL ? 0 : count->count;

    count_end(table);
    return found;
}

/* One more for a key; false when it has no place. */
static bool add(uint64_t key, int64_t now, unsigned keep, bool *full)
{
    struct count *count = count_begin(table, key, now, keep, full);

    if (count != NULL)
        count->count++;
    count_end(table);
    return count != NULL;
}

/* `times` for a key that has a place, or for which there is room. */
static void add_times(uint64_t key, int64_t now, unsigned times)
{
    bool full;

    while (times-- > 0) {
        assert_true(add(key, now, 1, &full));
        assert_false(full);
    }
}

/* Eight keys of one set, counted 3, 4 … 10 times. */
static void fill_set(int64_t now)
{
    for (unsigned i = 0; i < COUNT_SET_SIZE; i++)
        add_times(i * SETS, now, 3 + i);
}

static void many_keys_are_counted_each_alone(void **state)
{
    enum { KEYS = COUNT_SETS * COUNT_SET_SIZE };

    (void)state;
    begin(0);
    for (uint64_t key = 0; key < KEYS; key++)
        add_times(key, 0, 1 + key % 5);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(count_of(key, 0), 1 + key % 5);
    assert_int_equal(count_of(KEYS, 0), 0);
}

static void a_count_is_over_after_its_life_or_when_the_clock_is_set_back(void **state)
{
    (void)state;
    begin(LIFE);
    add_times(7, NOW, 5);
    assert_int_equal(count_of(7, NOW + LIFE - 1), 5);
    assert_int_equal(count_of(7, NOW + LIFE), 0);
    assert_int_equal(count_of(7, NOW - 1), 0);
    add_times(7, NOW + LIFE, 1);
    assert_int_equal(count_of(7, NOW + LIFE), 1);
}

static void without_a_life_only_zero_is_over(void **state)
{
    bool full;

    (void)state;
    begin(0);
    add_times(7, NOW, 5);
    assert_int_equal(count_of(7, INT64_MAX), 5);
    assert_int_equal(count_of(7, NOW - 1), 5);
    struct count *count = count_begin(table, 7, NOW, 0, &full);
    count->count = 0;
    count_end(table);
    assert_null(count_begin(table, 7, NOW, 0, &full));
    count_end(table);
}

static void in_a_full_set_the_smallest_gives_way(void **state)
{
    bool full;

    (void)state;
    begin(LIFE);
    fill_set(NOW);
    assert_true(add(100 * SETS, NOW, 4, &full));
    assert_true(full);
    assert_int_equal(count_of(100 * SETS, NOW), 1);
    assert_int_equal(count_of(0, NOW), 0);
    for (unsigned i = 1; i < COUNT_SET_SIZE; i++)
        assert_int_equal(count_of(i * SETS, NOW), 3 + i);
}

static void who_is_kept_gives_way_to_nobody(void **state)
{
    bool full;

    (void)state;
    begin(LIFE);
    fill_set(NOW);
    assert_false(add(100 * SETS, NOW, 3, &full));
    assert_true(full);
    for (unsigned i = 0; i < COUNT_SET_SIZE; i++)
        assert_int_equal(count_of(i * SETS, NOW), 3 + i);
    add_times(1, NOW, 1); /* another set has room */
}

static void what_is_over_gives_way_before_what_is_small(void **state)
{
    bool full;

    (void)state;
    begin(LIFE);
    fill_set(NOW);
    add_times(1, NOW + LIFE, 1);
    for (unsigned i = 0; i < COUNT_SET_SIZE; i++)
        add_times((200 + i) * SETS, NOW + LIFE, 2);
    assert_true(add(100 * SETS, NOW + LIFE, 3, &full));
    assert_true(full);
    assert_int_equal(count_of(1, NOW + LIFE), 1);
}

static void *add_a_lot(void *arg)
{
    bool full;

    (void)arg;
    for (uint64_t i = 0; i < 20000; i++)
        add(i % 32, 0, 1, &full);
    return NULL;
}

static void threads_share_the_counts(void **state)
{
    pthread_t threads[4];

    (void)state;
    begin(0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_a_lot, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (uint64_t key = 0; key < 32; key++)
        assert_int_equal(count_of(key, 0), 4 * 20000 / 32);
}

#define test(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(many_keys_are_counted_each_alone),
        test(a_count_is_over_after_its_life_or_when_the_clock_is_set_back),
        test(without_a_life_only_zero_is_over),
        test(in_a_full_set_the_smallest_gives_way),
        test(who_is_kept_gives_way_to_nobody),
        test(what_is_over_gives_way_before_what_is_small),
        test(threads_share_the_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
