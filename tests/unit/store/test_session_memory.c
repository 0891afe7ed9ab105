/* Sessions in memory: lives by the clock, limits, and threads. */
#include "store/session_bench.h"
#include "store/sessions/backend.h"

#include <pthread.h>

#define TTL_MS 1000
#define MARK_TTL_MS 5000

static int64_t clock_now;

static int64_t read_clock(void)
{
    return clock_now;
}

static struct bench bench;

static void open_with_room(size_t memory_max)
{
    struct session_settings settings = bench_settings(NULL);
    settings.ttl_ms = TTL_MS;
    settings.mark_ttl_ms = MARK_TTL_MS;
    settings.memory_max = memory_max;
    bench_open(&bench, &settings);
    clock_now = 1000000;
    session_memory_set_clock(bench.store, read_clock);
}

static int open_bench(void **state)
{
    (void)state;
    open_with_room(1000);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

static enum store_status save_of(const char *address, const char *text)
{
    struct visit visit;
    visit_init(&bench, &visit, address);
    (void)visit_load(&bench, &visit);
    visit_say(&visit, text);
    visit_mark(&visit, "m");
    return visit_save(&bench, &visit);
}

static enum store_status load_of(const char *address, size_t *mark_length)
{
    struct visit visit;
    visit_init(&bench, &visit, address);
    enum store_status status = visit_load(&bench, &visit);
    *mark_length = visit.session.mark_length;
    return status;
}

static const char *person(unsigned number)
{
    static char address[32];
    snprintf(address, sizeof address, "whatsapp:+%u", number);
    return address;
}

static void it_is_up_at_once(void **state)
{
    (void)state;
    assert_true(session_link_up(bench.link));
    assert_int_equal(bench.changes, 0);
}

static void a_session_lives_to_the_millisecond(void **state)
{
    (void)state;
    size_t mark;
    assert_status(save_of("a", "x"), STORE_OK);
    clock_now += TTL_MS - 1;
    assert_status(load_of("a", &mark), STORE_OK);
    clock_now += 1;
    assert_status(load_of("a", &mark), STORE_ABSENT);
    assert_int_equal(mark, 1);
    clock_now += MARK_TTL_MS - TTL_MS - 1;
    assert_status(load_of("a", &mark), STORE_ABSENT);
    assert_int_equal(mark, 1);
    clock_now += 1;
    assert_status(load_of("a", &mark), STORE_ABSENT);
    assert_int_equal(mark, 0);
}

static void a_save_renews_both_lives(void **state)
{
    (void)state;
    size_t mark;
    for (int i = 0; i < 20; i++) {
        assert_status(save_of("a", "x"), STORE_OK);
        clock_now += TTL_MS - 1;
        assert_status(load_of("a", &mark), STORE_OK);
        assert_int_equal(mark, 1);
    }
}

static void a_load_renews_nothing(void **state)
{
    (void)state;
    size_t mark;
    assert_status(save_of("a", "x"), STORE_OK);
    clock_now += TTL_MS - 1;
    assert_status(load_of("a", &mark), STORE_OK);
    clock_now += TTL_MS - 1;
    assert_status(load_of("a", &mark), STORE_ABSENT);
}

static void one_may_come_back_after_the_end(void **state)
{
    (void)state;
    size_t mark;
    assert_status(save_of("a", "x"), STORE_OK);
    clock_now += TTL_MS;
    assert_status(save_of("a", "y"), STORE_OK);
    clock_now += TTL_MS - 1;
    assert_status(load_of("a", &mark), STORE_OK);
    assert_int_equal(mark, 1);
}

static void when_full_only_those_inside_may_save(void **state)
{
    (void)state;
    size_t mark;
    bench_close(&bench);
    open_with_room(3);
    for (unsigned i = 0; i < 3; i++)
        assert_status(save_of(person(i), "x"), STORE_OK);
    assert_status(save_of("late", "x"), STORE_FULL);
    assert_status(load_of("late", &mark), STORE_ABSENT);
    for (unsigned i = 0; i < 3; i++)
        assert_status(save_of(person(i), "y"), STORE_OK);
    assert_status(save_of("late", "x"), STORE_FULL);
}

static void a_deleted_session_makes_room(void **state)
{
    (void)state;
    bench_close(&bench);
    open_with_room(1);
    assert_status(save_of("a", "x"), STORE_OK);
    assert_status(save_of("b", "x"), STORE_FULL);
    assert_status(save_of("a", ""), STORE_OK);
    assert_status(save_of("b", "x"), STORE_OK);
    assert_status(save_of("a", "x"), STORE_FULL);
}

/* Whichever shards the expired ones are in. */
static void expired_sessions_make_room(void **state)
{
    (void)state;
    bench_close(&bench);
    open_with_room(100);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 100; i++)
            assert_status(save_of(person(round * 100 + i), "x"), STORE_OK);
        assert_status(save_of("late", "x"), STORE_FULL);
        clock_now += TTL_MS;
    }
}

/* Without anybody asking for them, and without a limit in sight. */
static void others_clear_away_what_expired(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++)
        assert_status(save_of(person(i), "x"), STORE_OK);
    assert_int_equal(session_memory_count(bench.store), 500);
    clock_now += TTL_MS;
    for (unsigned i = 0; i < 500; i++)
        assert_status(save_of("regular", "x"), STORE_OK);
    assert_int_equal(session_memory_count(bench.store), 1);
}

/* There are about as many as there may be sessions; the oldest give way. */
static void lone_marks_are_bounded(void **state)
{
    (void)state;
    const unsigned people = 2000;
    unsigned marked = 0;
    size_t mark;
    bench_close(&bench);
    open_with_room(people);
    for (unsigned i = 0; i < people; i++)
        assert_status(save_of(person(i), ""), STORE_OK);
    for (unsigned i = 0; i < people; i++) {
        (void)load_of(person(i), &mark);
        marked += mark > 0;
    }
    assert_in_range(marked, people / 2, people);

    for (unsigned i = people; i < 5 * people; i++)
        assert_status(save_of(person(i), ""), STORE_OK);
    marked = 0;
    for (unsigned i = 0; i < 5 * people; i++) {
        (void)load_of(person(i), &mark);
        marked += mark > 0;
    }
    assert_in_range(marked, people / 2, people + 100);
    (void)load_of(person(0), &mark);
    assert_int_equal(mark, 0);
    (void)load_of(person(5 * people - 1), &mark);
    assert_int_equal(mark, 1);
}

/* Each thread counts in the same sessions; what one does must not be lost by another. */
#define THREADS 4
#define ROUNDS 2000
#define COUNTERS 3

static void *count_up(void *arg)
{
    struct bench mine = bench;
    char error[ERROR_MAX];
    (void)arg;

    mine.link = session_attach(bench.store, NULL, NULL, error);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct visit visit;
        enum store_status status;
        visit_init(&mine, &visit, (const char *[]){"a", "b", "c"}[round % COUNTERS]);
        do {
            unsigned count = 0;
            status = session_load(mine.link, &visit.session);
            if (status == STORE_OK)
                memcpy(&count, visit.session.bytes, sizeof count);
            count++;
            memcpy(visit.session.bytes, &count, sizeof count);
            visit.session.length = sizeof count;
            status = session_save(mine.link, &visit.session);
        } while (status == STORE_CONFLICT);
        if (status != STORE_OK)
            abort();
    }
    session_detach(mine.link);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned total = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < COUNTERS; i++) {
        struct visit visit;
        unsigned count;
        visit_init(&bench, &visit, (const char *[]){"a", "b", "c"}[i]);
        assert_status(visit_load(&bench, &visit), STORE_OK);
        memcpy(&count, visit.session.bytes, sizeof count);
        total += count;
    }
    assert_int_equal(total, THREADS * ROUNDS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_is_up_at_once),
        CASE(a_session_lives_to_the_millisecond),
        CASE(a_save_renews_both_lives),
        CASE(a_load_renews_nothing),
        CASE(one_may_come_back_after_the_end),
        CASE(when_full_only_those_inside_may_save),
        CASE(a_deleted_session_makes_room),
        CASE(expired_sessions_make_room),
        CASE(others_clear_away_what_expired),
        CASE(lone_marks_are_bounded),
        CASE(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
