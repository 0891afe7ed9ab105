/* Counts for each thread alone, adds up when read. */
#include "server/telemetry/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* All that a thread counts, in one row: counters and levels, requests, histograms. */
enum {
    HISTOGRAM_SLOTS = METRICS_BUCKETS_MAX + 1, /* the last one is the sum of the values */
    REQUESTS = METRIC_COUNT,
    HISTOGRAMS = REQUESTS + METRIC_ROUTE_COUNT * METRIC_STATUS_COUNT,
    SLOT_COUNT = HISTOGRAMS + METRIC_HISTOGRAM_COUNT * HISTOGRAM_SLOTS,
};

struct block {
    _Atomic uint64_t slots[SLOT_COUNT]; /* written by its own thread alone */
    struct block *next;
    bool listed;
};

static _Thread_local struct block mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;       /* of the threads that live */
static uint64_t ended[SLOT_COUNT]; /* of those that ended */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static atomic_uint_least64_t gauges[METRIC_GAUGE_COUNT];

static const struct metric_scale scale_SECONDS = {
    {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
     10000000, UINT64_MAX},
    1000000,
};
static const struct metric_scale scale_ROWS = {
    {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, UINT64_MAX},
    1,
};

static const struct metric_scale *const scales[] = {
#define SCALE(symbol, scale, ...) &scale_##scale,
    METRICS_HISTOGRAMS(SCALE)
#undef SCALE
};

static uint64_t slot_read(const struct block *block, size_t i)
{
    return atomic_load_explicit(&block->slots[i], memory_order_relaxed);
}

static void leave(void *arg)
{
    struct block *block = arg;

    pthread_mutex_lock(&lock);
    struct block **link = &blocks;
    while (*link != block)
        link = &(*link)->next;
    *link = block->next;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        ended[i] += slot_read(block, i);
        atomic_store_explicit(&block->slots[i], 0, memory_order_relaxed);
    }
    block->listed = false;
    pthread_mutex_unlock(&lock);
}

static void create_key(void)
{
    pthread_key_create(&key, leave);
}

static void join(struct block *block)
{
    pthread_once(&once, create_key);
    pthread_setspecific(key, block);
    pthread_mutex_lock(&lock);
    block->next = blocks;
    blocks = block;
    block->listed = true;
    pthread_mutex_unlock(&lock);
}

/* No other thread writes here, so that an addition needs no locked instruction. */
static void slot_add(size_t i, uint64_t n)
{
    if (!mine.listed)
        join(&mine);
    atomic_store_explicit(&mine.slots[i], slot_read(&mine, i) + n, memory_order_relaxed);
}

void metrics_add(enum metric metric, uint64_t n)
{
    slot_add(metric, n);
}

/* Modulo 2^64, so that the sum is right again. */
void metrics_subtract(enum metric metric, uint64_t n)
{
    slot_add(metric, 0 - n);
}

static size_t request_slot(enum metric_route route, enum metric_status status)
{
    return REQUESTS + (size_t)route * METRIC_STATUS_COUNT + status;
}

static enum metric_status status_find(int status)
{
    switch (status) {
#define STATUS(number, phrase) \
    case number:               \
        return METRIC_STATUS_##number;
        HTTP_STATUSES(STATUS)
#undef STATUS
    default:
        return METRIC_STATUS_OTHER;
    }
}

void metrics_request(enum metric_route route, int status)
{
    slot_add(request_slot(route, status_find(status)), 1);
}

static size_t histogram_slot(enum metric_histogram histogram)
{
    return HISTOGRAMS + (size_t)histogram * HISTOGRAM_SLOTS;
}

void metrics_observe(enum metric_histogram histogram, int64_t value)
{
    const uint64_t positive = value > 0 ? (uint64_t)value : 0;
    const size_t slot = histogram_slot(histogram);
    size_t bucket = 0;

    while (positive > scales[histogram]->bounds[bucket])
        bucket++;
    slot_add(slot + bucket, 1);
    slot_add(slot + METRICS_BUCKETS_MAX, positive);
}

void metrics_set(enum metric_gauge gauge, uint64_t value)
{
    atomic_store_explicit(&gauges[gauge], value, memory_order_relaxed);
}

static uint64_t slot_sum(size_t i)
{
    pthread_mutex_lock(&lock);
    uint64_t sum = ended[i];
    for (const struct block *block = blocks; block; block = block->next)
        sum += slot_read(block, i);
    pthread_mutex_unlock(&lock);
    return sum;
}

uint64_t metrics_sum(enum metric metric)
{
    return slot_sum(metric);
}

uint64_t metrics_requests(enum metric_route route, enum metric_status status)
{
    return slot_sum(request_slot(route, status));
}

void metrics_distribution(enum metric_histogram histogram, struct metric_distribution *sums)
{
    const size_t slot = histogram_slot(histogram);

    for (size_t i = 0; i < METRICS_BUCKETS_MAX; i++)
        sums->buckets[i] = slot_sum(slot + i);
    sums->sum = slot_sum(slot + METRICS_BUCKETS_MAX);
}

uint64_t metrics_gauge(enum metric_gauge gauge)
{
    return atomic_load_explicit(&gauges[gauge], memory_order_relaxed);
}

const struct metric_scale *metrics_scale(enum metric_histogram histogram)
{
    return scales[histogram];
}
