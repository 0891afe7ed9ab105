/* A thread's links to the Redis of a test, with a deadline of the test's own. */
#ifndef TEST_REDIS_LINKS_H
#define TEST_REDIS_LINKS_H

#include "store/redis_server.h"

#include "store/redis.h"
#include "store/redis/link.h"

/* Stays where it is until it is closed. */
struct test_redis {
    struct redis_url url;
    struct redis_links links;
};

/* text NULL: there is none. */
static inline void test_redis_open(struct test_redis *redis, struct event_base *base,
                                   const char *text, unsigned deadline_ms)
{
    char error[ERROR_MAX] = "";

    *redis = (struct test_redis){0};
    if (text == NULL)
        return;
    if (redis_url_parse(&redis->url, text, error) != 0)
        fail_msg("%s", error);
    redis->links.prompt = redis_link_open(base, &redis->url, deadline_ms, error);
    redis->links.patient = redis_link_open(base, &redis->url, deadline_ms, error);
    assert_non_null(redis->links.prompt);
    assert_non_null(redis->links.patient);
}

static inline void test_redis_close(struct test_redis *redis)
{
    redis_links_close(&redis->links);
    redis_url_deinit(&redis->url);
}

#endif
