/* Who can write to Redis may put back what he read there: by its age, as Redis's clock tells it, it
 * is not taken; and no clock of ours refuses anybody. */
#include "store/base/clock.h"
#include "store/session_redis_bench.h"
#include "store/sessions/backend.h"

#define tell(...) freeReplyObject(redis_server_ask(&server, __VA_ARGS__))

static int64_t redis_s(void)
{
    redisReply *reply = redis_server_ask(&server, "TIME");
    const int64_t now_s = strtoll(reply->element[0]->str, NULL, 10);

    freeReplyObject(reply);
    return now_s;
}

/* Puts the value under the name back into Redis, as it would be had it been sealed so long ago. */
static void age(const char *name, unsigned subkey, int64_t age_s)
{
    struct seal_keys *keys = seal_keys_create(bench.settings.seal_key);
    struct seal *seal = seal_create(keys);
    const struct seal_terms terms = {name, subkey, redis_s() - age_s};
    unsigned char clear[SESSION_SEALED_MAX], sealed[SESSION_SEALED_MAX];
    struct seal_opened opened;
    redisReply *value = redis_server_ask(&server, "GET %s", name);

    assert_int_equal(value->type, REDIS_REPLY_STRING);
    assert_int_equal(seal_unwrap(seal, name, (const unsigned char *)value->str, value->len, clear,
                                 sizeof clear, &opened),
                     0);
    assert_in_range(opened.time_s, redis_s() - 5, redis_s() + 1);
    assert_int_equal(seal_wrap(seal, &terms, clear, opened.length, sealed), 0);
    tell("SET %s %b", name, sealed, opened.length + SEAL_OVERHEAD);
    freeReplyObject(value);
    seal_free(seal);
    seal_keys_free(keys);
}

static void a_session_is_taken_as_long_as_it_lives(void **state)
{
    (void)state;
    const int64_t life_s = bench.settings.ttl_ms / 1000;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    age(visit.session.name, visit.session.subkey, life_s - 5);
    load_says("Kabila");
}

static void a_session_put_back_is_not_taken(void **state)
{
    (void)state;
    const int64_t life_s = bench.settings.ttl_ms / 1000;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    age(visit.session.name, visit.session.subkey, life_s + 90);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_int_equal(visit.session.length, 0);
    assert_room_is_empty(&bench);
    assert_marked(&visit, "Lumumba"); /* that is young */
    visit_say(&visit, "new");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    load_says("new");
}

static void a_mark_put_back_is_not_taken(void **state)
{
    (void)state;
    const int64_t life_s = bench.settings.mark_ttl_ms / 1000;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    tell("DEL %s", visit.session.name);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_marked(&visit, "Lumumba");
    age(visit.session.mark_name, visit.session.subkey, life_s + 90);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_marked(&visit, "");
}

/* As of the program before values told their time: they may be of any time. */
static void a_session_of_no_time_is_not_taken(void **state)
{
    (void)state;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    age(visit.session.name, visit.session.subkey, redis_s());
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
}

/* Redis's clock was set since this instance heard it, hours back or ahead: it asks again. */
static void a_clock_that_was_set_disturbs_nobody(void **state)
{
    (void)state;
    static const int64_t hours[] = {2, -2, 24, -24 * 365 * 10};

    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
        assert_status(save_something(), STORE_OK);
        bench.link->clock.ahead_ms += hours[i] * 3600 * 1000;
        load_says("Kabila");
        /* What it says to others meanwhile is of the future or young. */
        bench.link->clock.ahead_ms = redis_s() * 1000 - clock_monotonic_ms();
        load_says("Kabila");
    }
}

/* It was set forward since this instance heard it: what is saved now is of now. */
static void a_save_tells_the_time_of_its_load(void **state)
{
    (void)state;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    bench.link->clock.ahead_ms -= INT64_C(10) * 365 * 24 * 3600 * 1000;
    bench.link->clock.asked_ms = 0;
    assert_status(visit_load(&bench, &visit), STORE_OK);
    visit_say(&visit, "new");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    age(visit.session.name, visit.session.subkey, 0); /* asserts its time */
}

/* The clocks of two instances differ by an hour: no session tells. */
static void no_clock_of_ours_is_in_a_session(void **state)
{
    (void)state;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    assert_true(bench.link->clock.known);
    visit_init(&bench, &visit, ADDRESS);
    age(visit.session.name, visit.session.subkey, 0); /* asserts that it was Redis's */
}

/* Where an ACL forbids to ask what time it is, nothing is too old. */
static void without_redis_clock_all_are_taken(void **state)
{
    (void)state;
    const struct session_settings settings = bench_settings(url);
    struct visit visit;

    tell("ACL SETUSER default -time");
    reopen(&settings);
    assert_false(bench.link->clock.known);
    assert_status(save_something(), STORE_OK);
    load_says("Kabila");
    visit_init(&bench, &visit, ADDRESS);
    tell("ACL SETUSER default +time");
    age(visit.session.name, visit.session.subkey, 3600);
    tell("ACL SETUSER default -time");
    load_says("Kabila");
}

/* Its session opens, beside a mark that is neither its own nor young. */
static void nothing_lies_open_while_the_time_is_asked(void **state)
{
    (void)state;
    const int64_t too_old_s = bench.settings.mark_ttl_ms / 1000 + 90;
    struct seal_keys *keys = seal_keys_create(bench.settings.seal_key);
    struct seal *seal = seal_create(keys);
    unsigned char sealed[SESSION_SEALED_MAX];
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    const struct seal_terms terms = {visit.session.mark_name, visit.session.subkey,
                                     redis_s() - too_old_s};
    assert_int_equal(seal_wrap(seal, &terms, (const unsigned char *)"fr", 2, sealed), 0);
    tell("SET %s %b", visit.session.mark_name, sealed, (size_t)2 + SEAL_OVERHEAD);
    assert_status(session_load(bench.link, &visit.session), STORE_LATER);
    while (!visit.session.asked_time)
        event_base_loop(bench.base, EVLOOP_ONCE);
    assert_int_equal(visit.done, 0);
    assert_room_is_empty(&bench);
    bench_until(&bench, visit.done > 0);
    assert_says(&visit, "Kabila");
    seal_free(seal);
    seal_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_session_is_taken_as_long_as_it_lives),
        CASE(a_session_put_back_is_not_taken),
        CASE(a_mark_put_back_is_not_taken),
        CASE(a_session_of_no_time_is_not_taken),
        CASE(a_clock_that_was_set_disturbs_nobody),
        CASE(no_clock_of_ours_is_in_a_session),
        CASE(without_redis_clock_all_are_taken),
        CASE(a_save_tells_the_time_of_its_load),
        CASE(nothing_lies_open_while_the_time_is_asked),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
