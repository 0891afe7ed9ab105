/* A message may come late, and so look as if our clock were fast: what counts is the one that is
 * closest to our clock among those of some minutes. */
#include "server/channels/meta/clock.h"

#include "server/telemetry/metrics.h"
#include <stdlib.h>

#define DAY_S (24 * 60 * 60)
#define WINDOW_MS (10 * 60 * 1000)
/* So far apart clocks may be without a word. */
#define DIFFERENCE_MAX_S (5 * 60)

void meta_clock_init(struct meta_clock *clock)
{
    *clock = (struct meta_clock){.newest_s = INT64_MIN, .told_ms = INT64_MIN / 2};
    pthread_mutex_init(&clock->mutex, NULL);
}

int64_t meta_clock_oldest_s(struct meta_clock *clock, int64_t age_s)
{
    pthread_mutex_lock(&clock->mutex);
    int64_t newest_s = clock->newest_s;
    pthread_mutex_unlock(&clock->mutex);
    return newest_s == INT64_MIN ? INT64_MIN : newest_s - age_s;
}

bool meta_clock_hear(struct meta_clock *clock, int64_t sent_s, int64_t now_s, int64_t now_ms,
                     int64_t *ahead_s)
{
    const int64_t difference_s = now_s - sent_s;

    pthread_mutex_lock(&clock->mutex);
    if (sent_s > clock->newest_s && difference_s >= -DAY_S)
        clock->newest_s = sent_s;
    if (now_ms >= clock->window_end_ms || llabs(difference_s) < llabs(clock->closest_s)) {
        if (now_ms >= clock->window_end_ms)
            clock->window_end_ms = now_ms + WINDOW_MS;
        clock->closest_s = difference_s;
    }
    *ahead_s = clock->closest_s;
    bool tells = llabs(clock->closest_s) > DIFFERENCE_MAX_S && now_ms - clock->told_ms >= WINDOW_MS;
    if (tells)
        clock->told_ms = now_ms;
    pthread_mutex_unlock(&clock->mutex);
    metrics_set(METRIC_META_CLOCK, (uint64_t)llabs(*ahead_s));
    return tells;
}
