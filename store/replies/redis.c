/*
 * Replies in Redis, shared by all instances. Under "uic:replies:" there are
 *
 *     of:WHO      a list for each person, the replies in the order of putting
 *     due         a sorted set of the persons who have replies: when the first may be taken, in us
 *     ages        a sorted set of the tokens of all replies: when each was put
 *     sent        a list of when replies were taken last, in us, as many as a second may have
 *     paid:WHO    until when a person is served, at the pace that Meta documents
 *     newest:WHO  the token of what was put last for a person, and once that was sent its sent_id
 *     put:KEY     a reply with this key was put
 *
 * WHO is a keyed hash. Only Redis's own clock counts.
 */
#include "store/redis/error.h"
#include "store/replies/backend.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is too old is dropped by who takes it, by two clocks: so no list has a time to live, which a
 * clock of Redis's that was wrong for a moment would end. */
#define WORDS_MAX 9

extern const struct redis_script replies_put_script, replies_take_script, replies_settle_script;

/* A script's argument as it is written: bytes, or else the text. */
struct word {
    const void *bytes;
    size_t length;
    char text[24];
};

static struct word of_bytes(const void *bytes, size_t length)
{
    return (struct word){.bytes = bytes, .length = length};
}

static struct word of_number(int64_t number)
{
    struct word word = {0};

    word.length = (size_t)snprintf(word.text, sizeof word.text, "%" PRId64, number);
    return word;
}

static struct word of_hash(uint64_t hash)
{
    struct word word = {0};

    word.length = (size_t)snprintf(word.text, sizeof word.text, "%016" PRIx64, hash);
    return word;
}

static enum store_status run(struct redis_lane *lane, const struct redis_script *script,
                             const struct word *words, size_t count,
                             void (*callback)(const struct redisReply *reply, void *arg), void *arg)
{
    const char *argv[WORDS_MAX] = {REPLIES_PREFIX};
    size_t lengths[WORDS_MAX] = {strlen(REPLIES_PREFIX)};

    for (size_t i = 0; i < count; i++) {
        argv[1 + i] = words[i].bytes != NULL ? words[i].bytes : words[i].text;
        lengths[1 + i] = words[i].length;
    }
    return redis_lane_run(lane, script, 1, (int)count + 1, argv, lengths, callback, arg);
}

#define COUNT(words) (sizeof words / sizeof words[0])

static bool is_number(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER;
}

static bool is_text(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* Putting */

static void on_put(const struct redisReply *reply, void *arg)
{
    struct replies_entry *entry = arg;
    enum store_status status = STORE_DOWN;

    if (reply != NULL && is_number(reply))
        status = reply->integer == 0 ? STORE_FULL : STORE_OK;
    if (status == STORE_OK)
        replies_consumer_wake(entry->link);
    store_ticket_finish(&entry->ticket, status);
}

static enum store_status redis_put(struct replies_link *link, struct replies_entry *entry,
                                   const struct replies_kept *kept)
{
    const struct replies_settings *settings = &link->store->settings;
    const struct word words[] = {
        of_hash(kept->who),
        of_hash(entry->key),
        of_bytes(kept->bytes, REPLY_TOKEN_SIZE),
        of_bytes(kept->bytes, kept->length),
        of_number((int64_t)settings->length_max),
        of_number(settings->put_ttl_ms),
        of_number(PACE_AHEAD_MS),
    };

    return run(&link->puts, &replies_put_script, words, COUNT(words), on_put, entry);
}

/* Taking and settling */

static bool is_taken(const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 4 ||
        reply->elements > 4 + 2 * TAKE_MAX || reply->elements % 2 != 0)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (!(i < 4 ? is_number : is_text)(reply->element[i]))
            return false;
    return true;
}

static void on_taken(const struct redisReply *reply, void *arg)
{
    struct replies_link *link = arg;
    struct replies_taken taken;

    if (!is_taken(reply)) {
        if (reply != NULL && link->watch.trouble != NULL &&
            redis_error_note(link->told, "the replies that wait cannot be taken", reply))
            link->watch.trouble(link->watch.arg, link->told);
        replies_consumer_taken(link, NULL);
        return;
    }
    taken.length = (uint64_t)reply->element[0]->integer;
    taken.oldest_age_ms = reply->element[1]->integer;
    taken.wait_ms = reply->element[2]->integer;
    taken.lease_end = reply->element[3]->integer;
    taken.count = (reply->elements - 4) / 2;
    for (size_t i = 0; i < taken.count; i++) {
        const struct redisReply *kept = reply->element[5 + 2 * i];
        taken.kept[i] = (struct replies_kept){strtoull(reply->element[4 + 2 * i]->str, NULL, 16),
                                              (const unsigned char *)kept->str, kept->len};
    }
    replies_consumer_taken(link, &taken);
}

static enum store_status redis_take(struct replies_link *link, unsigned most)
{
    const struct replies_settings *settings = &link->store->settings;
    const struct word words[] = {
        of_number(most),
        of_number(settings->lease_ms),
        of_number(settings->per_second),
    };

    return run(&link->takes, &replies_take_script, words, COUNT(words), on_taken, link);
}

static void on_settled(const struct redisReply *reply, void *arg)
{
    if (reply != NULL && is_number(reply))
        replies_consumer_settled(arg);
    else
        replies_consumer_unsettled(arg);
}

static enum store_status redis_settle(struct replies_item *item)
{
    char sent_id[24] = "";

    if (item->sent && item->reply.sent_id != 0)
        snprintf(sent_id, sizeof sent_id, "%" PRIu64, item->reply.sent_id);
    const struct word words[] = {
        of_hash(item->who),
        of_number(item->lease_end),
        of_bytes(item->token, item->token_length),
        item->over ? of_bytes("", 0) : of_number(item->delay_ms),
        of_bytes(item->tail, REPLY_TAIL_SIZE),
        of_number(item->sent ? PACE_MS : 0),
        of_number(PACE_AHEAD_MS),
        of_bytes(sent_id, strlen(sent_id)),
    };

    return run(&item->link->takes, &replies_settle_script, words, COUNT(words), on_settled, item);
}

/* The newest */

/* A token is no number. */
static void on_newest(const struct redisReply *reply, void *arg)
{
    struct replies_newest *newest = arg;
    enum store_status status = reply != NULL ? STORE_ABSENT : STORE_DOWN;
    char *end;

    if (reply != NULL && is_text(reply)) {
        newest->id = strtoull(reply->str, &end, 10);
        if (end != reply->str + reply->len)
            newest->id = 0;
    }
    store_ticket_finish(&newest->ticket, newest->id != 0 ? STORE_OK : status);
}

static enum store_status redis_newest(struct replies_link *link, uint64_t who,
                                      struct replies_newest *newest)
{
    char name[48];

    snprintf(name, sizeof name, REPLIES_PREFIX ":newest:%016" PRIx64, who);
    return redis_lane_send(&link->puts, 2, (const char *[]){"GET", name}, NULL, on_newest, newest);
}

const struct replies_backend replies_in_redis = {redis_put, redis_take, redis_settle, redis_newest};
