/*
 * What the outbox tests share: a Redis and an SQLite database of their own, links between them on
 * one loop, and claims to put.
 */
#ifndef OUTBOX_BENCH_H
#define OUTBOX_BENCH_H

#include "store/record_bench.h"
#include "store/redis_links.h"

#include "store/base/seal.h"
#include "store/outbox/link.h"

#define STREAM "uic:outbox"
#define KEPT STREAM ":refused"
#define OWN STREAM ":own"
/* How many records there are, and the sum of their counts. */
#define ROWS "SELECT count(*) || ' ' || coalesce(sum(request_count), 0) FROM uic_records"
/* Long enough that only what never ends meets it. */
#define PATIENCE_SECONDS 30

/* One link, and what its watch was told. */
struct outbox {
    struct outbox_link *link;
    struct test_redis redis;
    uint64_t length;
    int64_t age_ms;
    unsigned lengths; /* how often */
    unsigned written;
    unsigned refused;
    unsigned dropped;
    uint64_t foreign;
    unsigned foreigns;     /* how often */
    unsigned unreplicated; /* since some were in time */
    char why[ERROR_MAX];
};

struct letter {
    struct outbox_entry entry; /* first: its ticket is where done finds us */
    struct record_claim claim;
    unsigned done;
};

static struct redis_server server;
static struct bench bench; /* loop and records */
static struct outbox_settings settings;
static struct seal_keys *seal_keys;
static char group[OUTBOX_GROUP_MAX];
static char url[160];
static unsigned deadline_ms;

static const struct outbox_pace quick = {
    .look_ms = 10, .dead_ms = 3600000, .forget_ms = 3600000, .pause_ms = 10, .pause_max_ms = 50};

static inline void patience_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Runs the loop until the expression holds. */
#define until(expression)                                                           \
    do {                                                                            \
        bool ended_ = false;                                                        \
        struct event *patience_ = evtimer_new(bench.base, patience_ended, &ended_); \
        event_add(patience_, &(struct timeval){PATIENCE_SECONDS, 0});               \
        while (!(expression) && !ended_)                                            \
            event_base_loop(bench.base, EVLOOP_ONCE);                               \
        event_free(patience_);                                                      \
        if (ended_)                                                                 \
            fail_msg("waited in vain until %s", #expression);                       \
    } while (0)

/* Seals by another key from now on; once the links that have the one before are closed. */
static inline void keys_use(char letter)
{
    unsigned char key[SEAL_KEY_SIZE];

    memset(key, letter, sizeof key);
    seal_keys_free(seal_keys);
    settings.keys = seal_keys = seal_keys_create(key);
    assert_non_null(seal_keys);
    outbox_group_name(seal_keys, group);
}

static inline void settings_set(void)
{
    deadline_ms = 5000;
    settings = (struct outbox_settings){
        .in_flight_max = 4096, .length_max = 100000, .length_alarm = 50000, .drain = true};
    keys_use('o');
    memcpy(settings.erased_key, erased_key, sizeof erased_key);
}

static inline int start(void **state)
{
    (void)state;
    bench_open(&bench);
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    settings_set();
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    redis_server_stop(&server);
    bench_remove(&bench);
    seal_keys_free(seal_keys);
    seal_keys = NULL;
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

static inline void outbox_length(void *arg, uint64_t length, int64_t oldest_age_ms)
{
    struct outbox *outbox = arg;
    outbox->length = length;
    outbox->age_ms = oldest_age_ms;
    outbox->lengths++;
}

static inline void outbox_written(void *arg)
{
    ((struct outbox *)arg)->written++;
}

static inline void outbox_refused(void *arg, const char *why)
{
    struct outbox *outbox = arg;
    outbox->refused++;
    snprintf(outbox->why, sizeof outbox->why, "%s", why);
}

static inline void outbox_dropped(void *arg, const char *why)
{
    struct outbox *outbox = arg;
    outbox->dropped++;
    snprintf(outbox->why, sizeof outbox->why, "%s", why);
}

static inline void outbox_foreign(void *arg, uint64_t entries)
{
    struct outbox *outbox = arg;
    outbox->foreign = entries;
    outbox->foreigns++;
}

static inline void outbox_replicated(void *arg, size_t entries, const char *why_not)
{
    struct outbox *outbox = arg;
    outbox->unreplicated = why_not == NULL ? 0 : outbox->unreplicated + (unsigned)entries;
    snprintf(outbox->why, sizeof outbox->why, "%s", why_not != NULL ? why_not : "");
}

static inline void outbox_open_on(struct outbox *outbox, struct record_link *records)
{
    const struct outbox_watch watch = {outbox_length,  outbox_written, outbox_refused,
                                       outbox_dropped, outbox_foreign, outbox_replicated,
                                       outbox};
    char error[ERROR_MAX] = "";

    *outbox = (struct outbox){0};
    test_redis_open(&outbox->redis, bench.base, url, deadline_ms);
    outbox->link =
        outbox_attach(&settings, bench.base, outbox->redis.links.patient, records, &watch, error);
    if (outbox->link == NULL)
        fail_msg("%s", error);
    outbox_set_pace(outbox->link, &quick);
}

static inline void outbox_open(struct outbox *outbox)
{
    outbox_open_on(outbox, bench.link);
}

static inline void outbox_close(struct outbox *outbox)
{
    outbox_detach(outbox->link);
    outbox->link = NULL;
    test_redis_close(&outbox->redis);
}

static inline void letter_done(struct store_ticket *ticket)
{
    ((struct letter *)ticket)->done++;
}

static inline struct letter letter_of(const char *answers, const char *phone, const char *event,
                                      const char *code)
{
    struct letter letter = {.claim = asked_by(answers, phone, event, code).claim};
    letter.claim.ticket.done = NULL;
    return letter;
}

/* The number'th of many people. */
static inline struct letter letter_number(int number)
{
    char name[16];
    snprintf(name, sizeof name, "%06d", number);
    return letter_of(name, name, name, name);
}

static inline enum store_status letter_put(struct outbox *outbox, struct letter *letter)
{
    letter->done = 0;
    letter->entry.ticket.done = letter_done;
    letter->entry.claim = &letter->claim;
    enum store_status status = outbox_put(outbox->link, &letter->entry);
    assert_int_equal(letter->done, 0);
    letter->entry.claim = NULL; /* it was read */
    return status;
}

/* Puts and waits, first for Redis; says how it ended. */
static inline enum store_status put(struct outbox *outbox, struct letter *letter)
{
    enum store_status status = STORE_DOWN;
    until((status = letter_put(outbox, letter)) != STORE_DOWN);
    if (status != STORE_LATER)
        return status;
    until(letter->done > 0);
    assert_int_equal(letter->done, 1);
    return letter->entry.ticket.status;
}

#define assert_status(status, expected) \
    assert_string_equal(store_status_name(status), store_status_name(expected))

#define ask(...) redis_server_ask(&server, __VA_ARGS__)
#define tell(...) freeReplyObject(ask(__VA_ARGS__))

static inline long long ask_number(const char *command)
{
    redisReply *reply = ask(command);
    long long number = reply->integer;
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    return number;
}

static inline long long entries(void)
{
    return ask_number("XLEN " STREAM);
}

/* The stream is filled by a link that does not drain. */
static inline void put_aside(struct letter *letters, int count)
{
    struct outbox outbox;
    bool drain = settings.drain;

    settings.drain = false;
    outbox_open(&outbox);
    for (int i = 0; i < count; i++)
        assert_status(put(&outbox, &letters[i]), STORE_OK);
    outbox_close(&outbox);
    settings.drain = drain;
}

/* Puts it as of when it was made: as an instance did then. */
static inline void put_then(const struct letter *letter)
{
    unsigned char sealed[OUTBOX_SEALED_MAX];
    struct seal *seal = seal_create(seal_keys);
    const size_t length =
        outbox_claim_seal_at(seal, &letter->claim, letter->claim.now_us / 1000000, sealed);

    assert_true(length > 0);
    tell("XADD " STREAM " * sealed %b", sealed, length);
    seal_free(seal);
}

/* The database file is away, and comes back. */
static inline void file_move(const char *from, const char *to)
{
    char paths[2][128];
    snprintf(paths[0], sizeof paths[0], "%s%s", bench.path, from);
    snprintf(paths[1], sizeof paths[1], "%s%s", bench.path, to);
    assert_int_equal(rename(paths[0], paths[1]), 0);
}

static inline void database_away(void)
{
    struct asked nobody = asked_by("nobody", "+0", "none", "none");
    file_move("", ".away");
    assert_status(claimed(&bench, &nobody), STORE_DOWN);
}

static inline void database_back(void)
{
    file_move(".away", "");
}

#endif
