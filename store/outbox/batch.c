/*
 * What was taken from the stream is opened and claimed on the records; when the last claim is
 * finished, what was written or refused leaves the stream, and the drain goes on.
 *
 * Invariant: a batch belongs to the drain, and to its claims alone once the drain was stopped.
 */
#include "store/outbox/batch.h"

#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/outbox/claim.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_ID_MAX 48

extern const struct redis_script outbox_settle_script;

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
    struct item items[OUTBOX_BATCH_MAX];
};

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
        outbox_drain_look(link);
    } else {
        outbox_drain_rest(link);
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
    const char *argv[2 * OUTBOX_BATCH_MAX + 5] = {OUTBOX_STREAM, OUTBOX_REFUSED_STREAM,
                                                  OUTBOX_OWN_COUNTS, link->group, kept_max};
    const int count = settle_words(link->batch, argv, 5);

    snprintf(kept_max, sizeof kept_max, "%" PRIu64, link->settings.length_max);
    if (count == 5)
        pause_after_failure(link);
    else if (redis_lane_run(&link->looks, &outbox_settle_script, 3, count, argv, NULL, on_settled,
                            link) == STORE_LATER)
        return;
    batch_end(link);
    outbox_drain_rest(link);
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
    const int64_t sealed_us = sealed_s * 1000000;
    item->replay = (struct record_replay){
        .erased = link->erased,
        .is_old = emptiness_is_after(&link->empty, sealed_us),
        .made_us = sealed_us > item->claim.now_us ? sealed_us : item->claim.now_us,
    };
    item->claim.replay = &item->replay;
    enum store_status status = record_claim(link->records, &item->claim);
    if (status == STORE_LATER)
        batch->unfinished++;
    else
        item_finish(item, status);
}

/* pairs: ids and sealed entries. */
void outbox_batch_start(struct outbox_link *link, struct redisReply *const *pairs, size_t count)
{
    struct outbox_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        outbox_drain_rest(link); /* they stay pending */
        return;
    }
    batch->link = link;
    link->batch = batch;
    for (size_t i = 0; i < count && i < OUTBOX_BATCH_MAX; i++) {
        const struct redisReply *id = pairs[2 * i], *sealed = pairs[2 * i + 1];
        if (id->type == REDIS_REPLY_STRING && id->len < ENTRY_ID_MAX &&
            sealed->type == REDIS_REPLY_STRING)
            item_start(batch, id, sealed);
    }
    if (batch->unfinished == 0)
        batch_settle(link);
}

void outbox_batch_leave(struct outbox_link *link)
{
    if (link->batch != NULL)
        link->batch->link = NULL;
}
