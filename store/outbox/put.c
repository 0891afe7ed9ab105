/* The outbox's front: seals what is put and sends it. */
#include "store/base/keyed_hash.h"
#include "store/outbox/claim.h"
#include "store/outbox/link.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A look or a settling, and a forgetting beside it. */
#define LOOKS_MAX 4

/* Our clock is slow when Redis's is so much later. */
#define SLOW_S 60

/* Less than the patient link's deadline. */
#define WAIT_MS 1000

extern const struct redis_script outbox_put_script;

_Static_assert(OUTBOX_ERASED_KEY_SIZE == KEYED_HASH_KEY_SIZE, "one size of keys");

static enum store_status put_status(struct outbox_link *link, const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return STORE_DOWN;
    if (reply->integer <= 0)
        return STORE_FULL;
    outbox_drain_notice(link, (uint64_t)reply->integer);
    return STORE_OK;
}

static void on_put(const struct redisReply *reply, void *arg)
{
    struct outbox_entry *entry = arg;
    const enum store_status status = put_status(entry->link, reply);

    if (status == STORE_OK && entry->link->settings.replicas > 0)
        redis_replicas_await(&entry->link->replicas, &entry->ticket);
    else
        store_ticket_finish(&entry->ticket, status);
}

/* By Redis's clock where ours is slow: what it put would be taken for what somebody puts back, or
 * for older than an erasure. */
static int64_t put_time_s(const struct outbox_link *link, const struct record_claim *claim)
{
    const int64_t ours_s = claim->now_us / 1000000;
    const int64_t redis_s = emptiness_redis_ms(&link->empty) / 1000;

    return redis_s > ours_s + SLOW_S ? redis_s : ours_s;
}

enum store_status outbox_put(struct outbox_link *link, struct outbox_entry *entry)
{
    unsigned char sealed[OUTBOX_SEALED_MAX];
    char length_max[24];

    if (!redis_lane_up(&link->puts))
        return STORE_DOWN;
    if (link->puts.in_flight + link->replicas.count >= link->settings.in_flight_max)
        return STORE_FULL;
    size_t length =
        outbox_claim_seal_at(link->seal, entry->claim, put_time_s(link, entry->claim), sealed);
    if (length == 0)
        return STORE_DOWN;
    snprintf(length_max, sizeof length_max, "%" PRIu64, link->settings.length_max);
    const char *argv[] = {OUTBOX_STREAM, OUTBOX_OWN_COUNTS, link->group, length_max,
                          (const char *)sealed};
    const size_t lengths[] = {strlen(OUTBOX_STREAM), strlen(OUTBOX_OWN_COUNTS), strlen(link->group),
                              strlen(length_max), length};

    entry->link = link;
    return redis_lane_run(&link->puts, &outbox_put_script, 2, 5, argv, lengths, on_put, entry);
}

void outbox_detach(struct outbox_link *link)
{
    if (link == NULL)
        return;
    redis_lane_leave(&link->puts);
    redis_replicas_leave(&link->replicas);
    outbox_drain_stop(link);
    seal_free(link->seal);
    keyed_hash_free(link->erased);
    free(link);
}

static int replicas_join(struct outbox_link *link, struct redis_link *redis)
{
    const struct redis_replicas_settings wanted = {
        .wanted = link->settings.replicas,
        .wait_ms = WAIT_MS,
        .told = link->watch.replicated,
        .arg = link->watch.arg,
    };

    return wanted.wanted > 0 ? redis_replicas_join(&link->replicas, redis, &wanted) : 0;
}

struct outbox_link *outbox_attach(const struct outbox_settings *settings, struct event_base *base,
                                  struct redis_link *redis, struct record_link *records,
                                  const struct outbox_watch *watch, char error[ERROR_MAX])
{
    struct outbox_link *link = calloc(1, sizeof *link);

    snprintf(error, ERROR_MAX, "out of memory");
    if (link == NULL)
        return NULL;
    link->settings = *settings;
    link->watch = *watch;
    link->records = records;
    link->seal = seal_create(settings->keys);
    link->erased = keyed_hash_create(settings->erased_key);
    OPENSSL_cleanse(link->settings.erased_key, OUTBOX_ERASED_KEY_SIZE);
    redis_lane_join(&link->puts, redis, settings->in_flight_max, NULL);
    redis_lane_join(&link->looks, redis, LOOKS_MAX, NULL);
    if (link->seal != NULL && link->erased != NULL && replicas_join(link, redis) == 0 &&
        outbox_drain_start(link, base) == 0)
        return link;
    snprintf(error, ERROR_MAX, "%s",
             link->seal == NULL || link->erased == NULL ? "cannot prepare the outbox's keys"
                                                        : "cannot start to drain the outbox");
    outbox_detach(link);
    return NULL;
}
