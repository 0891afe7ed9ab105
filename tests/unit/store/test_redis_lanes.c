/*
 * What several stores on one link are to each other: each has its bound, its watch and its end, and
 * what may wait holds up nobody. And scripts, which Redis may forget at any time.
 */
#include "store/redis_links.h"

#include <event2/event.h>
#include <signal.h>

#define PATIENCE_SECONDS 30

static struct redis_server server;
static struct event_base *base;
static struct test_redis redis;
static struct redis_lane lanes[2];
static char url[160];

/* What a lane's watch was told. */
static struct told {
    unsigned ups, downs;
} told[2];

static void patience_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

#define until(expression)                                                   \
    do {                                                                    \
        bool ended = false;                                                 \
        struct event *patience = evtimer_new(base, patience_ended, &ended); \
        event_add(patience, &(struct timeval){PATIENCE_SECONDS, 0});        \
        while (!(expression) && !ended)                                     \
            event_base_loop(base, EVLOOP_ONCE);                             \
        event_free(patience);                                               \
        if (ended)                                                          \
            fail_msg("waited in vain until %s", #expression);               \
    } while (0)

static void on_changed(void *arg, bool up, const char *why)
{
    struct told *one = arg;

    (void)why;
    one->ups += up;
    one->downs += !up;
}

static int start(void **state)
{
    (void)state;
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    base = event_base_new();
    test_redis_open(&redis, base, url, 5000);
    memset(told, 0, sizeof told);
    for (int i = 0; i < 2; i++)
        redis_lane_join(&lanes[i], redis.links.prompt, 3,
                        &(struct store_watch){on_changed, &told[i]});
    until(redis_lane_up(&lanes[0]));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_redis_close(&redis);
    event_base_free(base);
    redis_server_stop(&server);
    return 0;
}

/* A command, and how it ended. */
struct asked {
    unsigned answers;
    long long number; /* -1: there was no reply; -2: it was an error */
    unsigned turn;
};

static unsigned turns;

static void on_answer(const struct redisReply *reply, void *arg)
{
    struct asked *asked = arg;

    asked->answers++;
    asked->turn = ++turns;
    asked->number = reply == NULL ? -1 : reply->type == REDIS_REPLY_ERROR ? -2 : reply->integer;
}

static enum store_status increment(struct redis_lane *lane, struct asked *asked)
{
    *asked = (struct asked){0};
    return redis_lane_send(lane, 2, (const char *[]){"INCR", "n"}, (const size_t[]){4, 1},
                           on_answer, asked);
}

/* As the build makes one of each file, by `printf %s TEXT | sha1sum`. */
static const struct redis_script adder = {"return redis.call('INCRBY', KEYS[1], ARGV[1])", 45,
                                          "8cd00688c05c46bde4a2e60658ef20a2e5c0b248"};
static const struct redis_script misnamed = {"return 1", 8,
                                             "0123456789012345678901234567890123456789"};

static enum store_status run(struct redis_lane *lane, const struct redis_script *script,
                             struct asked *asked)
{
    *asked = (struct asked){0};
    return redis_lane_run(lane, script, 1, 2, (const char *[]){"n", "10"}, (const size_t[]){1, 2},
                          on_answer, asked);
}

/* How often Redis was asked to do it. */
static long long calls_of(const char *command)
{
    char line[64];
    long long calls = 0;
    redisReply *reply = redis_server_ask(&server, "INFO commandstats");

    snprintf(line, sizeof line, "cmdstat_%s:calls=", command);
    const char *found = strstr(reply->str, line);
    if (found != NULL)
        calls = atoll(found + strlen(line));
    freeReplyObject(reply);
    return calls;
}

static void each_lane_has_a_bound_of_its_own(void **state)
{
    struct asked asked[5];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(increment(&lanes[0], &asked[i]), STORE_LATER);
    assert_int_equal(increment(&lanes[0], &asked[3]), STORE_FULL);
    assert_int_equal(increment(&lanes[1], &asked[4]), STORE_LATER);
    until(asked[4].answers == 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(asked[i].number, i + 1);
    assert_int_equal(increment(&lanes[0], &asked[3]), STORE_LATER);
    until(asked[3].answers == 1);
}

static void who_leaves_hears_at_once_and_the_others_in_turn(void **state)
{
    struct asked leaving[2], staying[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(increment(&lanes[0], &leaving[i]), STORE_LATER);
        assert_int_equal(increment(&lanes[1], &staying[i]), STORE_LATER);
    }
    redis_lane_leave(&lanes[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(leaving[i].answers, 1);
        assert_int_equal(leaving[i].number, -1);
    }
    assert_int_equal(increment(&lanes[0], &leaving[0]), STORE_DOWN);
    until(staying[1].answers == 1);
    assert_int_equal(staying[0].number, 2);
    assert_int_equal(staying[1].number, 4);
    assert_int_equal(leaving[1].answers, 1);
    redis_lane_leave(&lanes[0]); /* it may */
}

static void all_watches_are_told(void **state)
{
    struct asked asked[2];

    (void)state;
    kill(server.pid, SIGSTOP);
    for (int i = 0; i < 2; i++)
        assert_int_equal(increment(&lanes[i], &asked[i]), STORE_LATER);
    redis_server_kill(&server);
    until(asked[0].answers == 1 && asked[1].answers == 1);
    assert_int_equal(asked[0].number, -1);
    assert_int_equal(asked[1].number, -1);
    redis_lane_leave(&lanes[1]);
    redis_server_run(&server);
    until(redis_lane_up(&lanes[0]));
    assert_int_equal(told[0].ups, 2);
    assert_true(told[0].downs >= 1);
    assert_int_equal(told[1].ups, 1);
    assert_int_equal(told[1].downs, 1);
}

static void what_waits_holds_up_nobody(void **state)
{
    struct redis_lane patient;
    struct asked waiting = {0}, asked;
    static const char *const argv[] = {"BLPOP", "nothing", "0"};

    (void)state;
    redis_lane_join(&patient, redis.links.patient, 1, NULL);
    until(redis_lane_up(&patient));
    assert_int_equal(
        redis_lane_send(&patient, 3, argv, (const size_t[]){5, 7, 1}, on_answer, &waiting),
        STORE_LATER);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(increment(&lanes[0], &asked), STORE_LATER);
        until(asked.answers == 1);
        assert_int_equal(asked.number, i);
    }
    assert_int_equal(waiting.answers, 0);
    redis_lane_leave(&patient);
    assert_int_equal(waiting.answers, 1);
}

static void a_script_that_redis_forgot_is_loaded_and_run_once(void **state)
{
    struct asked first[3], second[3];

    (void)state;
    for (int round = 0; round < 3; round++) {
        freeReplyObject(redis_server_ask(&server, "SCRIPT FLUSH"));
        for (int i = 0; i < 3; i++) {
            assert_int_equal(run(&lanes[0], &adder, &first[i]), STORE_LATER);
            assert_int_equal(run(&lanes[1], &adder, &second[i]), STORE_LATER);
        }
        assert_int_equal(run(&lanes[0], &adder, &first[0]), STORE_FULL);
        first[0].answers = 0;
        until(second[2].answers == 1);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(first[i].answers, 1);
            assert_int_equal(second[i].number, 60 * round + 20 * (i + 1));
        }
        assert_int_equal(calls_of("script|load"), round + 1);
    }
    assert_int_equal(lanes[0].in_flight, 0);
}

static void a_new_redis_is_given_the_scripts_again(void **state)
{
    struct asked asked;

    (void)state;
    assert_int_equal(run(&lanes[0], &adder, &asked), STORE_LATER);
    until(asked.answers == 1);
    redis_server_kill(&server);
    redis_server_run(&server);
    until(told[0].ups == 2);
    assert_int_equal(run(&lanes[0], &adder, &asked), STORE_LATER);
    until(asked.answers == 1);
    assert_int_equal(asked.number, 10);
}

static void a_script_that_stays_unknown_is_given_up(void **state)
{
    struct asked asked;

    (void)state;
    assert_int_equal(run(&lanes[0], &misnamed, &asked), STORE_LATER);
    until(asked.answers == 1);
    assert_int_equal(asked.number, -2);
    assert_int_equal(calls_of("evalsha"), 2);
}

/* What nobody waits for any more is not sent again. */
static void a_script_of_who_left_is_not_repeated(void **state)
{
    struct asked asked, after;

    (void)state;
    assert_int_equal(run(&lanes[0], &adder, &asked), STORE_LATER);
    redis_lane_leave(&lanes[0]);
    assert_int_equal(asked.number, -1);
    assert_int_equal(increment(&lanes[1], &after), STORE_LATER);
    until(after.answers == 1);
    assert_int_equal(after.number, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_lane_has_a_bound_of_its_own),
        CASE(who_leaves_hears_at_once_and_the_others_in_turn),
        CASE(all_watches_are_told),
        CASE(what_waits_holds_up_nobody),
        CASE(a_script_that_redis_forgot_is_loaded_and_run_once),
        CASE(a_new_redis_is_given_the_scripts_again),
        CASE(a_script_that_stays_unknown_is_given_up),
        CASE(a_script_of_who_left_is_not_repeated),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
