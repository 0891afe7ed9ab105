/* The counters of a process without Redis: the last days and the living buckets, under one lock. */
#include "store/counters/backend.h"

#include <string.h>

static struct counters_day *day_at(struct counters *counters, int64_t number)
{
    struct counters_day *day = &counters->days[number % COUNTERS_DAYS_MAX];

    if (day->number != number)
        *day = (struct counters_day){.number = number};
    return day;
}

void counters_memory_take(struct counters *counters, const struct counters_batch *batch)
{
    pthread_mutex_lock(&counters->lock);
    struct counters_day *day = day_at(counters, batch->day);
    for (size_t i = 0; i < counters->settings.field_count; i++)
        day->counts[i] += (uint64_t)batch->counts[i];
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        const struct counters_bucket *moved = &batch->buckets[i];
        struct counters_bucket *bucket = counters_bucket_at(counters->buckets, moved->number);
        for (size_t j = 0; bucket != NULL && j < counters->settings.step_count; j++)
            bucket->here[j] += moved->here[j];
    }
    pthread_mutex_unlock(&counters->lock);
}

static void here_read(const struct counters *counters, struct counters_reading *reading,
                      int64_t now_s)
{
    const struct counters_window window = counters_window(counters, now_s);
    int64_t here[COUNTERS_STEPS_MAX] = {0};

    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        const struct counters_bucket *bucket = &counters->buckets[i];
        if (bucket->number < window.first || bucket->number > window.last)
            continue;
        for (size_t j = 0; j < counters->settings.step_count; j++)
            here[j] += bucket->here[j];
    }
    for (size_t j = 0; j < counters->settings.step_count; j++)
        reading->here[j] = here[j] > 0 ? (uint64_t)here[j] : 0;
}

void counters_memory_read(struct counters *counters, struct counters_reading *reading,
                          int64_t now_s)
{
    const int64_t today = counters->settings.day_of(now_s);

    memset(reading->period, 0, sizeof reading->period);
    reading->instance_count = 0;
    pthread_mutex_lock(&counters->lock);
    for (int64_t number = today - reading->days + 1; number <= today; number++) {
        const struct counters_day *day = &counters->days[number % COUNTERS_DAYS_MAX];
        for (size_t i = 0; i < counters->settings.field_count; i++) {
            reading->today[i] = day->number == number ? day->counts[i] : 0;
            reading->period[i] += reading->today[i];
        }
    }
    here_read(counters, reading, now_s);
    pthread_mutex_unlock(&counters->lock);
}
