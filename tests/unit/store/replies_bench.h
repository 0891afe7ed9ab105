/*
 * What the tests of the replies share: a store in memory or in a Redis of their own, and postmen:
 * links on one loop, each with a sender that notes what it is handed and ends it at once, or holds
 * it until the test says how it ends.
 */
#ifndef REPLIES_BENCH_H
#define REPLIES_BENCH_H

#include "store/redis_links.h"

#include "store/replies.h"
#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>

#define PATIENCE_SECONDS 30
#define DAY_MS (24 * 3600 * 1000)

static struct redis_server server;
static struct event_base *base;
static struct replies_settings settings;
static struct replies_store *store;
static char url[160];
static struct test_redis redis; /* of the loop of all postmen */
static uint64_t next_key = 1;
static unsigned room = 64; /* of a postman that is opened */

/* What came by, in order: "address body ". */
struct notes {
    char text[65536];
    size_t length;
    unsigned count;
};

struct postman {
    struct replies_link *link;
    struct notes notes, *shares; /* NULL, or where it notes instead */
    bool holds;                  /* replies stay out until the test ends them */
    struct reply *held[64];
    unsigned held_count;
    unsigned out, out_most;
    enum reply_end ends; /* else, how they end */
    int64_t delay_ms;
    unsigned later; /* so many of them end with REPLY_LATER first */
    unsigned cancelled, old, damaged, troubles;
    unsigned lengths;
    uint64_t length;
    int64_t oldest_ms;
    char why[ERROR_MAX];
};

struct letter {
    struct replies_entry entry; /* first: its ticket is where done finds us */
    unsigned done;
};

static inline int64_t wall_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void patience_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Runs the loop until the expression holds. */
#define until(expression)                                                     \
    do {                                                                      \
        bool ended_ = false;                                                  \
        struct event *patience_ = evtimer_new(base, patience_ended, &ended_); \
        event_add(patience_, &(struct timeval){PATIENCE_SECONDS, 0});         \
        while (!(expression) && !ended_)                                      \
            event_base_loop(base, EVLOOP_ONCE);                               \
        event_free(patience_);                                                \
        if (ended_)                                                           \
            fail_msg("waited in vain until %s", #expression);                 \
    } while (0)

static inline void store_open(void)
{
    char error[ERROR_MAX] = "";
    store = replies_open(&settings, error);
    if (store == NULL)
        fail_msg("%s", error);
}

static inline int start_memory(void **state)
{
    (void)state;
    base = event_base_new();
    settings = (struct replies_settings){.in_flight_max = 1000,
                                         .length_max = 16000,
                                         .put_ttl_ms = 60000,
                                         .age_max_ms = DAY_MS,
                                         .lease_ms = 4000,
                                         .look_ms = 20};
    memset(settings.seal_key, 's', sizeof settings.seal_key);
    memset(settings.address_key, 'a', sizeof settings.address_key);
    store_open();
    return 0;
}

static inline int stop_memory(void **state)
{
    (void)state;
    replies_close(store);
    test_redis_close(&redis);
    event_base_free(base);
    return 0;
}

static inline int start_redis(void **state)
{
    start_memory(state);
    replies_close(store);
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    settings.in_redis = true;
    test_redis_open(&redis, base, url, 5000);
    store_open();
    return 0;
}

static inline int stop_redis(void **state)
{
    stop_memory(state);
    redis_server_stop(&server);
    return 0;
}

/* A case for each backend, and one for Redis alone. */
#define BOTH(name)                                             \
    {"memory: " #name, name, start_memory, stop_memory, NULL}, \
    {                                                          \
        "redis: " #name, name, start_redis, stop_redis, NULL   \
    }
#define REDIS(name) cmocka_unit_test_setup_teardown(name, start_redis, stop_redis)

/* Postmen */

static inline void note(struct notes *notes, const struct reply *reply)
{
    int n = snprintf(notes->text + notes->length, sizeof notes->text - notes->length, "%s %s ",
                     reply->address, reply->body);
    assert_true(n > 0 && notes->length + n < sizeof notes->text);
    notes->length += n;
    notes->count++;
}

static inline void postman_end(struct postman *postman, unsigned i, enum reply_end end,
                               int64_t delay_ms)
{
    struct reply *reply = postman->held[i];
    assert_true(i < postman->held_count);
    memmove(&postman->held[i], &postman->held[i + 1],
            (postman->held_count - i - 1) * sizeof *postman->held);
    postman->held_count--;
    postman->out--;
    reply_done(reply, end, delay_ms);
}

static inline void postman_send(struct reply *reply)
{
    struct postman *postman = reply->arg;

    note(postman->shares != NULL ? postman->shares : &postman->notes, reply);
    if (++postman->out > postman->out_most)
        postman->out_most = postman->out;
    assert_true(postman->held_count < 64);
    postman->held[postman->held_count++] = reply;
    if (postman->holds)
        return;
    if (postman->later > 0) {
        postman->later--;
        postman_end(postman, postman->held_count - 1, REPLY_LATER, postman->delay_ms);
    } else {
        postman_end(postman, postman->held_count - 1, postman->ends, postman->delay_ms);
    }
}

static inline void postman_cancel(struct reply *reply)
{
    struct postman *postman = reply->arg;

    for (unsigned i = 0; i < postman->held_count; i++) {
        if (postman->held[i] != reply)
            continue;
        memmove(&postman->held[i], &postman->held[i + 1],
                (postman->held_count - i - 1) * sizeof *postman->held);
        postman->held_count--;
        postman->out--;
        postman->cancelled++;
        return;
    }
    fail_msg("something was cancelled that is not out");
}

static inline void on_length(void *arg, uint64_t length, int64_t oldest_ms)
{
    struct postman *postman = arg;
    postman->length = length;
    postman->oldest_ms = oldest_ms;
    postman->lengths++;
}

static inline void on_dropped(void *arg, enum reply_drop drop)
{
    struct postman *postman = arg;
    if (drop == REPLY_TOO_OLD)
        postman->old++;
    else
        postman->damaged++;
}

static inline void on_trouble(void *arg, const char *why)
{
    struct postman *postman = arg;
    postman->troubles++;
    snprintf(postman->why, sizeof postman->why, "%s", why);
}

static inline void postman_attach(struct postman *postman, struct event_base *loop)
{
    const struct replies_sender sender = {postman_send, postman_cancel, postman, room};
    const struct replies_watch watch = {
        .length = on_length, .dropped = on_dropped, .trouble = on_trouble, .arg = postman};
    char error[ERROR_MAX] = "";

    postman->link = replies_attach(store, loop, &redis.links, &sender, &watch, error);
    if (postman->link == NULL)
        fail_msg("%s", error);
}

static inline struct postman *postman_open(void)
{
    struct postman *postman = calloc(1, sizeof *postman);
    assert_non_null(postman);
    postman_attach(postman, base);
    return postman;
}

static inline void postman_close(struct postman *postman)
{
    replies_detach(postman->link);
    assert_int_equal(postman->out, 0);
    free(postman);
}

/* A link that only puts. */
static inline struct replies_link *clerk_open(void)
{
    char error[ERROR_MAX] = "";
    struct replies_link *link = replies_attach(store, base, &redis.links, NULL, NULL, error);
    if (link == NULL)
        fail_msg("%s", error);
    return link;
}

/* Letters */

static inline void letter_done(struct store_ticket *ticket)
{
    ((struct letter *)ticket)->done++;
}

static inline struct letter letter_of(const char *address, const char *body, uint64_t key)
{
    return (struct letter){.entry = {.ticket.done = letter_done,
                                     .address = address,
                                     .address_length = strlen(address),
                                     .body = body,
                                     .body_length = strlen(body),
                                     .created_ms = wall_now_ms(),
                                     .key = key}};
}

static inline struct letter letter_to(const char *address, const char *body)
{
    return letter_of(address, body, next_key++);
}

/* Puts and waits, first for Redis; says how it ended. */
static inline enum store_status letter_put(struct replies_link *link, struct letter *letter)
{
    enum store_status status;
    letter->done = 0;
    until(replies_link_up(link));
    status = replies_put(link, &letter->entry);
    assert_int_equal(letter->done, 0);
    if (status != STORE_LATER)
        return status;
    until(letter->done > 0);
    assert_int_equal(letter->done, 1);
    return letter->entry.ticket.status;
}

#define assert_status(status, expected) \
    assert_string_equal(store_status_name(status), store_status_name(expected))

static inline void put(struct replies_link *link, const char *address, const char *body)
{
    struct letter letter = letter_to(address, body);
    assert_status(letter_put(link, &letter), STORE_OK);
}

#define ask(...) redis_server_ask(&server, __VA_ARGS__)
#define tell(...) freeReplyObject(ask(__VA_ARGS__))

/* Replies that wait in Redis. */
static inline long long waiting(void)
{
    redisReply *reply = ask("ZCARD uic:replies:ages");
    const long long length = reply->integer;

    freeReplyObject(reply);
    return length;
}

#endif
