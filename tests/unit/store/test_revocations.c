/* Revocations: what was ended on one instance is ended on the others, as long as it would have been
 * valid; and what an instance knows while Redis is away, and after. */
#include "store/base/clock.h"
#include "store/redis_links.h"
#include "store/revocations.h"

#include <event2/event.h>
#include <signal.h>

static const char PASS[] = "1795449600.0123456789abcdef.00";

static struct redis_server server;
static char url[160];
static struct event_base *base;

/* One process. */
struct instance {
    struct test_redis redis;
    struct revocations *revocations;
    struct revocations_link *link;
};

static struct instance one, other;

/* redis_url NULL: memory alone. */
static void instance_open(struct instance *instance, const char *redis_url)
{
    test_redis_open(&instance->redis, base, redis_url, 5000);
    instance->revocations = revocations_open();
    assert_non_null(instance->revocations);
    instance->link = revocations_attach(instance->revocations, instance->redis.links.prompt);
    assert_non_null(instance->link);
}

static void instance_close(struct instance *instance)
{
    revocations_detach(instance->link);
    revocations_close(instance->revocations);
    test_redis_close(&instance->redis);
}

static void on_done(struct store_ticket *ticket)
{
    (void)ticket; /* its status has changed */
}

static struct revocation revocation_of(const char *pass, int64_t left_s)
{
    struct revocation revocation;

    assert_int_equal(revocation_init(&revocation, pass, strlen(pass), clock_wall_s() + left_s), 0);
    revocation.ticket = (struct store_ticket){.done = on_done, .status = STORE_LATER};
    return revocation;
}

static enum store_status finish(struct revocation *revocation, enum store_status status)
{
    if (status != STORE_LATER)
        return status;
    while (revocation->ticket.status == STORE_LATER)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    return revocation->ticket.status;
}

static enum store_status find(struct instance *instance, const char *pass)
{
    struct revocation revocation = revocation_of(pass, 60);

    return finish(&revocation, revocation_find(instance->link, &revocation));
}

static enum store_status add(struct instance *instance, const char *pass, int64_t left_s)
{
    struct revocation revocation = revocation_of(pass, left_s);

    return finish(&revocation, revocation_add(instance->link, &revocation));
}

/* Until Redis answers this instance. */
static void wait_for(struct instance *instance)
{
    while (find(instance, "nobody's") == STORE_DOWN)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static int open_two(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    base = event_base_new();
    instance_open(&one, url);
    instance_open(&other, url);
    wait_for(&one);
    wait_for(&other);
    return 0;
}

static int close_two(void **state)
{
    (void)state;
    instance_close(&one);
    instance_close(&other);
    event_base_free(base);
    redis_server_stop(&server);
    return 0;
}

static void what_was_ended_is_ended_everywhere_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(find(&one, PASS), STORE_ABSENT);
    assert_int_equal(add(&one, PASS, 60), STORE_OK);
    assert_int_equal(find(&one, PASS), STORE_OK);
    assert_int_equal(find(&other, PASS), STORE_OK);
    assert_int_equal(find(&other, "1795449600.0123456789abcdef.01"), STORE_ABSENT);
}

static void redis_holds_a_hash_as_long_as_the_pass_would_have_lived(void **state)
{
    redisReply *reply;

    (void)state;
    assert_int_equal(add(&one, PASS, 60), STORE_OK);
    reply = redis_server_ask(&server, "KEYS *");
    assert_int_equal(reply->elements, 1);
    assert_null(strstr(reply->element[0]->str, "0123456789abcdef"));
    assert_memory_equal(reply->element[0]->str, "uic:ended:", 10);
    assert_int_equal(reply->element[0]->len, 10 + 32);
    redisReply *life = redis_server_ask(&server, "TTL %s", reply->element[0]->str);
    assert_in_range(life->integer, 50, 61);
    freeReplyObject(life);
    freeReplyObject(reply);
}

static void what_ran_out_by_itself_takes_no_room(void **state)
{
    redisReply *reply;

    (void)state;
    assert_int_equal(add(&one, PASS, -5), STORE_OK);
    reply = redis_server_ask(&server, "DBSIZE");
    assert_int_equal(reply->integer, 0);
    freeReplyObject(reply);
}

static void while_redis_is_away_an_instance_knows_what_was_ended_on_it(void **state)
{
    (void)state;
    assert_int_equal(add(&one, "before", 60), STORE_OK);
    assert_int_equal(find(&other, "before"), STORE_OK);
    redis_server_kill(&server);
    assert_int_equal(add(&one, PASS, 60), STORE_DOWN);
    assert_int_equal(find(&one, PASS), STORE_OK);
    assert_int_equal(find(&one, "before"), STORE_OK);
    assert_int_equal(find(&other, "before"), STORE_OK); /* it asked once */
    assert_int_equal(find(&other, PASS), STORE_DOWN);
    assert_int_equal(find(&other, "another"), STORE_DOWN);
}

static void when_redis_is_back_it_is_told_again_also_when_it_lost_everything(void **state)
{
    (void)state;
    assert_int_equal(add(&one, "before", 60), STORE_OK);
    redis_server_kill(&server);
    assert_int_equal(add(&one, PASS, 60), STORE_DOWN);
    redis_server_run(&server);
    wait_for(&one);
    wait_for(&other);
    assert_int_equal(find(&other, PASS), STORE_OK);
    assert_int_equal(find(&other, "before"), STORE_OK);
}

static void a_silent_redis_is_waited_for_only_so_long(void **state)
{
    struct revocation revocation = revocation_of(PASS, 60);

    (void)state;
    kill(server.pid, SIGSTOP);
    assert_int_equal(revocation_find(one.link, &revocation), STORE_LATER);
    assert_int_equal(finish(&revocation, STORE_LATER), STORE_DOWN);
    kill(server.pid, SIGCONT);
}

static void what_is_under_way_when_all_ends_finishes(void **state)
{
    struct revocation revocation = revocation_of(PASS, 60);

    (void)state;
    assert_int_equal(revocation_find(one.link, &revocation), STORE_LATER);
    revocations_detach(one.link);
    one.link = NULL;
    assert_int_equal(revocation.ticket.status, STORE_DOWN);
}

static void without_redis_one_process_knows(void **state)
{
    struct instance alone;

    (void)state;
    base = event_base_new();
    instance_open(&alone, NULL);
    assert_int_equal(find(&alone, PASS), STORE_ABSENT);
    assert_int_equal(add(&alone, PASS, 60), STORE_OK);
    assert_int_equal(find(&alone, PASS), STORE_OK);
    assert_int_equal(add(&alone, "over", -1), STORE_OK);
    assert_int_equal(find(&alone, "over"), STORE_ABSENT);
    instance_close(&alone);
    event_base_free(base);
}

static void of_too_many_those_that_run_out_first_are_forgotten(void **state)
{
    struct instance alone;
    char pass[32];

    (void)state;
    base = event_base_new();
    instance_open(&alone, NULL);
    for (int i = 0; i < REVOCATIONS_MAX + 10; i++) {
        snprintf(pass, sizeof pass, "pass %d", i);
        assert_int_equal(add(&alone, pass, 1000 + i), STORE_OK);
    }
    assert_int_equal(find(&alone, "pass 9"), STORE_ABSENT);
    assert_int_equal(find(&alone, "pass 10"), STORE_OK);
    assert_int_equal(find(&alone, pass), STORE_OK);
    instance_close(&alone);
    event_base_free(base);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_two, close_two)
    const struct CMUnitTest tests[] = {
        TEST(what_was_ended_is_ended_everywhere_and_nothing_else),
        TEST(redis_holds_a_hash_as_long_as_the_pass_would_have_lived),
        TEST(what_ran_out_by_itself_takes_no_room),
        TEST(while_redis_is_away_an_instance_knows_what_was_ended_on_it),
        TEST(when_redis_is_back_it_is_told_again_also_when_it_lost_everything),
        TEST(a_silent_redis_is_waited_for_only_so_long),
        TEST(what_is_under_way_when_all_ends_finishes),
        cmocka_unit_test(without_redis_one_process_knows),
        cmocka_unit_test(of_too_many_those_that_run_out_first_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
