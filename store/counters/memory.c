/* The counters of a process without Redis: the last days and the living buckets, under one lock. */
#include "store/counters/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct day {
    int64_t number;
    uint64_t counts[COUNTERS_FIELDS_MAX];
};

struct counters_memory {
    const struct counters_settings *settings;
    pthread_mutex_t lock;
    struct day days[COUNTERS_DAYS_MAX]; /* number n stands at n % COUNTERS_DAYS_MAX */
    struct counters_bucket buckets[COUNTERS_BUCKETS];
};

struct counters_memory *counters_memory_create(const struct counters_settings *settings)
{
    struct counters_memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL)
        return NULL;
    memory->settings = settings;
    pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void counters_memory_free(struct counters_memory *memory)
{
    if (memory == NULL)
        return;
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static struct day *day_at(struct counters_memory *memory, int64_t number)
{
    struct day *day = &memory->days[number % COUNTERS_DAYS_MAX];

    if (day->number != number) {
        memset(day, 0, sizeof *day);
        day->number = number;
    }
    return day;
}

void counters_memory_take(struct counters_memory *memory, const struct counters_batch *batch)
{
    pthread_mutex_lock(&memory->lock);
    struct day *day = day_at(memory, batch->day);
    for (size_t i = 0; i < memory->settings->field_count; i++)
        day->counts[i] += (uint64_t)batch->counts[i];
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        const struct counters_bucket *moved = &batch->buckets[i];
        struct counters_bucket *bucket = counters_bucket_at(memory->buckets, moved->number);
        for (size_t j = 0; bucket != NULL && j < memory->settings->step_count; j++)
            bucket->here[j] += moved->here[j];
    }
    pthread_mutex_unlock(&memory->lock);
}

static void here_read(const struct counters_memory *memory, struct counters_reading *reading,
                      int64_t now_s)
{
    const struct counters_window window = counters_window(memory->settings->life_minutes, now_s);
    int64_t here[COUNTERS_STEPS_MAX] = {0};

    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        const struct counters_bucket *bucket = &memory->buckets[i];
        if (bucket->number < window.first || bucket->number > window.last)
            continue;
        for (size_t j = 0; j < memory->settings->step_count; j++)
            here[j] += bucket->here[j];
    }
    for (size_t j = 0; j < memory->settings->step_count; j++)
        reading->here[j] = here[j] > 0 ? (uint64_t)here[j] : 0;
}

void counters_memory_read(struct counters_memory *memory, struct counters_reading *reading,
                          int64_t now_s)
{
    const size_t field_count = memory->settings->field_count;
    const int64_t today = memory->settings->day_of(now_s);

    memset(reading->today, 0, sizeof reading->today);
    memset(reading->period, 0, sizeof reading->period);
    reading->instance_count = 0;
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < COUNTERS_DAYS_MAX; i++) {
        const struct day *day = &memory->days[i];
        if (day->number > today || day->number <= today - (int64_t)reading->days)
            continue;
        for (size_t j = 0; j < field_count; j++) {
            reading->period[j] += day->counts[j];
            if (day->number == today)
                reading->today[j] = day->counts[j];
        }
    }
    here_read(memory, reading, now_s);
    pthread_mutex_unlock(&memory->lock);
}
