/*
 * Replies in Redis, shared by all instances. Of each partition n a stream "uic:replies:n" and a
 * lease "uic:replies:owner:n"; "uic:replies:owners" counts who takes leases, and a mark
 * "uic:replies:put:KEY" lives for each reply that was put. "uic:replies:newest:WHO" holds
 * the entry's id of what was put last for a person, and once that was sent its sent_id.
 */
#include "store/redis.h"
#include "store/redis/link.h"
#include "store/replies/backend.h"
#include "store/replies/drain.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands of the drain beside its removals and the replies being put. */
#define DRAIN_COMMANDS 4
/* Removals under way at once; more wait for the next look at the leases. And what is noted beside
 * each. */
#define REMOVALS 1024
#define NAME_MAX_LENGTH REPLIES_NAME_MAX

extern const struct redis_script replies_put_script, replies_note_script, replies_lease_script;

struct redis_replies_link {
    struct replies_link link;
    struct redis_lane puts, drain, reads;
};

static struct redis_replies_link *redis_of(struct replies_link *link)
{
    return (struct redis_replies_link *)link;
}

static void stream_name(unsigned partition, char name[NAME_MAX_LENGTH])
{
    snprintf(name, NAME_MAX_LENGTH, REPLIES_PREFIX ":%u", partition);
}

void replies_newest_name(uint64_t who, char name[REPLIES_NAME_MAX])
{
    snprintf(name, REPLIES_NAME_MAX, REPLIES_PREFIX ":newest:%016" PRIx64, who);
}

/* Putting */

static enum store_status put_status(const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return STORE_DOWN;
    return reply->integer == 0 ? STORE_FULL : STORE_OK;
}

static void on_put(const struct redisReply *reply, void *arg)
{
    struct replies_entry *entry = arg;

    entry->ticket.status = put_status(reply);
    entry->ticket.done(&entry->ticket);
}

/* The partition is noticed before `done`, which may end the entry. */
static void on_put_of_own(const struct redisReply *reply, void *arg)
{
    struct replies_entry *entry = arg;

    if (put_status(reply) == STORE_OK)
        replies_drain_notice(entry->link->drain, entry->partition);
    on_put(reply, arg);
}

static enum store_status redis_put(struct replies_link *link, struct replies_entry *entry,
                                   const struct replies_kept *kept)
{
    const struct replies_settings *settings = &link->store->settings;
    char mark[NAME_MAX_LENGTH], stream[NAME_MAX_LENGTH], newest[NAME_MAX_LENGTH];
    char life[24], most[24], who[17];

    snprintf(mark, sizeof(mark), REPLIES_PREFIX ":put:%016" PRIx64, entry->key);
    stream_name(entry->partition, stream);
    replies_newest_name(kept->who, newest);
    snprintf(life, sizeof(life), "%" PRId64, settings->put_ttl_ms);
    snprintf(most, sizeof(most), "%" PRIu64,
             (settings->length_max + REPLIES_PARTITIONS - 1) / REPLIES_PARTITIONS);
    snprintf(who, sizeof(who), "%016" PRIx64, kept->who);
    const char *argv[] = {mark, stream, newest, life, most, who, (const char *)kept->sealed};
    const size_t lengths[] = {strlen(mark), strlen(stream), strlen(newest), strlen(life),
                              strlen(most), strlen(who),    kept->length};
    return redis_lane_run(&redis_of(link)->puts, &replies_put_script, 3, 7, argv, lengths,
                          link->drain != NULL ? on_put_of_own : on_put, entry);
}

/* For the drain */

static void trouble_tell(struct replies_link *link, const struct redisReply *reply)
{
    char why[STORE_ERROR_MAX], *script;

    snprintf(why, sizeof(why), "the replies that wait cannot be read: %s",
             reply->type == REDIS_REPLY_ERROR ? reply->str : "an odd answer");
    /* A script adds its name and line; the trouble is the same. */
    if ((script = strstr(why, " script: ")) != NULL)
        *script = '\0';
    replies_drain_trouble(link->drain, why);
}

static bool is_lease(const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 + 2 * REPLIES_PARTITIONS)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    }
    return true;
}

static void on_leased(const struct redisReply *reply, void *arg)
{
    struct replies_link *link = arg;
    struct replies_lease lease;

    if (reply == NULL || !is_lease(reply)) {
        if (reply != NULL)
            trouble_tell(link, reply);
        replies_drain_leased(link->drain, NULL);
        return;
    }
    lease.share = (unsigned)reply->element[0]->integer;
    lease.oldest_age_ms = reply->element[1]->integer;
    for (size_t n = 0; n < REPLIES_PARTITIONS; n++) {
        lease.mine[n] = reply->element[2 + 2 * n]->integer == 1;
        lease.length[n] = (uint64_t)reply->element[3 + 2 * n]->integer;
    }
    replies_drain_leased(link->drain, &lease);
}

static enum store_status redis_lease(struct replies_link *link,
                                     const struct replies_lease_wish *wish)
{
    enum { COUNT = 4 + REPLIES_PARTITIONS };
    char life[16];
    const char *argv[COUNT] = {REPLIES_PREFIX, wish->owner, life, wish->take ? "1" : "0"};
    size_t lengths[COUNT];

    snprintf(life, sizeof(life), "%u", wish->life_ms);
    for (size_t n = 0; n < REPLIES_PARTITIONS; n++)
        argv[4 + n] = wish->keep[n] ? "1" : "0";
    for (size_t i = 0; i < COUNT; i++)
        lengths[i] = strlen(argv[i]);
    return redis_lane_run(&redis_of(link)->drain, &replies_lease_script, 1, COUNT, argv, lengths,
                          on_leased, link);
}

static bool is_text(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* One entry of a stream: its id, and its fields. What we did not write is told as nobody's, empty.
 */
static void entry_tell(struct replies_link *link, unsigned partition,
                       const struct redisReply *entry)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !is_text(entry->element[0]))
        return;
    const struct redisReply *fields = entry->element[1];
    struct replies_kept kept = {.id = entry->element[0]->str, .sealed = (const unsigned char *)""};
    if (fields->type == REDIS_REPLY_ARRAY && fields->elements == 4 && is_text(fields->element[1]) &&
        is_text(fields->element[3]) && fields->element[3]->len <= REPLY_SEALED_MAX) {
        kept.who = strtoull(fields->element[1]->str, NULL, 16);
        kept.sealed = (const unsigned char *)fields->element[3]->str;
        kept.length = fields->element[3]->len;
    }
    replies_drain_found(link->drain, partition, &kept);
}

static void stream_tell(struct replies_link *link, const struct redisReply *stream)
{
    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 || !is_text(stream->element[0]))
        return;
    unsigned long partition =
        strtoul(stream->element[0]->str + strlen(REPLIES_PREFIX ":"), NULL, 10);
    const struct redisReply *entries = stream->element[1];
    if (partition >= REPLIES_PARTITIONS || entries->type != REDIS_REPLY_ARRAY)
        return;
    for (size_t i = 0; i < entries->elements; i++)
        entry_tell(link, (unsigned)partition, entries->element[i]);
}

static void on_read(const struct redisReply *reply, void *arg)
{
    struct replies_link *link = arg;

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++)
            stream_tell(link, reply->element[i]);
    } else if (reply != NULL && reply->type != REDIS_REPLY_NIL) {
        trouble_tell(link, reply);
    }
    replies_drain_read(link->drain);
}

static enum store_status redis_read(struct replies_link *link, const struct replies_place *places,
                                    size_t count, unsigned most)
{
    char names[REPLIES_PARTITIONS][NAME_MAX_LENGTH], limit[16];
    const char *argv[4 + 2 * REPLIES_PARTITIONS] = {"XREAD", "COUNT", limit, "STREAMS"};
    size_t lengths[4 + 2 * REPLIES_PARTITIONS];

    snprintf(limit, sizeof(limit), "%u", most);
    for (size_t i = 0; i < count; i++) {
        stream_name(places[i].partition, names[i]);
        argv[4 + i] = names[i];
        argv[4 + count + i] = places[i].after;
    }
    for (size_t i = 0; i < 4 + 2 * count; i++)
        lengths[i] = strlen(argv[i]);
    return redis_lane_send(&redis_of(link)->reads, (int)(4 + 2 * count), argv, lengths, on_read,
                           link);
}

static void on_removed(const struct redisReply *reply, void *arg)
{
    replies_drain_removed(arg, reply != NULL && reply->type == REDIS_REPLY_INTEGER);
}

static enum store_status redis_remove(struct replies_link *link, unsigned partition, const char *id,
                                      struct replies_item *item)
{
    char stream[NAME_MAX_LENGTH];

    stream_name(partition, stream);
    return redis_lane_send(&redis_of(link)->drain, 3, (const char *[]){"XDEL", stream, id},
                           (const size_t[]){4, strlen(stream), strlen(id)}, on_removed, item);
}

/* The newest */

static void on_noted(const struct redisReply *reply, void *arg)
{
    (void)reply;
    (void)arg;
}

static void redis_note(struct replies_link *link, uint64_t who, const char *id, uint64_t sent_id)
{
    char name[NAME_MAX_LENGTH], sent[24];

    replies_newest_name(who, name);
    snprintf(sent, sizeof(sent), "%" PRIu64, sent_id);
    redis_lane_run(&redis_of(link)->drain, &replies_note_script, 1, 3,
                   (const char *[]){name, id, sent},
                   (const size_t[]){strlen(name), strlen(id), strlen(sent)}, on_noted, NULL);
}

static void on_newest(const struct redisReply *reply, void *arg)
{
    struct replies_newest *newest = arg;

    if (reply != NULL && is_text(reply) && strchr(reply->str, '-') == NULL) /* no entry's id */
        newest->id = strtoull(reply->str, NULL, 10);
    newest->ticket.status = newest->id != 0 ? STORE_OK : reply != NULL ? STORE_ABSENT : STORE_DOWN;
    newest->ticket.done(&newest->ticket);
}

static enum store_status redis_newest(struct replies_link *link, uint64_t who,
                                      struct replies_newest *newest)
{
    char name[NAME_MAX_LENGTH];

    replies_newest_name(who, name);
    return redis_lane_send(&redis_of(link)->puts, 2, (const char *[]){"GET", name},
                           (const size_t[]){3, strlen(name)}, on_newest, newest);
}

/* Life */

static struct replies_store *redis_open(const struct replies_settings *settings,
                                        char error[STORE_ERROR_MAX])
{
    struct replies_store *store = calloc(1, sizeof(*store));

    (void)settings;
    if (store == NULL)
        snprintf(error, STORE_ERROR_MAX, "out of memory");
    return store;
}

static void redis_close(struct replies_store *store)
{
    free(store);
}

static struct replies_link *redis_attach(struct replies_store *store,
                                         const struct redis_links *redis,
                                         void (*changed)(void *arg, bool up, const char *why),
                                         char error[STORE_ERROR_MAX])
{
    struct redis_replies_link *link = calloc(1, sizeof(*link));
    const struct store_watch watch = {changed, link};

    if (link == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    link->link.store = store;
    redis_lane_join(&link->puts, redis->prompt, store->settings.in_flight_max, &watch);
    redis_lane_join(&link->drain, redis->prompt, DRAIN_COMMANDS + 2 * REMOVALS, NULL);
    redis_lane_join(&link->reads, redis->patient, 1, NULL);
    return &link->link;
}

static void redis_detach(struct replies_link *link)
{
    redis_lane_leave(&redis_of(link)->puts);
    redis_lane_leave(&redis_of(link)->drain);
    redis_lane_leave(&redis_of(link)->reads);
    free(link);
}

static bool redis_up(const struct replies_link *link)
{
    return redis_lane_up(&((const struct redis_replies_link *)link)->puts);
}

const struct replies_backend replies_redis = {
    .open = redis_open,
    .close = redis_close,
    .attach = redis_attach,
    .detach = redis_detach,
    .up = redis_up,
    .put = redis_put,
    .lease = redis_lease,
    .read = redis_read,
    .remove = redis_remove,
    .note = redis_note,
    .newest = redis_newest,
    .lasting = true,
};
