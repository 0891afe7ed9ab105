/*
 * Replies in Redis, shared by all instances. Under "uic:replies:" there are
 *
 *     of:WHO      a list for each person, the replies in the order of putting; it ends with time
 *     due         a sorted set of the persons who have replies: when the first may be taken
 *     ages        a sorted set of the tokens of all replies: when each was put
 *     sent        a list of when replies were taken in the last second, no more than it may have
 *     paid:WHO    until when a person is served, at the pace that Meta documents
 *     newest:WHO  the token of what was put last for a person, and once that was sent its sent_id
 *     put:KEY     a reply with this key was put
 *
 * WHO is a keyed hash. Only Redis's own clock counts.
 */
#include "store/replies/backend.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside a day of waiting, a list lives for as long as anybody is put off, and some more. */
#define LIST_MORE_MS (2 * REPLY_DELAY_MAX_MS)
#define WORDS_MAX 9

extern const struct redis_script replies_put_script, replies_take_script, replies_settle_script;

/* A script's key and arguments as they are written. */
struct words {
    const char *argv[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    int argc;
    char numbers[WORDS_MAX][24];
};

static void add_bytes(struct words *words, const void *bytes, size_t length)
{
    words->argv[words->argc] = bytes;
    words->lengths[words->argc++] = length;
}

static void add_number(struct words *words, int64_t number)
{
    char *text = words->numbers[words->argc];

    add_bytes(words, text, (size_t)snprintf(text, sizeof words->numbers[0], "%" PRId64, number));
}

static void add_hash(struct words *words, uint64_t hash)
{
    char *text = words->numbers[words->argc];

    add_bytes(words, text, (size_t)snprintf(text, sizeof words->numbers[0], "%016" PRIx64, hash));
}

static void words_begin(struct words *words)
{
    words->argc = 0;
    add_bytes(words, REPLIES_PREFIX, strlen(REPLIES_PREFIX));
}

static enum store_status words_run(const struct words *words, struct redis_lane *lane,
                                   const struct redis_script *script,
                                   void (*callback)(const struct redisReply *reply, void *arg),
                                   void *arg)
{
    return redis_lane_run(lane, script, 1, words->argc, words->argv, words->lengths, callback, arg);
}

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

    if (reply == NULL || !is_number(reply))
        entry->ticket.status = STORE_DOWN;
    else
        entry->ticket.status = reply->integer == 0 ? STORE_FULL : STORE_OK;
    if (entry->ticket.status == STORE_OK)
        replies_consumer_wake(entry->link);
    entry->ticket.done(&entry->ticket);
}

static enum store_status redis_put(struct replies_link *link, struct replies_entry *entry,
                                   const struct replies_kept *kept)
{
    const struct replies_settings *settings = &link->store->settings;
    struct words words;

    words_begin(&words);
    add_hash(&words, kept->who);
    add_hash(&words, entry->key);
    add_bytes(&words, kept->bytes, REPLY_TOKEN_SIZE);
    add_bytes(&words, kept->bytes, kept->length);
    add_number(&words, (int64_t)settings->length_max);
    add_number(&words, settings->put_ttl_ms);
    add_number(&words, settings->age_max_ms + LIST_MORE_MS);
    add_number(&words, PACE_AHEAD_MS);
    return words_run(&words, &link->puts, &replies_put_script, on_put, entry);
}

/* Taking and settling */

static void trouble_tell(struct replies_link *link, const struct redisReply *reply)
{
    char why[STORE_ERROR_MAX], *script;

    if (reply == NULL)
        return;
    snprintf(why, sizeof why, "the replies that wait cannot be taken: %s",
             reply->type == REDIS_REPLY_ERROR ? reply->str : "an odd answer");
    /* A script adds its name and line; the trouble is the same. */
    if ((script = strstr(why, " script: ")) != NULL)
        *script = '\0';
    replies_consumer_trouble(link, why);
}

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
        trouble_tell(link, reply);
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
    struct words words;

    words_begin(&words);
    add_number(&words, most);
    add_number(&words, settings->lease_ms);
    add_number(&words, settings->per_second);
    add_number(&words, settings->age_max_ms + LIST_MORE_MS);
    add_number(&words, REPLY_DELAY_MAX_MS);
    return words_run(&words, &link->takes, &replies_take_script, on_taken, link);
}

static void on_settled(const struct redisReply *reply, void *arg)
{
    if (reply != NULL && is_number(reply))
        replies_consumer_settled(arg, reply->integer);
    else
        replies_consumer_unsettled(arg);
}

static enum store_status redis_settle(struct replies_item *item)
{
    const struct replies_settlement *settlement = &item->settlement;
    struct words words;

    words_begin(&words);
    add_hash(&words, settlement->who);
    add_number(&words, settlement->lease_end);
    add_bytes(&words, settlement->token, settlement->token_length);
    if (settlement->over)
        add_bytes(&words, "", 0);
    else
        add_number(&words, settlement->delay_ms);
    add_bytes(&words, settlement->tail, REPLY_TAIL_SIZE);
    add_number(&words, settlement->sent ? PACE_MS : 0);
    add_number(&words, PACE_AHEAD_MS);
    if (settlement->sent_id == 0)
        add_bytes(&words, "", 0);
    else
        add_bytes(&words, words.numbers[8],
                  (size_t)snprintf(words.numbers[8], sizeof words.numbers[8], "%" PRIu64,
                                   settlement->sent_id));
    return words_run(&words, &item->link->takes, &replies_settle_script, on_settled, item);
}

/* The newest */

/* A token is no number. */
static void on_newest(const struct redisReply *reply, void *arg)
{
    struct replies_newest *newest = arg;
    char *end = NULL;

    if (reply != NULL && is_text(reply)) {
        newest->id = strtoull(reply->str, &end, 10);
        if (end != reply->str + reply->len)
            newest->id = 0;
    }
    newest->ticket.status = newest->id != 0 ? STORE_OK : reply != NULL ? STORE_ABSENT : STORE_DOWN;
    newest->ticket.done(&newest->ticket);
}

static enum store_status redis_newest(struct replies_link *link, uint64_t who,
                                      struct replies_newest *newest)
{
    char name[48];
    const int length = snprintf(name, sizeof name, REPLIES_PREFIX ":newest:%016" PRIx64, who);

    return redis_lane_send(&link->puts, 2, (const char *[]){"GET", name},
                           (const size_t[]){3, (size_t)length}, on_newest, newest);
}

const struct replies_backend replies_in_redis = {redis_put, redis_take, redis_settle, redis_newest};
