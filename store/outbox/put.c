/* The outbox's front: seals what is put and sends it. */
#include "store/outbox.h"
#include "store/outbox/claim.h"
#include "store/outbox/drain.h"
#include "store/outbox/replicas.h"
#include "store/redis/link.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct redis_script outbox_put_script;

_Static_assert(OUTBOX_KEY_SIZE == SEAL_KEY_SIZE, "one size of keys");

struct outbox_link {
    uint64_t length_max;
    uint64_t length_alarm;
    struct redis_lane lane; /* of the entries being put */
    unsigned in_flight_max;
    struct outbox_replicas replicas; /* of those that were, and are not safe yet */
    struct seal *seal;
    struct outbox_drain *drain;
};

static enum store_status put_status(struct outbox_link *link, const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return STORE_DOWN;
    if (reply->integer <= 0)
        return STORE_FULL;
    outbox_drain_notice(link->drain, (uint64_t)reply->integer, link->length_alarm);
    return STORE_OK;
}

static void on_put(const struct redisReply *reply, void *arg)
{
    struct outbox_entry *entry = arg;

    const enum store_status status = put_status(entry->link, reply);

    if (status == STORE_OK && entry->link->replicas.wanted > 0)
        outbox_replicas_await(&entry->link->replicas, entry);
    else
        store_ticket_finish(&entry->ticket, status);
}

enum store_status outbox_put(struct outbox_link *link, struct outbox_entry *entry)
{
    unsigned char sealed[OUTBOX_SEALED_MAX];
    char length_max[24];

    if (!redis_lane_up(&link->lane))
        return STORE_DOWN;
    if (link->lane.in_flight + link->replicas.count >= link->in_flight_max)
        return STORE_FULL;
    size_t length = outbox_claim_seal(link->seal, entry->claim, sealed);
    if (length == 0)
        return STORE_DOWN;
    snprintf(length_max, sizeof length_max, "%" PRIu64, link->length_max);
    const char *argv[] = {OUTBOX_STREAM, length_max, (const char *)sealed};
    const size_t lengths[] = {strlen(OUTBOX_STREAM), strlen(length_max), length};

    entry->link = link;
    return redis_lane_run(&link->lane, &outbox_put_script, 1, 3, argv, lengths, on_put, entry);
}

void outbox_detach(struct outbox_link *link)
{
    if (link == NULL)
        return;
    redis_lane_leave(&link->lane);
    outbox_replicas_leave(&link->replicas);
    outbox_drain_stop(link->drain);
    seal_free(link->seal);
    free(link);
}

struct outbox_link *outbox_attach(const struct outbox_settings *settings, struct event_base *base,
                                  struct redis_link *redis, struct record_link *records,
                                  const struct outbox_watch *watch, char error[STORE_ERROR_MAX])
{
    struct outbox_link *link = calloc(1, sizeof *link);

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (link == NULL)
        return NULL;
    link->length_max = settings->length_max;
    link->length_alarm = settings->length_alarm;
    link->seal = seal_create(settings->seal_key);
    if (link->seal == NULL) {
        snprintf(error, STORE_ERROR_MAX, "cannot prepare the outbox's key");
        goto failed;
    }
    link->in_flight_max = settings->in_flight_max;
    redis_lane_join(&link->lane, redis, settings->in_flight_max, NULL);
    outbox_replicas_join(&link->replicas, redis, settings->replicas, watch);
    link->drain = outbox_drain_start(&(struct outbox_drain_settings){
        .base = base,
        .redis = redis,
        .seal = link->seal,
        .records = records,
        .watch = *watch,
        .kept_max = settings->length_max,
        .drain = settings->drain,
    });
    if (link->drain == NULL) {
        snprintf(error, STORE_ERROR_MAX, "cannot start to drain the outbox");
        goto failed;
    }
    return link;
failed:
    outbox_detach(link);
    return NULL;
}

void outbox_set_pace(struct outbox_link *link, const struct outbox_pace *pace)
{
    outbox_drain_set_pace(link->drain, pace);
}
