/* Meta's channel when the queue of replies is full: the message comes again, and the log says so,
 * not for each message but once a minute. */
#include "server/channels/meta/meta.h"

#include "server/security/keyed_hashes.h"
#include "server/security/keys.h"
#include "server/telemetry/log.h"
#include "store/redis.h"
#include "store/replies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MESSAGE(id_)                                                               \
    {                                                                              \
        .address = "meta:+243812345678", .address_length = 18, .scheme_length = 5, \
        .phone_number = "+243812345678", .id = (id_), .id_length = 6               \
    }

static struct {
    struct keyed_hashes *hashes;
    struct flow *flow;
    struct replies_store *store;
    struct replies_link *link;
    struct channel *channel;
    time_t slept_s;
    size_t lines; /* that say that the queue is full */
    size_t done, handled;
} bench;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    const int status = __real_clock_gettime(clock, now);

    now->tv_sec += bench.slept_s;
    return status;
}

void __wrap_log_event(enum log_level level, const char *event, const struct log_field *fields);
void __wrap_log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    (void)fields;
    if (strcmp(event, "replies_full") == 0) {
        assert_int_equal(level, LOG_ERROR);
        bench.lines++;
    }
}

void __wrap_delivery_done(struct delivery *delivery, const struct message *message, bool handled);
void __wrap_delivery_done(struct delivery *delivery, const struct message *message, bool handled)
{
    (void)delivery;
    (void)message;
    bench.done++;
    bench.handled += handled;
}

/* A queue for one reply, that nobody takes. */
static int open_bench(void **state)
{
    static const struct config config = {.meta_app_secret = "0123456789abcdef"};
    static const struct redis_links no_redis;
    static const struct replies_settings settings = {.length_max = 1,
                                                     .in_flight_max = 10,
                                                     .put_ttl_ms = 600000,
                                                     .age_max_ms = 600000,
                                                     .lease_ms = 20000,
                                                     .look_ms = 1000};
    const struct keys keys = {0};
    char error[ERROR_MAX], *report = NULL;
    size_t length;
    const char *json = flow_default_json(&length);

    (void)state;
    memset(&bench, 0, sizeof bench);
    bench.hashes = keyed_hashes_create(&keys);
    bench.flow = flow_load("test", json, length, &report);
    bench.store = replies_open(&settings, error);
    assert_non_null(bench.store);
    bench.link = replies_attach(bench.store, NULL, &no_redis, NULL, NULL, error);
    assert_non_null(bench.link);
    bench.channel = meta_create(
        &(struct meta_settings){
            .config = &config, .flow = bench.flow, .hashes = bench.hashes, .replies = bench.link},
        NULL);
    assert_non_null(bench.channel);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    channel_free(bench.channel);
    replies_detach(bench.link);
    replies_close(bench.store);
    flow_free(bench.flow);
    keyed_hashes_free(bench.hashes);
    return 0;
}

/* Whether the reply to a message is safe in the queue. */
static bool answer(const char *id)
{
    const struct message message = MESSAGE(id);
    struct conversation conversation;
    const size_t done = bench.done, handled = bench.handled;

    conversation_start(&conversation, NULL, 0);
    bench.channel->class->answer(
        bench.channel, NULL, &message,
        &(struct exchange_reply){
            .handled = true, .text = "Bonjour", .length = 7, .conversation = &conversation});
    assert_int_equal(bench.done, done + 1);
    return bench.handled > handled;
}

static void a_full_queue_is_told_once_a_minute(void **state)
{
    (void)state;
    assert_true(answer("wamid0"));
    assert_int_equal(bench.lines, 0);
    assert_false(answer("wamid1"));
    assert_false(answer("wamid2"));
    assert_int_equal(bench.lines, 1);
    bench.slept_s = 50;
    assert_false(answer("wamid3"));
    assert_int_equal(bench.lines, 1);
    bench.slept_s = 60;
    assert_false(answer("wamid4"));
    assert_false(answer("wamid5"));
    assert_int_equal(bench.lines, 2);
}

/* It is there already: nothing is lost, and nothing to be told. */
static void what_is_in_the_full_queue_is_safe(void **state)
{
    (void)state;
    assert_true(answer("wamid0"));
    assert_true(answer("wamid0"));
    assert_int_equal(bench.lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_queue_is_told_once_a_minute, open_bench,
                                        close_bench),
        cmocka_unit_test_setup_teardown(what_is_in_the_full_queue_is_safe, open_bench, close_bench),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
