/* Figures: the same sums whichever link is asked, nothing twice, and what is where by its age; with
 * Redis and without. */
#include "store/counters.h"
#include "store/redis_links.h"

#include <event2/event.h>

#define LIFE_MINUTES 15

static const char *const fields[] = {"apples", "pears"};
static const char *const places[] = {"tree", "basket"};
enum { APPLES, PEARS };
enum { NOWHERE = -1, TREE, BASKET };

static struct redis_server server;
static char url[160];

static struct counters *counters;
static struct event_base *base;
static struct test_redis redis; /* both links' */
static unsigned deadline_ms;
static struct counters_link *one, *other;
static int64_t days_later; /* tests move this; days are UTC otherwise */

static int64_t day_of(int64_t at_s)
{
    return at_s / 86400 + days_later;
}

static struct counters_settings settings_for(bool in_redis)
{
    return (struct counters_settings){
        .in_redis = in_redis,
        .fields = fields,
        .field_count = 2,
        .steps = places,
        .step_count = 2,
        .generation = "orchard",
        .life_minutes = LIFE_MINUTES,
        .day_of = day_of,
        .instance = "me 1.0 2",
    };
}

static struct counters_link *attach(void)
{
    char error[ERROR_MAX] = "";
    struct counters_link *link = counters_attach(counters, base, redis.links.prompt, NULL, error);

    assert_non_null(link);
    return link;
}

static void open_with(const struct counters_settings *settings)
{
    char error[ERROR_MAX] = "";

    days_later = 0;
    counters = counters_open(settings, error);
    assert_non_null(counters);
    base = event_base_new();
    test_redis_open(&redis, base, settings->in_redis ? url : NULL, deadline_ms);
    one = attach();
    other = attach();
}

static void close_all(void)
{
    counters_detach(one);
    counters_detach(other);
    test_redis_close(&redis);
    event_base_free(base);
    counters_close(counters);
}

static int open_in_memory(void **state)
{
    const struct counters_settings settings = settings_for(false);

    (void)state;
    open_with(&settings);
    return 0;
}

static int open_in_redis(void **state)
{
    (void)state;
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    deadline_ms = 5000;
    const struct counters_settings settings = settings_for(true);
    open_with(&settings);
    return 0;
}

static int close_in_memory(void **state)
{
    (void)state;
    close_all();
    return 0;
}

static int close_in_redis(void **state)
{
    (void)state;
    close_all();
    redis_server_stop(&server);
    return 0;
}

static void read_done(struct store_ticket *ticket)
{
    (void)ticket; /* its status has changed */
}

/* Reads; waits for the connection if need be. */
static struct counters_reading *read_days(struct counters_link *link, unsigned days)
{
    static struct counters_reading reading;
    enum store_status status = STORE_DOWN;

    while (status != STORE_OK) {
        reading = (struct counters_reading){.ticket = {read_done, STORE_LATER}, .days = days};
        status = counters_read(link, &reading);
        if (status == STORE_OK)
            break;
        do
            assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
        while (status == STORE_LATER && reading.ticket.status == STORE_LATER);
        status = reading.ticket.status == STORE_LATER ? STORE_DOWN : reading.ticket.status;
    }
    return &reading;
}

/* Until what the link counted is where others see it. */
static void settle(struct counters_link *link)
{
    (void)read_days(link, 1); /* it is connected */
    while (!counters_settle(link))
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void assert_counters(struct counters_link *link, unsigned days, uint64_t apples,
                            uint64_t apples_today)
{
    const struct counters_reading *reading = read_days(link, days);

    assert_int_equal(reading->period[APPLES], apples);
    assert_int_equal(reading->today[APPLES], apples_today);
}

static void assert_here(struct counters_link *link, uint64_t tree, uint64_t basket)
{
    const struct counters_reading *reading = read_days(link, 1);

    assert_int_equal(reading->here[TREE], tree);
    assert_int_equal(reading->here[BASKET], basket);
}

static void nothing_counted_is_zero(void **state)
{
    (void)state;
    assert_counters(one, 90, 0, 0);
    assert_here(one, 0, 0);
}

static void both_links_read_what_both_counted(void **state)
{
    (void)state;
    counters_add(one, APPLES, 1);
    counters_add(one, APPLES, 2);
    counters_add(other, APPLES, 4);
    counters_add(other, PEARS, 8);
    settle(one);
    settle(other);
    assert_counters(one, 1, 7, 7);
    assert_counters(other, 30, 7, 7);
    assert_int_equal(read_days(one, 1)->today[PEARS], 8);
}

static void a_link_reads_its_own_counts_at_once(void **state)
{
    (void)state;
    settle(one);
    counters_add(one, APPLES, 1);
    assert_counters(one, 1, 1, 1);
}

static void what_is_no_field_counts_nothing(void **state)
{
    (void)state;
    counters_add(one, 2, 1);
    settle(one);
    assert_counters(one, 1, 0, 0);
}

/* The timer of a link sees a new day within a second. */
static void go_to_day(int64_t day)
{
    days_later = day;
    event_base_loopexit(base, &(struct timeval){1, 100000});
    event_base_dispatch(base);
}

static void days_are_summed_and_kept_apart(void **state)
{
    (void)state;
    counters_add(one, APPLES, 1);
    settle(one);
    go_to_day(1);
    counters_add(one, APPLES, 2);
    settle(one);
    assert_counters(one, 1, 2, 2);
    assert_counters(one, 2, 3, 2);
    days_later = 89;
    assert_counters(one, 90, 3, 0);
    assert_counters(one, 89, 2, 0);
    days_later = 90;
    assert_counters(one, 90, 2, 0);
}

static uint32_t minutes_ago(uint32_t minutes)
{
    return (uint32_t)(time(NULL) / 60) - minutes;
}

static struct counters_spot spot(int place, uint32_t ago)
{
    return (struct counters_spot){place, minutes_ago(ago)};
}

static void move(struct counters_link *link, struct counters_spot from, struct counters_spot to)
{
    counters_move(link, &from, &to);
}

static void what_moves_is_in_one_place(void **state)
{
    (void)state;
    move(one, spot(NOWHERE, 0), spot(TREE, 3));
    move(one, spot(NOWHERE, 0), spot(TREE, 3));
    settle(one);
    assert_here(other, 2, 0);
    move(other, spot(TREE, 3), spot(BASKET, 0));
    settle(other);
    assert_here(one, 1, 1);
    move(one, spot(BASKET, 0), spot(BASKET, 0));
    move(one, spot(BASKET, 0), spot(NOWHERE, 0));
    settle(one);
    assert_here(other, 1, 0);
}

static void what_does_not_move_is_gone_after_its_life(void **state)
{
    (void)state;
    move(one, spot(NOWHERE, 0), spot(TREE, LIFE_MINUTES - 1));
    move(one, spot(NOWHERE, 0), spot(BASKET, LIFE_MINUTES + 2));
    settle(one);
    assert_here(one, 1, 0);
    /* What is gone and comes again is here once. */
    move(one, spot(BASKET, LIFE_MINUTES + 2), spot(BASKET, 0));
    move(one, spot(BASKET, 100000), spot(BASKET, 0));
    settle(one);
    assert_here(one, 1, 2);
}

static void a_place_that_is_none_holds_nothing(void **state)
{
    (void)state;
    move(one, spot(NOWHERE, 0), spot(2, 0));
    move(one, spot(7, 0), spot(NOWHERE, 0));
    settle(one);
    assert_here(one, 0, 0);
}

static void a_long_life_is_counted_too(void **state)
{
    struct counters_settings settings = settings_for(server.pid > 0);

    (void)state;
    close_all();
    settings.life_minutes = 1440;
    open_with(&settings);
    move(one, spot(NOWHERE, 0), spot(TREE, 1430));
    move(one, spot(NOWHERE, 0), spot(TREE, 700));
    move(one, spot(NOWHERE, 0), spot(BASKET, 1500));
    settle(one);
    assert_here(one, 2, 0);
    move(one, spot(TREE, 1430), spot(BASKET, 0));
    settle(one);
    assert_here(other, 1, 1);
}

/* Redis */

static void keys_are_named_and_expire(void **state)
{
    (void)state;
    counters_add(one, APPLES, 1);
    move(one, spot(NOWHERE, 0), spot(TREE, 0));
    settle(one);
    redisReply *keys = redis_server_ask(&server, "KEYS *");
    bool day = false, active = false;
    for (size_t i = 0; i < keys->elements; i++) {
        const char *key = keys->element[i]->str;
        redisReply *life = redis_server_ask(&server, "TTL %s", key);
        assert_in_range(life->integer, 1, 91 * 86400);
        day = day || strncmp(key, "uic:figures:20", 14) == 0;
        active = active || strncmp(key, "uic:active:orchard:", 19) == 0;
        freeReplyObject(life);
    }
    assert_true(day && active);
    freeReplyObject(keys);
}

static void instances_are_heard_of(void **state)
{
    (void)state;
    settle(one);
    const struct counters_reading *reading = read_days(other, 1);
    assert_int_equal(reading->instance_count, 1);
    assert_string_equal(reading->instances[0].text, "me 1.0 2");
    assert_in_range(reading->instances[0].age_ms, 0, COUNTERS_INSTANCE_MS);
    freeReplyObject(redis_server_ask(&server, "ZADD uic:instances 1000 %s", "old 0.9 1"));
    assert_int_equal(read_days(other, 1)->instance_count, 1);
}

/* What a flush that was carried out and not answered leaves: the link comes back with the same one.
 */
static void a_flush_whose_answer_is_lost_counts_once(void **state)
{
    const struct counters_settings settings = settings_for(true);

    (void)state;
    close_all();
    deadline_ms = 100;
    open_with(&settings);
    settle(one);
    for (uint64_t round = 1; round <= 5; round++) {
        counters_add(one, APPLES, 1);
        kill(server.pid, SIGSTOP);
        while (!counters_settle(one)) /* sent, and given up after the deadline */
            event_base_loop(base, EVLOOP_ONCE);
        kill(server.pid, SIGCONT); /* it finds the flush, and nobody who waits for its answer */
        settle(one);
        assert_counters(other, 1, round, round);
    }
}

static void a_link_counts_again_when_redis_comes_back(void **state)
{
    (void)state;
    counters_add(one, APPLES, 1);
    settle(one);
    redis_server_kill(&server);
    counters_add(one, APPLES, 2);
    while (!counters_settle(one))
        event_base_loop(base, EVLOOP_ONCE);
    counters_add(one, APPLES, 4);
    redis_server_run(&server);
    settle(one);
    settle(one);
    /* The first went with the server, which keeps nothing here. */
    assert_counters(other, 1, 6, 6);
}

static void what_is_not_sent_is_lost_and_nothing_else(void **state)
{
    (void)state;
    counters_add(one, APPLES, 1);
    settle(one);
    counters_add(one, APPLES, 1);
    counters_detach(one);
    one = attach();
    counters_add(one, APPLES, 1);
    settle(one);
    assert_counters(other, 1, 2, 2);
}

static void a_silent_redis_is_down_for_readers(void **state)
{
    const struct counters_settings settings = settings_for(true);
    struct counters_reading reading = {.ticket = {read_done, STORE_LATER}, .days = 1};

    (void)state;
    close_all();
    deadline_ms = 100;
    open_with(&settings);
    settle(one);
    kill(server.pid, SIGSTOP);
    assert_int_equal(counters_read(one, &reading), STORE_LATER);
    while (reading.ticket.status == STORE_LATER)
        event_base_loop(base, EVLOOP_ONCE);
    kill(server.pid, SIGCONT);
    assert_int_equal(reading.ticket.status, STORE_DOWN);
}

static void a_reading_under_way_ends_with_its_link(void **state)
{
    struct counters_reading reading = {.ticket = {read_done, STORE_LATER}, .days = 1};

    (void)state;
    settle(one);
    assert_int_equal(counters_read(one, &reading), STORE_LATER);
    counters_detach(one);
    assert_int_equal(reading.ticket.status, STORE_DOWN);
    one = attach();
}

#define IN_REDIS(test) cmocka_unit_test_setup_teardown(test, open_in_redis, close_in_redis)
#define IN_BOTH(test) \
    {#test " in memory", test, open_in_memory, close_in_memory, NULL}, IN_REDIS(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(nothing_counted_is_zero),
        IN_BOTH(both_links_read_what_both_counted),
        IN_BOTH(a_link_reads_its_own_counts_at_once),
        IN_BOTH(what_is_no_field_counts_nothing),
        IN_BOTH(days_are_summed_and_kept_apart),
        IN_BOTH(what_moves_is_in_one_place),
        IN_BOTH(what_does_not_move_is_gone_after_its_life),
        IN_BOTH(a_place_that_is_none_holds_nothing),
        IN_BOTH(a_long_life_is_counted_too),
        IN_REDIS(keys_are_named_and_expire),
        IN_REDIS(instances_are_heard_of),
        IN_REDIS(a_flush_whose_answer_is_lost_counts_once),
        IN_REDIS(a_link_counts_again_when_redis_comes_back),
        IN_REDIS(what_is_not_sent_is_lost_and_nothing_else),
        IN_REDIS(a_silent_redis_is_down_for_readers),
        IN_REDIS(a_reading_under_way_ends_with_its_link),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
