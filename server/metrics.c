/* Counts for each thread alone, sums when read. What is counted stands in metrics.h. */
#include "server/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct block {
    _Atomic uint64_t counts[METRIC_COUNT]; /* written by its own thread alone */
    struct block *next;
    bool listed;
};

static _Thread_local struct block mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;         /* of the threads that live */
static uint64_t ended[METRIC_COUNT]; /* of those that ended */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static uint64_t read_count(const struct block *block, size_t i)
{
    return atomic_load_explicit(&block->counts[i], memory_order_relaxed);
}

static void leave(void *arg)
{
    struct block *block = arg;
    pthread_mutex_lock(&lock);
    struct block **link = &blocks;
    while (*link != block)
        link = &(*link)->next;
    *link = block->next;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        ended[i] += read_count(block, i);
        atomic_store_explicit(&block->counts[i], 0, memory_order_relaxed);
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

void metrics_add(enum metric metric, uint64_t n)
{
    if (!mine.listed)
        join(&mine);
    uint64_t count = read_count(&mine, metric);
    atomic_store_explicit(&mine.counts[metric], count + n, memory_order_relaxed);
}

uint64_t metrics_sum(enum metric metric)
{
    pthread_mutex_lock(&lock);
    uint64_t sum = ended[metric];
    for (const struct block *block = blocks; block; block = block->next)
        sum += read_count(block, metric);
    pthread_mutex_unlock(&lock);
    return sum;
}

static const struct {
    const char *name, *labels, *help;
} descriptions[] = {
#define DESCRIPTION(symbol, name, labels, help) {name, labels, help},
    METRICS_COUNTERS(DESCRIPTION)
#undef DESCRIPTION
};

/* The lines of one counter; the first of a name brings the name's head. */
static int print_counter(char *out, size_t capacity, size_t i)
{
    const char *name = descriptions[i].name, *labels = descriptions[i].labels;
    bool first = i == 0 || strcmp(name, descriptions[i - 1].name) != 0;
    unsigned long long sum = metrics_sum((enum metric)i);
    char head[512] = "";
    if (first)
        snprintf(head, sizeof head, "# HELP %s %s\n# TYPE %s counter\n", name, descriptions[i].help,
                 name);
    return snprintf(out, capacity, "%s%s%s%s%s %llu\n", head, name, *labels ? "{" : "", labels,
                    *labels ? "}" : "", sum);
}

static atomic_uint_least64_t gauges[METRIC_GAUGE_COUNT];

void metrics_set(enum metric_gauge gauge, uint64_t value)
{
    atomic_store_explicit(&gauges[gauge], value, memory_order_relaxed);
}

uint64_t metrics_gauge(enum metric_gauge gauge)
{
    return atomic_load_explicit(&gauges[gauge], memory_order_relaxed);
}

static int print_gauge(char *out, size_t capacity, size_t i)
{
    static const struct {
        const char *name, *help;
    } gauge_descriptions[] = {
#define DESCRIPTION(symbol, name, help) {name, help},
        METRICS_GAUGES(DESCRIPTION)
#undef DESCRIPTION
    };
    const char *name = gauge_descriptions[i].name;
    unsigned long long value = atomic_load_explicit(&gauges[i], memory_order_relaxed);
    return snprintf(out, capacity, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name,
                    gauge_descriptions[i].help, name, name, value);
}

size_t metrics_exposition(char *out, size_t capacity)
{
    size_t length = 0;
    if (capacity == 0)
        return 0;
    out[0] = '\0';
    for (size_t i = 0; i < METRIC_COUNT + METRIC_GAUGE_COUNT; i++) {
        char *at = out + length;
        int n = i < METRIC_COUNT ? print_counter(at, capacity - length, i)
                                 : print_gauge(at, capacity - length, i - METRIC_COUNT);
        if (n < 0 || (size_t)n >= capacity - length) {
            *at = '\0'; /* whole lines only */
            break;
        }
        length += (size_t)n;
    }
    return length;
}
