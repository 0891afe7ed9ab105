/*
 * The counters in Redis: makes the arguments of two scripts, one that adds and one that sums, and
 * reads their answers.
 */
#include "store/base/utc_text.h"
#include "store/counters/backend.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 64
#define NUMBER_MAX 24
#define DAY_LIFE_S (91 * 86400)
/* A bucket outlives its things, for clocks that differ. */
#define BUCKET_SPARE_MINUTES 2
#define KEYS_MAX (3 + COUNTERS_DAYS_MAX + COUNTERS_BUCKETS)
#define NUMBERS_MAX (COUNTERS_FIELDS_MAX + COUNTERS_BUCKETS * (COUNTERS_STEPS_MAX + 2) + 8)
#define WORDS_MAX (4 + 2 * KEYS_MAX + 2 * NUMBERS_MAX)
#define TEXTS_MAX (KEYS_MAX * KEY_MAX + NUMBERS_MAX * NUMBER_MAX)
#define INSTANCES "uic:instances"

extern const struct redis_script counters_flush_script, counters_read_script;

/* What is said to a script while it is put together: its keys, then its arguments. */
struct call {
    int count;
    unsigned key_count;
    const char *words[WORDS_MAX];
    size_t text_length;
    char texts[TEXTS_MAX]; /* of those that are made here */
};

static void call_begin(struct call *call)
{
    call->count = 0;
    call->text_length = 0;
}

static void word_put(struct call *call, const char *word)
{
    call->words[call->count++] = word;
}

__attribute__((format(printf, 2, 3))) static void text_put(struct call *call, const char *form, ...)
{
    char *text = call->texts + call->text_length;
    va_list arguments;

    va_start(arguments, form);
    call->text_length += (size_t)vsnprintf(text, KEY_MAX, form, arguments) + 1;
    va_end(arguments);
    word_put(call, text);
}

static void number_put(struct call *call, int64_t number)
{
    text_put(call, "%" PRId64, number);
}

static void day_key_put(struct call *call, int64_t day)
{
    char date[UTC_TEXT_MAX];

    utc_day_text(day, date);
    text_put(call, "uic:figures:%s", date);
}

static void bucket_key_put(struct call *call, const struct counters *counters, int64_t number)
{
    text_put(call, "uic:active:%.20s:%" PRId64, counters->settings.generation,
             number * counters->width);
}

/* Adding */

static size_t changes(const int64_t *counts, size_t count)
{
    size_t changed = 0;

    for (size_t i = 0; i < count; i++)
        changed += counts[i] != 0;
    return changed;
}

/* What is added to one hash, if anything is. */
static void counts_put(struct call *call, int64_t life_s, const char *const *names,
                       const int64_t *counts, size_t count)
{
    const size_t changed = changes(counts, count);

    if (changed == 0)
        return;
    number_put(call, life_s);
    number_put(call, (int64_t)changed);
    for (size_t i = 0; i < count; i++) {
        if (counts[i] != 0) {
            word_put(call, names[i]);
            number_put(call, counts[i]);
        }
    }
}

static void batch_keys_put(struct call *call, const struct counters *counters,
                           const struct counters_batch *batch)
{
    if (changes(batch->counts, counters->settings.field_count) > 0)
        day_key_put(call, batch->day);
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++)
        if (changes(batch->buckets[i].here, counters->settings.step_count) > 0)
            bucket_key_put(call, counters, batch->buckets[i].number);
}

static void batch_put(struct call *call, const struct counters *counters,
                      const struct counters_batch *batch)
{
    const struct counters_settings *settings = &counters->settings;
    const int64_t life =
        settings->life_minutes + counters->width + COUNTERS_BUCKETS_AHEAD + BUCKET_SPARE_MINUTES;

    counts_put(call, DAY_LIFE_S, settings->fields, batch->counts, settings->field_count);
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++)
        counts_put(call, life * 60, settings->steps, batch->buckets[i].here, settings->step_count);
}

static void on_flushed(const struct redisReply *reply, void *arg)
{
    struct counters_link *link = arg;

    link->flushing = false;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return;
    *link->sending = (struct counters_batch){0};
    link->unconfirmed = false;
}

/* What is confirmed is empty, and adds nothing. */
void counters_redis_send(struct counters_link *link)
{
    const char *instance = link->counters->settings.instance;
    struct call call;

    if (link->flushing || (!link->unconfirmed && instance == NULL))
        return;
    call_begin(&call);
    text_put(&call, "uic:flush:%s", link->name);
    word_put(&call, INSTANCES);
    batch_keys_put(&call, link->counters, link->sending);
    call.key_count = (unsigned)call.count;
    number_put(&call, (int64_t)link->sequence);
    word_put(&call, instance != NULL ? instance : "");
    number_put(&call, COUNTERS_INSTANCE_MS);
    batch_put(&call, link->counters, link->sending);
    const bool sent =
        redis_lane_run(&link->lane, &counters_flush_script, call.key_count, call.count, call.words,
                       NULL, link->unconfirmed ? on_flushed : NULL, link) == STORE_LATER;
    link->flushing = link->unconfirmed && sent;
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

static void read_keys_put(struct call *call, const struct counters *counters, unsigned days,
                          int64_t now_s)
{
    const struct counters_window window = counters_window(counters, now_s);
    const int64_t today = counters->settings.day_of(now_s);

    word_put(call, INSTANCES);
    for (unsigned i = 0; i < days; i++)
        day_key_put(call, today - i);
    for (int64_t number = window.first; number <= window.last; number++)
        bucket_key_put(call, counters, number);
}

enum store_status counters_redis_read(struct counters_link *link, struct counters_reading *reading,
                                      int64_t now_s)
{
    const struct counters_settings *settings = &link->counters->settings;
    const unsigned days = reading->days < COUNTERS_DAYS_MAX ? reading->days : COUNTERS_DAYS_MAX;
    struct call call;

    reading->settings = settings;
    call_begin(&call);
    read_keys_put(&call, link->counters, days, now_s);
    call.key_count = (unsigned)call.count;
    number_put(&call, COUNTERS_INSTANCE_MS);
    number_put(&call, COUNTERS_INSTANCES_MAX);
    number_put(&call, days);
    number_put(&call, (int64_t)settings->field_count);
    for (size_t i = 0; i < settings->field_count; i++)
        word_put(&call, settings->fields[i]);
    for (size_t i = 0; i < settings->step_count; i++)
        word_put(&call, settings->steps[i]);
    return redis_lane_run(&link->lane, &counters_read_script, call.key_count, call.count,
                          call.words, NULL, on_read, reading);
}
