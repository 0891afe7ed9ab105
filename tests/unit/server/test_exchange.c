/* An exchange on stores of the test's own, which answer late, conflict or take nothing: what the
 * person is told must be what the session knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exchange/exchange_parts.h"
#include "server/exchange/quota.h"
#include "server/security/keys.h"
#include "store/base/clock.h"
#include <event2/event.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SALT "test-Salt_0f7Qm3ZkX9-Yw4Lr8Tn5Hb2"
#define SECONDS INT64_C(1000000)

enum fate {
    SAVED,
    CONFLICT,
    SAVED_BEFORE, /* a conflict with what this exchange itself had sent, and nobody had heard of */
    SAVED_LATE,   /* and the answer does not come */
};

static struct {
    unsigned char bytes[SESSION_BYTES_MAX];
    size_t length;
    unsigned saves, done;
    enum fate fates[32];
} kept;

static struct {
    unsigned count;
    bool handled;
    char text[FLOW_REPLY_MAX];
} told;

static unsigned char room[SESSION_BYTES_MAX];
static bool in_clear; /* what room holds is still to be wiped */
static struct flow *flow;
static struct keys keys;
static struct counting counting;
static struct counters *counters;
static struct exchange_settings settings;
static struct exchange_service *service;
static int64_t older_us; /* by so much an exchange is when its session is loaded */
static int64_t code_counted_s;
static bool no_randomness;

void __wrap_session_init(struct session_link *link, struct session *session, const char *address,
                         size_t length);
enum store_status __wrap_session_load(struct session_link *link, struct session *session);
enum store_status __wrap_session_save(struct session_link *link, struct session *session);
void __wrap_session_wipe(struct session *session);
bool __wrap_session_may_be_lost(const struct session *session);
enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim);
void __wrap_quota_code(struct quota *quota, uint64_t who, int64_t now_s);
int __wrap_RAND_bytes(unsigned char *bytes, int count);
int __real_RAND_bytes(unsigned char *bytes, int count);

void __wrap_session_init(struct session_link *link, struct session *session, const char *address,
                         size_t length)
{
    (void)link;
    (void)address;
    (void)length;
    session->bytes = room;
    session->length = session->mark_length = 0;
}

enum store_status __wrap_session_load(struct session_link *link, struct session *session)
{
    (void)link;
    TAILQ_FIRST(&service->exchanges)->started_us -= older_us;
    memcpy(session->bytes, kept.bytes, kept.length);
    in_clear = true;
    session->length = kept.length;
    session->mark_length = 0;
    return kept.length > 0 ? STORE_OK : STORE_ABSENT;
}

enum store_status __wrap_session_save(struct session_link *link, struct session *session)
{
    const enum fate fate = kept.fates[kept.saves++];

    (void)link;
    in_clear = true;
    if (fate != CONFLICT) {
        memcpy(kept.bytes, session->bytes, session->length);
        kept.length = session->length;
        kept.done++;
    }
    return fate == SAVED ? STORE_OK : fate == SAVED_LATE ? STORE_LATER : STORE_CONFLICT;
}

void __wrap_session_wipe(struct session *session)
{
    memset(session->bytes, 0xa5, sizeof room); /* whoever reads it later reads nothing */
    in_clear = false;
    session->length = 0;
}

bool __wrap_session_may_be_lost(const struct session *session)
{
    (void)session;
    return false;
}

enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim)
{
    (void)link;
    claim->is_new = true;
    claim->asked_before = false;
    return STORE_OK;
}

void __wrap_quota_code(struct quota *quota, uint64_t who, int64_t now_s)
{
    (void)quota;
    (void)who;
    code_counted_s = now_s;
}

int __wrap_RAND_bytes(unsigned char *bytes, int count)
{
    return no_randomness ? 0 : __real_RAND_bytes(bytes, count);
}

static int64_t day_of(int64_t at_s)
{
    return at_s / 86400;
}

static int setup(void **state)
{
    size_t length;
    char *report, error[ERROR_MAX];
    const char *json = flow_default_json(&length);

    (void)state;
    flow = flow_load("ciu-rdc.json", json, length, &report);
    assert_int_equal(keys_derive(&keys, SALT), 0);
    counting_init(&counting, flow);
    const struct counters_settings counted = {
        .fields = counting.fields,
        .field_count = counting.field_count,
        .steps = counting.steps,
        .step_count = flow_step_count(flow),
        .generation = counting.generation,
        .life_minutes = 15,
        .day_of = day_of,
    };
    counters = counters_open(&counted, error);
    memset(&kept, 0, sizeof kept);
    older_us = 0;
    no_randomness = false;
    settings = (struct exchange_settings){
        .base = event_base_new(),
        .flow = flow,
        .hashes = keyed_hashes_create(&keys),
        .numbers = phone_numbers_create(&keys, false),
        .salt = SALT,
        .quota = quota_create(&(struct quota_limits){0}),
        .counting = &counting,
        .in_flight_max = 1,
        .deadline_ms = EXCHANGE_DEADLINE_MS,
    };
    settings.counters = counters_attach(counters, settings.base, NULL, NULL, error);
    service = exchange_service_create(&settings);
    assert_non_null(service);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_false(in_clear);
    exchange_service_free(service);
    counters_detach(settings.counters);
    counters_close(counters);
    quota_free(settings.quota);
    phone_numbers_free(settings.numbers);
    keyed_hashes_free(settings.hashes);
    event_base_free(settings.base);
    flow_free(flow);
    return 0;
}

static void on_answer(void *arg, const struct message *message, const struct exchange_reply *reply)
{
    (void)arg;
    (void)message;
    told.count++;
    told.handled = reply->handled;
    snprintf(told.text, sizeof told.text, "%.*s", (int)reply->length, reply->text);
}

static int begin(const char *text, const char *id)
{
    static struct message message;

    message = (struct message){
        .channel = "test",
        .address = "whatsapp:+243810000001",
        .address_length = sizeof "whatsapp:+243810000001" - 1,
        .scheme_length = sizeof "whatsapp:" - 1,
        .phone_number = "+243810000001",
        .id = id,
        .id_length = strlen(id),
        .text = text,
        .text_length = strlen(text),
    };
    told.count = 0;
    return exchange_begin(service, &message, on_answer, NULL);
}

/* Says it, and waits for the answer. */
static void say(const char *text, const char *id)
{
    assert_int_equal(begin(text, id), 0);
    while (told.count == 0)
        event_base_loop(settings.base, EVLOOP_ONCE);
    assert_int_equal(told.count, 1);
}

static void conversation_begin(void)
{
    say("Bonjour", "SM0");
    assert_true(told.handled);
    kept.saves = kept.done = 0;
}

static void in_time_it_is_saved(void **state)
{
    (void)state;
    conversation_begin();
    older_us = 7 * SECONDS;
    say("1985", "SM1");
    assert_true(told.handled);
    assert_int_equal(kept.done, 1);
}

/* The last of many conflicts may be with a save of its own: the session tells. */
static void after_the_last_conflict_the_session_is_asked_once_more(void **state)
{
    char reply[FLOW_REPLY_MAX];

    (void)state;
    conversation_begin();
    say("1985", "SM1");
    memcpy(reply, told.text, sizeof reply);
    kept.length = 0;
    conversation_begin();
    for (int i = 0; i < 15; i++)
        kept.fates[i] = CONFLICT;
    kept.fates[15] = SAVED_BEFORE;
    say("1985", "SM1");
    assert_true(told.handled);
    assert_string_equal(told.text, reply);
    assert_int_equal(kept.saves, 16);
}

static void conflicts_come_to_an_end(void **state)
{
    (void)state;
    conversation_begin();
    for (size_t i = 0; i < sizeof kept.fates / sizeof *kept.fates; i++)
        kept.fates[i] = CONFLICT;
    say("1985", "SM1");
    assert_false(told.handled);
    assert_int_equal(kept.saves, 16);
}

/* Windows of the quota begin with the present, however long the exchange took. */
static void a_code_is_counted_when_it_is_told(void **state)
{
    static const char *const answers[] = {"1985", "Kinshasa", "Jean", "15", "Kabila"};
    char id[16];

    (void)state;
    conversation_begin();
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "SM%d", i + 1);
        older_us = i == 4 ? 5 * SECONDS : 0;
        code_counted_s = 0;
        say(answers[i], id);
        assert_true(told.handled);
    }
    assert_true(code_counted_s > 0);
    assert_true(clock_monotonic_us() / SECONDS - code_counted_s < 3);
}

/* What cannot be told from others is refused, and its memory goes the way of all. */
static void what_is_refused_at_once_is_wiped(void **state)
{
    (void)state;
    no_randomness = true;
    assert_int_equal(begin("Kabila", ""), -1);
    assert_int_equal(told.count, 0);
    assert_int_equal(service->spare_count, 1);
    assert_int_equal(exchange_in_flight(service), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(in_time_it_is_saved),
        CASE(after_the_last_conflict_the_session_is_asked_once_more),
        CASE(conflicts_come_to_an_end),
        CASE(a_code_is_counted_when_it_is_told),
        CASE(what_is_refused_at_once_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
