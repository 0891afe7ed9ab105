/* Counts in windows that begin with the first thing counted, one table for each kind of window. */
#include "server/exchange/quota.h"

#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MINUTE_S 60
#define DAY_S 86400

/* An address has its slot in one of the sets. In a full set a window that is over gives way first,
 * then the smallest count: nobody is forgotten because others write, unless they all wrote as much.
 * A count that has reached its limit stays; who finds only such ones is not counted. */
#define SETS 16384
#define SLOTS 8
#define LOCKS 64

struct slot {
    uint64_t who;
    int64_t start_s; /* of the window */
    unsigned count;  /* 0: the slot is free */
    bool told;       /* that the limit is reached */
};

struct table {
    unsigned limit; /* 0: nothing is counted */
    int64_t length_s;
    pthread_mutex_t locks[LOCKS];
    _Atomic int64_t full_s; /* when the log said last that a set is full */
    struct slot sets[SETS][SLOTS];
};

struct quota {
    struct table messages, codes;
};

static void table_init(struct table *table, unsigned limit, int64_t length_s)
{
    table->limit = limit;
    table->length_s = length_s;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&table->locks[i], NULL);
}

static void table_deinit(struct table *table)
{
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&table->locks[i]);
}

struct quota *quota_create(const struct quota_limits *limits)
{
    struct quota *quota = calloc(1, sizeof *quota);

    if (quota == NULL)
        return NULL;
    table_init(&quota->messages, limits->messages_per_minute, MINUTE_S);
    table_init(&quota->codes, limits->codes_per_day, DAY_S);
    return quota;
}

void quota_free(struct quota *quota)
{
    if (quota == NULL)
        return;
    table_deinit(&quota->messages);
    table_deinit(&quota->codes);
    free(quota);
}

static pthread_mutex_t *lock_of(struct table *table, uint64_t who)
{
    return &table->locks[who % LOCKS];
}

/* A clock that was set back ends a window, too. */
static bool slot_is_over(const struct table *table, const struct slot *slot, int64_t now_s)
{
    return slot->count == 0 || now_s < slot->start_s || now_s - slot->start_s >= table->length_s;
}

/* Under the lock: the slot of an address that is counted in an open window, or NULL. */
static struct slot *slot_find(struct table *table, uint64_t who, int64_t now_s)
{
    struct slot *set = table->sets[who % SETS];

    for (size_t i = 0; i < SLOTS; i++)
        if (set[i].who == who && !slot_is_over(table, &set[i], now_s))
            return &set[i];
    return NULL;
}

/* Each time is counted, and said once a window. */
static void table_is_full(struct table *table, int64_t now_s)
{
    int64_t said_s = atomic_load(&table->full_s);

    metrics_add(METRIC_LIMIT_COUNTED, 1);
    if ((now_s < said_s || now_s - said_s >= table->length_s) &&
        atomic_compare_exchange_strong(&table->full_s, &said_s, now_s))
        log_write(LOG_WARNING, "allowance_full", log_number("window_s", table->length_s),
                  log_number("numbers", SETS * SLOTS));
}

/* Under the lock: a slot for an address that has none, perhaps another's; or NULL. */
static struct slot *slot_take(struct table *table, uint64_t who, int64_t now_s)
{
    struct slot *set = table->sets[who % SETS];
    struct slot *slot = &set[0];

    for (size_t i = 0; i < SLOTS && !slot_is_over(table, slot, now_s); i++)
        if (slot_is_over(table, &set[i], now_s) || set[i].count < slot->count)
            slot = &set[i];
    if (!slot_is_over(table, slot, now_s)) {
        table_is_full(table, now_s);
        if (slot->count >= table->limit)
            return NULL;
    }
    *slot = (struct slot){.who = who, .start_s = now_s};
    return slot;
}

/* Whether the limit is reached; where it is not, counts one more if that is asked for and anybody
 * more can be counted. One step, for between two another thread could do the same. *first, which
 * may be NULL: and nobody was told so before. */
static bool table_is_spent(struct table *table, uint64_t who, int64_t now_s, bool counts,
                           bool *first)
{
    if (table->limit == 0)
        return false;
    pthread_mutex_lock(lock_of(table, who));
    struct slot *slot = slot_find(table, who, now_s);
    const bool spent = slot != NULL && slot->count >= table->limit;
    if (spent && first != NULL) {
        *first = !slot->told;
        slot->told = true;
    } else if (!spent && counts) {
        if (slot == NULL)
            slot = slot_take(table, who, now_s);
        if (slot != NULL)
            slot->count++;
    }
    pthread_mutex_unlock(lock_of(table, who));
    return spent;
}

enum quota_verdict quota_message(struct quota *quota, uint64_t who, int64_t now_s, bool *first)
{
    *first = false;
    if (table_is_spent(&quota->codes, who, now_s, false, first))
        return QUOTA_CODES_SPENT;
    return table_is_spent(&quota->messages, who, now_s, true, first) ? QUOTA_MESSAGES_SPENT
                                                                     : QUOTA_LEFT;
}

void quota_code(struct quota *quota, uint64_t who, int64_t now_s)
{
    table_is_spent(&quota->codes, who, now_s, true, NULL);
}
