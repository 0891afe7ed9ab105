/*
 * Empties the outbox, one batch at a time:
 *
 *     RESTING --on_timer: look--> LOOKING --on_taken, nothing to write--> RESTING
 *                                  ^   |
 *                                  |   | on_taken: batch_start
 *                                  |   v
 *                                  |  WRITING --batch_settle, all stay: pause--> RESTING
 *                                  |   |
 *                                  |   | batch_settle, when the last claim is finished
 *                                  |   v
 *               on_settled: look --+- SETTLING --on_settled, some stay--> RESTING
 *
 * An entry stays in the stream, pending for its consumer, until it is settled: so it is written
 * again by whoever takes it over, and the claim's event id lets it count once. Its own pending
 * entries come first, then those of dead consumers, then new ones (take.lua).
 *
 * Invariants: the timer is pending in RESTING only; a batch belongs to the drain in WRITING and
 * SETTLING, and to its claims alone once the drain was stopped.
 */
#include "store/outbox/drain.h"
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/random_name.h"
#include "store/outbox/claim.h"
#include "store/redis/link.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP "writers"
#define BATCH_MAX 64
/* A look or a settling, and a forgetting beside it. */
#define COMMANDS_MAX 4
#define ENTRY_ID_MAX 48
#define CONSUMER_BYTES 16

extern const struct redis_script outbox_take_script, outbox_settle_script, outbox_forget_script;

static const struct outbox_pace production_pace = {
    .look_ms = 1000,
    .dead_ms = 20 * 1000,
    .forget_ms = 60 * 60 * 1000,
    .pause_ms = 250,
    .pause_max_ms = 10 * 1000,
};

/* Why an entry was refused: in the stream of refused ones, and for people. */
struct refusal {
    const char *word;
    const char *text;
};

static const struct refusal damaged = {"damaged",
                                       "it does not open (damaged, or sealed under another salt)"};
static const struct refusal conflict = {"conflict",
                                        "the code that was told is another person's by now"};
static const struct refusal other_code = {
    "other-code", "it was counted, but the person's code is not the one that was told"};

struct item {
    struct record_claim claim; /* first: its ticket is where done finds us */
    struct batch *batch;
    const struct refusal *refusal;
    char id[ENTRY_ID_MAX];
    char told[RECORD_CODE_MAX];
};

struct batch {
    struct outbox_drain *drain; /* NULL: it was stopped */
    size_t count;
    size_t unfinished;
    bool failed; /* some entries stay pending */
    struct item items[BATCH_MAX];
};

struct outbox_drain {
    struct outbox_drain_settings settings;
    struct outbox_pace pace;
    struct redis_lane lane;
    struct event *timer;
    struct batch *batch;
    char consumer[2 * CONSUMER_BYTES + 1];
    uint64_t length;
    bool records_up;
    unsigned failures; /* batches in a row */
    int64_t resume_at; /* after a failure, nothing is taken before */
    int64_t forget_at;
    char told[STORE_ERROR_MAX]; /* why the stream cannot be read */
};

static void look(struct outbox_drain *drain);

static void rest(struct outbox_drain *drain)
{
    int64_t delay = backoff_jitter_ms(drain->pace.look_ms);
    int64_t left = drain->resume_at - clock_monotonic_ms();

    if (left > 0 && left < delay)
        delay = left;
    event_add(drain->timer, &(struct timeval){delay / 1000, delay % 1000 * 1000});
}

/* The database took nothing: nor do we, for a while that doubles. */
static void pause_after_failure(struct outbox_drain *drain)
{
    drain->failures++;
    drain->resume_at = clock_monotonic_ms() +
                       backoff_ms(drain->failures, drain->pace.pause_ms, drain->pace.pause_max_ms);
}

static void batch_free(struct batch *batch)
{
    OPENSSL_cleanse(batch, sizeof *batch);
    free(batch);
}

static void batch_end(struct outbox_drain *drain)
{
    batch_free(drain->batch);
    drain->batch = NULL;
}

/* Settling */

static bool item_stays(const struct item *item)
{
    return item->refusal == NULL && item->claim.ticket.status != STORE_OK;
}

static void item_tell(const struct outbox_drain *drain, const struct item *item)
{
    const struct outbox_watch *watch = &drain->settings.watch;
    char why[STORE_ERROR_MAX];

    if (item->refusal == NULL) {
        watch->written(watch->arg);
        return;
    }
    snprintf(why, sizeof why, "outbox entry %s: %s; kept in %s", item->id, item->refusal->text,
             OUTBOX_REFUSED_STREAM);
    watch->refused(watch->arg, why);
}

static void on_settled(const struct redisReply *reply, void *arg)
{
    struct outbox_drain *drain = arg;
    const struct batch *batch = drain->batch;
    const bool answered = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    const bool settled = answered && !batch->failed;

    for (size_t i = 0, j = 0; answered && i < batch->count && j < reply->elements; i++) {
        if (item_stays(&batch->items[i]))
            continue;
        if (reply->element[j]->type == REDIS_REPLY_INTEGER && reply->element[j]->integer == 1)
            item_tell(drain, &batch->items[i]);
        j++;
    }
    batch_end(drain);
    if (settled) {
        drain->failures = 0;
        look(drain);
    } else {
        rest(drain);
    }
}

/* Every claim is finished: what was written or refused leaves the stream. A few that failed among
 * others that did not are tried again at the next look. */
static void batch_settle(struct outbox_drain *drain)
{
    struct batch *batch = drain->batch;
    char kept_max[24];
    const char *argv[2 * BATCH_MAX + 4] = {OUTBOX_STREAM, OUTBOX_REFUSED_STREAM, GROUP, kept_max};
    int count = 4;

    snprintf(kept_max, sizeof kept_max, "%" PRIu64, drain->settings.kept_max);
    for (size_t i = 0; i < batch->count; i++) {
        if (item_stays(&batch->items[i])) {
            batch->failed = true;
            continue;
        }
        argv[count++] = batch->items[i].id;
        argv[count++] = batch->items[i].refusal != NULL ? batch->items[i].refusal->word : "";
    }
    if (count == 4)
        pause_after_failure(drain);
    else if (redis_lane_run(&drain->lane, &outbox_settle_script, 2, count, argv, NULL, on_settled,
                            drain) == STORE_LATER)
        return;
    batch_end(drain);
    rest(drain);
}

/* Writing */

static void item_finish(struct item *item, enum store_status status)
{
    item->claim.ticket.status = status;
    if (status == STORE_CONFLICT)
        item->refusal = &conflict;
    else if (status == STORE_OK && strcmp(item->claim.code, item->told) != 0)
        item->refusal = &other_code;
}

static void on_claimed(struct store_ticket *ticket)
{
    struct item *item = (struct item *)ticket;
    struct batch *batch = item->batch;

    item_finish(item, ticket->status);
    if (--batch->unfinished > 0)
        return;
    if (batch->drain != NULL)
        batch_settle(batch->drain);
    else
        batch_free(batch);
}

static void item_start(struct item *item, const struct redisReply *sealed)
{
    const struct outbox_drain_settings *settings = &item->batch->drain->settings;

    item->claim.ticket.done = on_claimed;
    if (outbox_claim_open(settings->seal, (const unsigned char *)sealed->str, sealed->len,
                          &item->claim) != 0) {
        item->refusal = &damaged;
        return;
    }
    memcpy(item->told, item->claim.code, sizeof item->told);
    enum store_status status = record_claim(settings->records, &item->claim);
    if (status == STORE_LATER)
        item->batch->unfinished++;
    else
        item_finish(item, status);
}

/* pairs: ids and sealed entries. */
static void batch_start(struct outbox_drain *drain, struct redisReply *const *pairs, size_t count)
{
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        rest(drain); /* they stay pending */
        return;
    }
    batch->drain = drain;
    drain->batch = batch;
    for (size_t i = 0; i < count && i < BATCH_MAX; i++) {
        const struct redisReply *id = pairs[2 * i], *sealed = pairs[2 * i + 1];
        if (id->type != REDIS_REPLY_STRING || id->len >= ENTRY_ID_MAX ||
            sealed->type != REDIS_REPLY_STRING)
            continue;
        struct item *item = &batch->items[batch->count++];
        item->batch = batch;
        memcpy(item->id, id->str, id->len);
        item_start(item, sealed);
    }
    if (batch->unfinished == 0)
        batch_settle(drain);
}

/* Looking */

static void length_tell(struct outbox_drain *drain, uint64_t length, int64_t age_ms)
{
    const struct outbox_watch *watch = &drain->settings.watch;

    if (length == 0 && drain->length == 0)
        return;
    drain->length = length;
    watch->length(watch->arg, length, age_ms);
}

/* Whoever could not empty the stream without a word would fill it. */
static void trouble_tell(struct outbox_drain *drain, const struct redisReply *reply)
{
    const struct outbox_watch *watch = &drain->settings.watch;
    char why[STORE_ERROR_MAX];

    snprintf(why, sizeof why, "the outbox cannot be read: %s",
             reply->type == REDIS_REPLY_ERROR ? reply->str : "an odd answer");
    if (strcmp(why, drain->told) == 0)
        return;
    memcpy(drain->told, why, sizeof why);
    watch->refused(watch->arg, why);
}

static void on_taken(const struct redisReply *reply, void *arg)
{
    struct outbox_drain *drain = arg;
    const bool read = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2 &&
                      reply->elements % 2 == 0;

    if (read) {
        drain->told[0] = '\0';
        length_tell(drain, (uint64_t)reply->element[0]->integer, reply->element[1]->integer);
    } else if (reply != NULL) {
        trouble_tell(drain, reply);
    }
    if (read && reply->elements > 2)
        batch_start(drain, reply->element + 2, reply->elements / 2 - 1);
    else
        rest(drain);
}

static void forget_the_dead(struct outbox_drain *drain)
{
    char forget[16];
    const char *argv[] = {OUTBOX_STREAM, GROUP, forget};

    snprintf(forget, sizeof forget, "%u", drain->pace.forget_ms);
    if (redis_lane_run(&drain->lane, &outbox_forget_script, 1, 3, argv, NULL, NULL, NULL) ==
        STORE_LATER)
        drain->forget_at = clock_monotonic_ms() + backoff_jitter_ms(drain->pace.forget_ms / 10);
}

/* How many entries to take now. */
static unsigned appetite(struct outbox_drain *drain)
{
    bool up = drain->settings.drain && record_link_up(drain->settings.records);

    if (up && !drain->records_up) {
        drain->failures = 0;
        drain->resume_at = 0;
    }
    drain->records_up = up;
    return up && clock_monotonic_ms() >= drain->resume_at ? BATCH_MAX : 0;
}

static void look(struct outbox_drain *drain)
{
    char count[16], dead[16], size[16];
    const char *argv[] = {OUTBOX_STREAM, GROUP, drain->consumer, count, dead, size};

    if (drain->settings.drain && clock_monotonic_ms() >= drain->forget_at)
        forget_the_dead(drain);
    snprintf(count, sizeof count, "%u", appetite(drain));
    snprintf(dead, sizeof dead, "%u", drain->pace.dead_ms);
    snprintf(size, sizeof size, "%zu", (size_t)OUTBOX_SEALED_MAX);
    if (redis_lane_run(&drain->lane, &outbox_take_script, 1, 6, argv, NULL, on_taken, drain) !=
        STORE_LATER)
        rest(drain);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

void outbox_drain_notice(struct outbox_drain *drain, uint64_t length, uint64_t alarm)
{
    if (length > alarm && drain->length <= alarm && event_pending(drain->timer, EV_TIMEOUT, NULL))
        event_add(drain->timer, &(struct timeval){0, 0});
}

struct outbox_drain *outbox_drain_start(const struct outbox_drain_settings *settings)
{
    struct outbox_drain *drain = calloc(1, sizeof *drain);

    if (drain == NULL)
        return NULL;
    drain->settings = *settings;
    redis_lane_join(&drain->lane, settings->redis, COMMANDS_MAX, NULL);
    drain->timer = evtimer_new(settings->base, on_timer, drain);
    /* What is pending under this name is ours. */
    if (drain->timer == NULL || random_name(drain->consumer, sizeof drain->consumer) != 0) {
        outbox_drain_stop(drain);
        return NULL;
    }
    outbox_drain_set_pace(drain, &production_pace);
    return drain;
}

void outbox_drain_set_pace(struct outbox_drain *drain, const struct outbox_pace *pace)
{
    drain->pace = *pace;
    drain->forget_at = clock_monotonic_ms() + backoff_jitter_ms(pace->forget_ms / 10);
    rest(drain);
}

void outbox_drain_stop(struct outbox_drain *drain)
{
    if (drain == NULL)
        return;
    redis_lane_leave(&drain->lane);
    if (drain->timer != NULL)
        event_free(drain->timer);
    if (drain->batch != NULL)
        drain->batch->drain = NULL;
    free(drain);
}
