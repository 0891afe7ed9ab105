/*
 * What the tests of sessions share: a store with one link on one loop, people with addresses, and
 * operations that wait for their end.
 */
#ifndef TEST_SESSION_BENCH_H
#define TEST_SESSION_BENCH_H

#include "store/redis_links.h"

#include "store/sessions.h"
#include "store/sessions/backend.h"
#include <event2/event.h>

/* Long enough that only what never ends meets it. */
#define PATIENCE_SECONDS 30

struct bench {
    struct session_settings settings;
    struct session_store *store;
    struct event_base *base;
    struct redis_url url;
    struct redis_link *redis; /* NULL: memory */
    struct session_link *link;
    /* What the watch was told: */
    bool up;
    unsigned changes;
    char why[ERROR_MAX];
};

/* A session under way; done counts the calls of the ticket. */
struct visit {
    struct session session;
    unsigned done;
};

static inline void visit_done(struct store_ticket *ticket)
{
    ((struct visit *)ticket)->done++;
}

static inline void bench_changed(void *arg, bool up, const char *why)
{
    struct bench *bench = arg;
    bench->up = up;
    bench->changes++;
    snprintf(bench->why, sizeof bench->why, "%s", why);
}

static inline void patience_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Runs the loop until the expression holds. */
#define bench_until(bench, expression)                                               \
    do {                                                                             \
        bool ended = false;                                                          \
        struct event *patience = evtimer_new((bench)->base, patience_ended, &ended); \
        event_add(patience, &(struct timeval){PATIENCE_SECONDS, 0});                 \
        while (!(expression) && !ended)                                              \
            event_base_loop((bench)->base, EVLOOP_ONCE);                             \
        event_free(patience);                                                        \
        if (ended)                                                                   \
            fail_msg("waited in vain until %s", #expression);                        \
    } while (0)

/* Which Redis, and its deadline, from the next bench_attach on. */
static const char *bench_url;
static unsigned bench_deadline_ms;

static inline struct session_settings bench_settings(const char *url)
{
    struct session_settings settings = {
        .in_redis = url != NULL,
        .ttl_ms = 600000,
        .mark_ttl_ms = 3600000,
        .in_flight_max = 1000,
        .memory_max = 1000,
    };
    bench_url = url;
    bench_deadline_ms = 5000;
    memset(settings.address_key, 'a', sizeof settings.address_key);
    memset(settings.seal_key, 's', sizeof settings.seal_key);
    return settings;
}

/* Attached, whether or not there is somebody to attach to. */
static inline void bench_attach(struct bench *bench, const struct session_settings *settings)
{
    char error[ERROR_MAX] = "";
    *bench = (struct bench){.settings = *settings};
    const struct store_watch watch = {bench_changed, bench};

    bench->store = session_store_open(settings, error);
    if (bench->store == NULL)
        fail_msg("%s", error);
    bench->base = event_base_new();
    if (settings->in_redis) {
        if (redis_url_parse(&bench->url, bench_url, error) != 0)
            fail_msg("%s", error);
        bench->redis = redis_link_open(bench->base, &bench->url, bench_deadline_ms, error);
        assert_non_null(bench->redis);
    }
    bench->link = session_attach(bench->store, bench->redis, &watch, error);
    assert_non_null(bench->link);
}

static inline void bench_open(struct bench *bench, const struct session_settings *settings)
{
    bench_attach(bench, settings);
    bench_until(bench, session_link_up(bench->link));
}

static inline void bench_detach(struct bench *bench)
{
    session_detach(bench->link);
    bench->link = NULL;
}

static inline void bench_close(struct bench *bench)
{
    bench_detach(bench);
    redis_link_close(bench->redis);
    redis_url_deinit(&bench->url);
    event_base_free(bench->base);
    session_store_close(bench->store);
}

/* Whether Redis can be reached, and why not. */
static inline int bench_probe(char error[ERROR_MAX])
{
    struct redis_call *call = redis_call_open(bench_url, bench_deadline_ms, error);

    redis_call_close(call);
    return call != NULL ? 0 : -1;
}

static inline void visit_init(struct bench *bench, struct visit *visit, const char *address)
{
    memset(visit, 0, sizeof *visit);
    session_init(bench->link, &visit->session, address, strlen(address));
    visit->session.ticket.done = visit_done;
}

/* How an operation ended, whether at once or later. */
static inline enum store_status visit_end(struct bench *bench, struct visit *visit,
                                          enum store_status status)
{
    if (status != STORE_LATER) {
        assert_int_equal(visit->done, 0);
        return status;
    }
    bench_until(bench, visit->done > 0);
    assert_int_equal(visit->done, 1);
    visit->done = 0;
    assert_int_not_equal(visit->session.ticket.status, STORE_LATER);
    return visit->session.ticket.status;
}

static inline enum store_status visit_load(struct bench *bench, struct visit *visit)
{
    return visit_end(bench, visit, session_load(bench->link, &visit->session));
}

static inline enum store_status visit_save(struct bench *bench, struct visit *visit)
{
    return visit_end(bench, visit, session_save(bench->link, &visit->session));
}

static inline enum store_status visit_forget(struct bench *bench, struct visit *visit,
                                             bool keep_mark)
{
    return visit_end(bench, visit, session_forget(bench->link, &visit->session, keep_mark));
}

static inline void visit_say(struct visit *visit, const char *text)
{
    visit->session.length = strlen(text);
    memcpy(visit->session.bytes, text, visit->session.length);
}

static inline void visit_mark(struct visit *visit, const char *mark)
{
    visit->session.mark_length = strlen(mark);
    memcpy(visit->session.mark, mark, visit->session.mark_length);
}

#define assert_status(status, expected) \
    assert_string_equal(store_status_name(status), store_status_name(expected))

static inline void assert_says(const struct visit *visit, const char *text)
{
    assert_int_equal(visit->session.length, strlen(text));
    assert_memory_equal(visit->session.bytes, text, strlen(text));
}

/* Where the link keeps what is in clear. */
static inline void assert_room_is_empty(const struct bench *bench)
{
    for (size_t i = 0; i < sizeof bench->link->clear; i++)
        assert_int_equal(bench->link->clear[i], 0);
}

static inline void assert_marked(const struct visit *visit, const char *mark)
{
    assert_int_equal(visit->session.mark_length, strlen(mark));
    assert_memory_equal(visit->session.mark, mark, strlen(mark));
}

#endif
