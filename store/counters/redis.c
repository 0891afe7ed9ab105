/*
 * The counters in Redis: makes the arguments of two scripts, one that adds and one that sums, and
 * reads their answers.
 */
#include "store/base/random_name.h"
#include "store/counters/backend.h"
#include "store/redis/link.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Readings under way, and one flush. */
#define IN_FLIGHT_MAX 16
#define KEY_MAX 64
#define NUMBER_MAX 24
#define LINK_BYTES 8
#define DAY_LIFE_S (91 * 86400)
/* A bucket outlives its things, for clocks that differ. */
#define BUCKET_SPARE_MINUTES 2
#define KEYS_MAX (3 + COUNTERS_DAYS_MAX + COUNTERS_BUCKETS)
#define NUMBERS_MAX (COUNTERS_FIELDS_MAX + COUNTERS_BUCKETS * (COUNTERS_STEPS_MAX + 2) + 8)
#define WORDS_MAX (4 + KEYS_MAX + 2 * NUMBERS_MAX)
#define TEXTS_MAX (KEYS_MAX * KEY_MAX + NUMBERS_MAX * NUMBER_MAX)
#define INSTANCES "uic:instances"

extern const struct redis_script counters_flush_script, counters_read_script;

/* A script's keys and arguments while they are put together. */
struct call {
    size_t key_count, argument_count, text_length;
    const char *keys[KEYS_MAX + WORDS_MAX]; /* in the end the arguments stand behind them */
    const char *arguments[WORDS_MAX];
    char texts[TEXTS_MAX]; /* of those that are made here */
};

struct counters_redis {
    const struct counters_settings *settings;
    struct redis_lane lane;
    void (*confirmed)(void *arg);
    void *arg;
    bool flushing; /* a batch is under way */
    char name[2 * LINK_BYTES + 1];
    struct call call;
};

static void call_clear(struct call *call)
{
    call->key_count = call->argument_count = call->text_length = 0;
}

__attribute__((format(printf, 2, 3))) static const char *text_write(struct call *call,
                                                                    const char *form, ...)
{
    char *text = call->texts + call->text_length;
    va_list arguments;

    va_start(arguments, form);
    call->text_length += (size_t)vsnprintf(text, KEY_MAX, form, arguments) + 1;
    va_end(arguments);
    return text;
}

static void text_put(struct call *call, const char *text)
{
    call->arguments[call->argument_count++] = text;
}

static void number_put(struct call *call, int64_t number)
{
    text_put(call, text_write(call, "%" PRId64, number));
}

static void key_put(struct call *call, const char *key)
{
    call->keys[call->key_count++] = key;
}

static void day_key_put(struct call *call, int64_t day)
{
    const time_t at = (time_t)(day * 86400);
    struct tm tm = {0};
    char date[16];

    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%Y-%m-%d", &tm);
    key_put(call, text_write(call, "uic:figures:%s", date));
}

static void bucket_key_put(struct call *call, const struct counters_settings *settings,
                           int64_t number)
{
    key_put(call, text_write(call, "uic:active:%.20s:%" PRId64, settings->generation,
                             number * counters_width(settings->life_minutes)));
}

static enum store_status call_send(struct counters_redis *redis, const struct redis_script *script,
                                   void (*callback)(const struct redisReply *reply, void *arg),
                                   void *arg)
{
    struct call *call = &redis->call;

    memcpy(call->keys + call->key_count, call->arguments,
           call->argument_count * sizeof *call->arguments);
    return redis_lane_run(&redis->lane, script, (unsigned)call->key_count,
                          (int)(call->key_count + call->argument_count), call->keys, NULL, callback,
                          arg);
}

/* Adding */

/* What is added to one hash, or false when that is nothing. */
static bool counts_put(struct call *call, int64_t life_s, const char *const *names,
                       const int64_t *counts, size_t count)
{
    size_t changed = 0;

    for (size_t i = 0; i < count; i++)
        changed += counts[i] != 0;
    if (changed == 0)
        return false;
    number_put(call, life_s);
    number_put(call, (int64_t)changed);
    for (size_t i = 0; i < count; i++) {
        if (counts[i] != 0) {
            text_put(call, names[i]);
            number_put(call, counts[i]);
        }
    }
    return true;
}

static void batch_put(struct call *call, const struct counters_settings *settings,
                      const struct counters_batch *batch)
{
    const unsigned life = settings->life_minutes + counters_width(settings->life_minutes) +
                          COUNTERS_BUCKETS_AHEAD + BUCKET_SPARE_MINUTES;

    if (counts_put(call, DAY_LIFE_S, settings->fields, batch->counts, settings->field_count))
        day_key_put(call, batch->day);
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        const struct counters_bucket *bucket = &batch->buckets[i];
        if (counts_put(call, (int64_t)life * 60, settings->steps, bucket->here,
                       settings->step_count))
            bucket_key_put(call, settings, bucket->number);
    }
}

static void on_flushed(const struct redisReply *reply, void *arg)
{
    struct counters_redis *redis = arg;

    redis->flushing = false;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
        redis->confirmed(redis->arg);
}

void counters_redis_send(struct counters_redis *redis, const struct counters_batch *batch,
                         uint64_t sequence)
{
    const struct counters_settings *settings = redis->settings;
    struct call *call = &redis->call;

    if (redis->flushing || (batch == NULL && settings->instance == NULL))
        return;
    call_clear(call);
    key_put(call, text_write(call, "uic:flush:%s", redis->name));
    key_put(call, INSTANCES);
    number_put(call, (int64_t)sequence);
    text_put(call, settings->instance != NULL ? settings->instance : "");
    number_put(call, COUNTERS_INSTANCE_MS);
    if (batch != NULL)
        batch_put(call, settings, batch);
    enum store_status status =
        call_send(redis, &counters_flush_script, batch != NULL ? on_flushed : NULL, redis);
    redis->flushing = batch != NULL && status == STORE_LATER;
}

/* Reading */

static void numbers_read(const struct redisReply *list, uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool there = i < list->elements && list->element[i]->type == REDIS_REPLY_INTEGER &&
                           list->element[i]->integer > 0;
        numbers[i] = there ? (uint64_t)list->element[i]->integer : 0;
    }
}

static void instances_read(const struct redisReply *list, struct counters_reading *reading)
{
    reading->instance_count = 0;
    for (size_t i = 0; i + 1 < list->elements && i < 2 * COUNTERS_INSTANCES_MAX; i += 2) {
        struct counters_instance *instance = &reading->instances[reading->instance_count];
        if (list->element[i]->type != REDIS_REPLY_STRING ||
            list->element[i]->len >= COUNTERS_INSTANCE_MAX)
            continue;
        memcpy(instance->text, list->element[i]->str, list->element[i]->len + 1);
        instance->age_ms = list->element[i + 1]->integer;
        reading->instance_count++;
    }
}

static bool is_answer(const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 4)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_ARRAY)
            return false;
    }
    return true;
}

static void on_read(const struct redisReply *reply, void *arg)
{
    struct counters_reading *reading = arg;
    const struct counters_settings *settings = reading->settings;

    const bool answered = is_answer(reply);

    if (answered) {
        numbers_read(reply->element[0], reading->today, settings->field_count);
        numbers_read(reply->element[1], reading->period, settings->field_count);
        numbers_read(reply->element[2], reading->here, settings->step_count);
        instances_read(reply->element[3], reading);
    }
    store_ticket_finish(&reading->ticket, answered ? STORE_OK : STORE_DOWN);
}

enum store_status counters_redis_read(struct counters_redis *redis,
                                      struct counters_reading *reading, int64_t now_s)
{
    const struct counters_settings *settings = redis->settings;
    const struct counters_window window = counters_window(settings->life_minutes, now_s);
    const int64_t today = settings->day_of(now_s);
    struct call *call = &redis->call;

    reading->settings = settings;
    call_clear(call);
    key_put(call, INSTANCES);
    for (unsigned i = 0; i < reading->days && i < COUNTERS_DAYS_MAX; i++)
        day_key_put(call, today - i);
    number_put(call, COUNTERS_INSTANCE_MS);
    number_put(call, COUNTERS_INSTANCES_MAX);
    number_put(call, (int64_t)call->key_count - 1);
    number_put(call, (int64_t)settings->field_count);
    for (int64_t number = window.first; number <= window.last; number++)
        bucket_key_put(call, settings, number);
    for (size_t i = 0; i < settings->field_count; i++)
        text_put(call, settings->fields[i]);
    for (size_t i = 0; i < settings->step_count; i++)
        text_put(call, settings->steps[i]);
    return call_send(redis, &counters_read_script, on_read, reading);
}

/* Life */

struct counters_redis *counters_redis_open(const struct counters_settings *settings,
                                           struct redis_link *link, const struct store_watch *watch,
                                           void (*confirmed)(void *arg), void *arg,
                                           char error[STORE_ERROR_MAX])
{
    struct counters_redis *redis = calloc(1, sizeof *redis);

    if (redis == NULL || random_name(redis->name, sizeof redis->name) != 0) {
        snprintf(error, STORE_ERROR_MAX, "no memory or no randomness for the counters");
        free(redis);
        return NULL;
    }
    redis->settings = settings;
    redis->confirmed = confirmed;
    redis->arg = arg;
    redis_lane_join(&redis->lane, link, IN_FLIGHT_MAX, watch);
    return redis;
}

void counters_redis_close(struct counters_redis *redis)
{
    if (redis == NULL)
        return;
    redis_lane_leave(&redis->lane);
    free(redis);
}

bool counters_redis_up(const struct counters_redis *redis)
{
    return redis_lane_up(&redis->lane);
}
