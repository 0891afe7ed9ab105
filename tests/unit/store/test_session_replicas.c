/* A save counts when replicas have it: real ones, that stand still, go and are promoted. */
#include "store/redis_replica.h"
#include "store/session_redis_bench.h"

static struct redis_server replica;
static struct session_settings settings;

static int start_both(void **state)
{
    (void)state;
    redis_server_start(&server, true, NULL);
    redis_replica_start(&replica, &server);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    settings = bench_settings(url);
    settings.replicas = 1;
    bench_open(&bench, &settings);
    return 0;
}

static int stop_both(void **state)
{
    redis_replica_stop(&replica);
    return stop(state);
}

#define CASE_OF_TWO(name) cmocka_unit_test_setup_teardown(name, start_both, stop_both)

static long long number_of(const struct redis_server *where, const char *command)
{
    redisReply *reply = redis_server_ask(where, command);
    long long number = reply->integer;

    freeReplyObject(reply);
    return number;
}

/* From INFO commandstats. */
static int waits(void)
{
    redisReply *reply = redis_server_ask(&server, "INFO commandstats");
    const char *found = strstr(reply->str, "cmdstat_wait:calls=");
    int calls = found != NULL ? atoi(found + strlen("cmdstat_wait:calls=")) : 0;

    freeReplyObject(reply);
    return calls;
}

static void visits_start(struct visit *visits, int count)
{
    for (int i = 0; i < count; i++) {
        char address[32];
        snprintf(address, sizeof address, "whatsapp:+2438%08d", i);
        visit_init(&bench, &visits[i], address);
        visit_say(&visits[i], "Kabila");
        assert_status(session_save(bench.link, &visits[i].session), STORE_LATER);
    }
}

static void visits_end(struct visit *visits, int count, enum store_status status)
{
    for (int i = 0; i < count; i++)
        assert_status(visit_end(&bench, &visits[i], STORE_LATER), status);
}

static void what_a_replica_has_is_saved(void **state)
{
    (void)state;
    struct visit visit;

    assert_status(save_something(), STORE_OK);
    assert_int_equal(number_of(&replica, "DBSIZE"), 2); /* and its mark */
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_true(session_may_be_lost(&visit.session)); /* another's save might have been in vain */
    visit_init(&bench, &visit, "whatsapp:+243800000000");
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_false(session_may_be_lost(&visit.session));
}

static void all_that_is_saved_at_once_waits_together(void **state)
{
    (void)state;
    struct visit visits[30];
    const int before = waits();

    visits_start(visits, 30);
    visits_end(visits, 30, STORE_OK);
    assert_int_equal(waits() - before, 1);
    assert_int_equal(number_of(&replica, "DBSIZE"), 30);
}

static void what_no_replica_has_in_time_may_be_lost(void **state)
{
    (void)state;

    assert_status(save_something(), STORE_OK);
    kill(replica.pid, SIGSTOP);
    assert_status(save_something(), STORE_UNREPLICATED);
    assert_false(session_link_up(bench.link));
    assert_int_equal(session_link_health(bench.link)->refusal, REDIS_LACKS_REPLICAS);
    assert_non_null(strstr(bench.why, "sessions: too few replicas in time"));
    const unsigned changes = bench.changes;
    assert_status(save_something(), STORE_UNREPLICATED);
    assert_int_equal(bench.changes, changes); /* told once */
    load_says("Kabila");
    kill(replica.pid, SIGCONT);
    bench_until(&bench, session_link_up(bench.link)); /* found without a command of ours */
    assert_status(save_something(), STORE_OK);
}

static void who_may_not_wait_is_told_in_the_words_of_redis(void **state)
{
    (void)state;

    freeReplyObject(redis_server_ask(&server, "ACL SETUSER default -wait"));
    assert_status(save_something(), STORE_UNREPLICATED);
    assert_int_equal(session_link_health(bench.link)->refusal, REDIS_FORBIDS);
    assert_non_null(strstr(bench.why, "NOPERM"));
}

static void what_was_saved_survives_a_failover(void **state)
{
    (void)state;
    struct visit visits[30];

    visits_start(visits, 30);
    visits_end(visits, 30, STORE_OK);
    redis_server_kill(&server);
    freeReplyObject(redis_server_ask(&replica, "REPLICAOF NO ONE"));
    assert_int_equal(number_of(&replica, "DBSIZE"), 30);
}

/* The connection that knew what it had written is gone, and another one's WAIT would say yes. */
static void a_lost_connection_confirms_nothing(void **state)
{
    (void)state;
    struct visit visits[10];

    kill(replica.pid, SIGSTOP);
    visits_start(visits, 10);
    while (number_of(&server, "DBSIZE") < 10)
        event_base_loop(bench.base, EVLOOP_NONBLOCK);
    freeReplyObject(redis_server_ask(&server, "CLIENT KILL TYPE normal SKIPME yes"));
    visits_end(visits, 10, STORE_DOWN);
}

static void what_waits_ends_with_its_link(void **state)
{
    (void)state;
    struct visit visits[3];

    kill(replica.pid, SIGSTOP);
    visits_start(visits, 3);
    while (number_of(&server, "DBSIZE") < 3)
        event_base_loop(bench.base, EVLOOP_NONBLOCK);
    bench_detach(&bench);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(visits[i].done, 1);
        assert_status(visits[i].session.ticket.status, STORE_DOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE_OF_TWO(what_a_replica_has_is_saved),
        CASE_OF_TWO(all_that_is_saved_at_once_waits_together),
        CASE_OF_TWO(what_no_replica_has_in_time_may_be_lost),
        CASE_OF_TWO(who_may_not_wait_is_told_in_the_words_of_redis),
        CASE_OF_TWO(what_was_saved_survives_a_failover),
        CASE_OF_TWO(a_lost_connection_confirms_nothing),
        CASE_OF_TWO(what_waits_ends_with_its_link),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
