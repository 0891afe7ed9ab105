/*
 * What the tests of sessions in Redis share: a Redis of their own, a link to it, and a person with
 * something to keep.
 */
#ifndef TEST_SESSION_REDIS_BENCH_H
#define TEST_SESSION_REDIS_BENCH_H

#include "store/redis_server.h"
#include "store/session_bench.h"

#define ADDRESS "whatsapp:+243812345678"

static struct redis_server server;
static struct bench bench;
static char url[160];

static inline int start(void **state)
{
    (void)state;
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    struct session_settings settings = bench_settings(url);
    bench_open(&bench, &settings);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    bench_close(&bench);
    redis_server_stop(&server);
    return 0;
}

static inline void reopen(const struct session_settings *settings)
{
    bench_close(&bench);
    bench_open(&bench, settings);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

static inline enum store_status save_something(void)
{
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    (void)visit_load(&bench, &visit);
    visit_say(&visit, "Kabila");
    visit_mark(&visit, "Lumumba");
    return visit_save(&bench, &visit);
}

static inline void load_says(const char *text)
{
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_says(&visit, text);
}

#endif
