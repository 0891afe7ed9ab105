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
 * entries come first, then those of dead consumers, then new ones (take.lua). Each salt has a group
 * of its own: what another salt sealed is passed over once, and stays in the stream.
 *
 * Invariants: the timer is pending in RESTING only; a batch belongs to the drain in WRITING and
 * SETTLING, and to its claims alone once the drain was stopped.
 */
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/random_name.h"
#include "store/outbox/claim.h"
#include "store/outbox/link.h"
#include "store/redis/error.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 64
#define ENTRY_ID_MAX 48

extern const struct redis_script outbox_take_script, outbox_settle_script, outbox_forget_script;

static const struct outbox_pace production_pace = {
    .look_ms = 1000,
    .dead_ms = 20 * 1000,
    .forget_ms = 60 * 60 * 1000,
    .pause_ms = 250,
    .pause_max_ms = 10 * 1000,
};

/* Why an entry was refused: in the stream of refused ones, "" when it is not kept there; and for
 * people. */
struct refusal {
    const char *word;
    const char *text;
};

static const struct refusal damaged = {"damaged", "it does not open: it is damaged"};
static const struct refusal conflict = {"conflict",
                                        "the code that was told is another person's by now"};
static const struct refusal other_code = {
    "other-code", "it was counted, but the person's code is not the one that was told"};

static const struct refusal put_back = {
    "old",
    "it was made a day and more before the outbox was last empty, and is not in the records: "
    "somebody put it back, or an instance has a wrong clock"};
static const struct refusal erased = {"", "it is older than the erasure of whom it is of"};
/* Not refused: it stays for an instance that has its salt, or a later program. */
static const struct refusal foreign = {"foreign", NULL};

struct item {
    struct record_claim claim; /* first: its ticket is where done finds us */
    struct record_replay replay;
    struct outbox_batch *batch;
    const struct refusal *refusal;
    char id[ENTRY_ID_MAX];
    char told[RECORD_CODE_MAX];
};

struct outbox_batch {
    struct outbox_link *link; /* NULL: it was stopped */
    size_t count;
    size_t unfinished;
    bool failed; /* some entries stay pending */
    struct item items[BATCH_MAX];
};

static void look(struct outbox_link *link);

static void rest(struct outbox_link *link)
{
    const int64_t delay = backoff_jitter_ms(link->pace.look_ms);
    const int64_t left = link->resume_at - clock_monotonic_ms();
    const struct timeval wait = clock_timeval(left > 0 && left < delay ? left : delay);

    event_add(link->timer, &wait);
}

/* The database took nothing: nor do we, for a while that doubles. */
static void pause_after_failure(struct outbox_link *link)
{
    link->failures++;
    link->resume_at = clock_monotonic_ms() +
                      backoff_ms(link->failures, link->pace.pause_ms, link->pace.pause_max_ms);
}

static void batch_free(struct outbox_batch *batch)
{
    OPENSSL_cleanse(batch, sizeof *batch);
    free(batch);
}

static void batch_end(struct outbox_link *link)
{
    batch_free(link->batch);
    link->batch = NULL;
}

/* Settling */

static bool item_stays(const struct item *item)
{
    return item->refusal == NULL && item->claim.ticket.status != STORE_OK;
}

static void item_tell(const struct outbox_link *link, const struct item *item)
{
    const struct outbox_watch *watch = &link->watch;
    char why[ERROR_MAX];

    if (item->refusal == &foreign)
        return;
    if (item->refusal == NULL) {
        watch->written(watch->arg);
        return;
    }
    const bool kept = item->refusal->word[0] != '\0';
    snprintf(why, sizeof why, kept ? "outbox entry %s: %s; kept in %s" : "outbox entry %s: %s",
             item->id, item->refusal->text, OUTBOX_REFUSED_STREAM);
    if (kept)
        watch->refused(watch->arg, why);
    else
        watch->dropped(watch->arg, why);
}

static void on_settled(const struct redisReply *reply, void *arg)
{
    struct outbox_link *link = arg;
    const struct outbox_batch *batch = link->batch;
    const bool answered = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    const bool settled = answered && !batch->failed;

    for (size_t i = 0, j = 0; answered && i < batch->count && j < reply->elements; i++) {
        if (item_stays(&batch->items[i]))
            continue;
        if (reply->element[j]->type == REDIS_REPLY_INTEGER && reply->element[j]->integer == 1)
            item_tell(link, &batch->items[i]);
        j++;
    }
    batch_end(link);
    if (settled) {
        link->failures = 0;
        look(link);
    } else {
        rest(link);
    }
}

/* Adds the ids of what leaves the stream, each with why, and returns how many words there are. */
static int settle_words(struct outbox_batch *batch, const char **words, int count)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];
        if (item_stays(item)) {
            batch->failed = true;
            continue;
        }
        words[count++] = item->id;
        words[count++] = item->refusal != NULL ? item->refusal->word : "";
    }
    return count;
}

/* Every claim is finished: what was written or refused leaves the stream. A few that failed among
 * others that did not are tried again at the next look. */
static void batch_settle(struct outbox_link *link)
{
    char kept_max[24];
    const char *argv[2 * BATCH_MAX + 4] = {OUTBOX_STREAM, OUTBOX_REFUSED_STREAM, link->group,
                                           kept_max};
    const int count = settle_words(link->batch, argv, 4);

    snprintf(kept_max, sizeof kept_max, "%" PRIu64, link->settings.length_max);
    if (count == 4)
        pause_after_failure(link);
    else if (redis_lane_run(&link->looks, &outbox_settle_script, 2, count, argv, NULL, on_settled,
                            link) == STORE_LATER)
        return;
    batch_end(link);
    rest(link);
}

/* Writing */

static void item_finish(struct item *item, enum store_status status)
{
    item->claim.ticket.status = status;
    if (status == STORE_CONFLICT)
        item->refusal = &conflict;
    else if (status == STORE_ABSENT)
        item->refusal = &erased;
    else if (status == STORE_REFUSED)
        item->refusal = &put_back;
    else if (status == STORE_OK && strcmp(item->claim.code, item->told) != 0)
        item->refusal = &other_code;
}

static void on_claimed(struct store_ticket *ticket)
{
    struct item *item = (struct item *)ticket;
    struct outbox_batch *batch = item->batch;

    item_finish(item, ticket->status);
    if (--batch->unfinished > 0)
        return;
    if (batch->link != NULL)
        batch_settle(batch->link);
    else
        batch_free(batch);
}

static void item_start(struct outbox_batch *batch, const struct redisReply *id,
                       const struct redisReply *sealed)
{
    const struct outbox_link *link = batch->link;
    struct item *item = &batch->items[batch->count++];

    int64_t sealed_s;

    item->batch = batch;
    memcpy(item->id, id->str, id->len);
    item->claim.ticket.done = on_claimed;
    const int opened = outbox_claim_open(link->seal, (const unsigned char *)sealed->str,
                                         sealed->len, &item->claim, &sealed_s);
    if (opened != 0) {
        item->refusal = opened == SEAL_OTHER_KEY ? &foreign : &damaged;
        return;
    }
    memcpy(item->told, item->claim.code, sizeof item->told);
    item->replay = (struct record_replay){
        .erased = link->erased,
        .is_old = emptiness_is_after(&link->empty, sealed_s * 1000000),
    };
    item->claim.replay = &item->replay;
    enum store_status status = record_claim(link->records, &item->claim);
    if (status == STORE_LATER)
        batch->unfinished++;
    else
        item_finish(item, status);
}

/* pairs: ids and sealed entries. */
static void batch_start(struct outbox_link *link, struct redisReply *const *pairs, size_t count)
{
    struct outbox_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        rest(link); /* they stay pending */
        return;
    }
    batch->link = link;
    link->batch = batch;
    for (size_t i = 0; i < count && i < BATCH_MAX; i++) {
        const struct redisReply *id = pairs[2 * i], *sealed = pairs[2 * i + 1];
        if (id->type == REDIS_REPLY_STRING && id->len < ENTRY_ID_MAX &&
            sealed->type == REDIS_REPLY_STRING)
            item_start(batch, id, sealed);
    }
    if (batch->unfinished == 0)
        batch_settle(link);
}

/* Looking */

static void length_tell(struct outbox_link *link, uint64_t length, int64_t age_ms)
{
    if (length == 0 && link->length == 0)
        return;
    link->length = length;
    link->watch.length(link->watch.arg, length, age_ms);
}

/* length: of the stream; ms: the age of its oldest entry, or of an empty one Redis's time. */
static void look_tell(struct outbox_link *link, long long length, long long ms)
{
    link->told[0] = '\0';
    if (length == 0)
        emptiness_note(&link->empty, ms);
    length_tell(link, (uint64_t)length, length > 0 ? ms : 0);
}

/* Told when it changes; a negative number says nothing. */
static void foreign_tell(struct outbox_link *link, long long entries)
{
    if (entries < 0 || link->foreign == (uint64_t)entries)
        return;
    link->foreign = (uint64_t)entries;
    link->watch.foreign(link->watch.arg, link->foreign);
}

static void on_taken(const struct redisReply *reply, void *arg)
{
    struct outbox_link *link = arg;
    const bool read = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 3 &&
                      reply->elements % 2 == 1;

    if (read) {
        look_tell(link, reply->element[0]->integer, reply->element[1]->integer);
        foreign_tell(link, reply->element[2]->integer);
    } else if (reply != NULL && redis_error_note(link->told, "the outbox cannot be read", reply)) {
        link->watch.refused(link->watch.arg, link->told);
    }
    if (read && reply->elements > 3)
        batch_start(link, reply->element + 3, reply->elements / 2 - 1);
    else
        rest(link);
}

static void forget_the_dead(struct outbox_link *link)
{
    char forget[16];
    const char *argv[] = {OUTBOX_STREAM, link->group, forget};

    snprintf(forget, sizeof forget, "%u", link->pace.forget_ms);
    if (redis_lane_run(&link->looks, &outbox_forget_script, 1, 3, argv, NULL, NULL, NULL) ==
        STORE_LATER)
        link->forget_at = clock_monotonic_ms() + backoff_jitter_ms(link->pace.forget_ms / 10);
}

/* How many entries to take now. */
static unsigned appetite(struct outbox_link *link)
{
    bool up = link->settings.drain && record_link_up(link->records);

    if (up && !link->records_up) {
        link->failures = 0;
        link->resume_at = 0;
    }
    link->records_up = up;
    return up && clock_monotonic_ms() >= link->resume_at ? BATCH_MAX : 0;
}

static void look(struct outbox_link *link)
{
    char count[16], dead[16], size[16];
    const char *argv[] = {OUTBOX_STREAM, link->group, link->consumer, count, dead, size};

    if (link->settings.drain && clock_monotonic_ms() >= link->forget_at)
        forget_the_dead(link);
    snprintf(count, sizeof count, "%u", appetite(link));
    snprintf(dead, sizeof dead, "%u", link->pace.dead_ms);
    snprintf(size, sizeof size, "%zu", (size_t)OUTBOX_SEALED_MAX);
    if (redis_lane_run(&link->looks, &outbox_take_script, 1, 6, argv, NULL, on_taken, link) !=
        STORE_LATER)
        rest(link);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

void outbox_drain_notice(struct outbox_link *link, uint64_t length)
{
    const uint64_t alarm = link->settings.length_alarm;

    if (length > alarm && link->length <= alarm && event_pending(link->timer, EV_TIMEOUT, NULL))
        event_add(link->timer, &(struct timeval){0, 0});
}

int outbox_drain_start(struct outbox_link *link, struct event_base *base)
{
    link->timer = evtimer_new(base, on_timer, link);
    outbox_group_name(link->settings.keys, link->group);
    /* What is pending under this name is ours. */
    if (link->timer == NULL || random_name(link->consumer, sizeof link->consumer) != 0)
        return -1;
    outbox_set_pace(link, &production_pace);
    return 0;
}

void outbox_set_pace(struct outbox_link *link, const struct outbox_pace *pace)
{
    link->pace = *pace;
    link->forget_at = clock_monotonic_ms() + backoff_jitter_ms(pace->forget_ms / 10);
    rest(link);
}

void outbox_drain_stop(struct outbox_link *link)
{
    redis_lane_leave(&link->looks);
    if (link->timer != NULL)
        event_free(link->timer);
    if (link->batch != NULL)
        link->batch->link = NULL;
}
