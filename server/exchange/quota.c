/* Counts in windows that begin with the first thing counted, one table for each kind of window. */
#include "server/exchange/quota.h"

#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/count_table.h"
#include <stdatomic.h>
#include <stdlib.h>

#define MINUTE_S 60
#define DAY_S 86400

/* Where a window is over, another begins; in a full set the smallest count gives way: nobody is
 * forgotten because others write, unless they all wrote as much. A count that has reached its limit
 * stays; who finds only such ones is not counted. */
struct window {
    unsigned limit; /* 0: nothing is counted */
    int64_t length_s;
    _Atomic int64_t full_s; /* when the log said last that a set is full */
    struct count_table *table;
};

struct quota {
    struct window messages, codes, questions;
};

static bool window_init(struct window *window, unsigned limit, int64_t length_s)
{
    window->limit = limit;
    window->length_s = length_s;
    window->full_s = -length_s; /* nothing was said yet */
    window->table = count_table_create((uint64_t)length_s);
    return window->table != NULL;
}

struct quota *quota_create(const struct quota_limits *limits)
{
    struct quota *quota = calloc(1, sizeof *quota);

    if (quota != NULL && window_init(&quota->messages, limits->messages_per_minute, MINUTE_S) &&
        window_init(&quota->codes, limits->codes_per_day, DAY_S) &&
        window_init(&quota->questions, limits->questions_per_day, DAY_S))
        return quota;
    quota_free(quota);
    return NULL;
}

void quota_free(struct quota *quota)
{
    if (quota == NULL)
        return;
    count_table_free(quota->messages.table);
    count_table_free(quota->codes.table);
    count_table_free(quota->questions.table);
    free(quota);
}

/* Each time is counted, and said once a window. */
static void window_is_full(struct window *window, int64_t now_s)
{
    int64_t said_s = atomic_load(&window->full_s);

    metrics_add(METRIC_LIMIT_COUNTED, 1);
    if ((now_s < said_s || now_s - said_s >= window->length_s) &&
        atomic_compare_exchange_strong(&window->full_s, &said_s, now_s))
        log_write(LOG_WARNING, "allowance_full", log_number("window_s", window->length_s),
                  log_number("numbers", COUNT_SETS * COUNT_SET_SIZE));
}

/* Whether the limit is reached; where it is not, counts one more if that is asked for and anybody
 * more can be counted. One step, for between two another thread could do the same. *first, which
 * may be NULL: and nobody was told so before; who was has one more. */
static bool window_is_spent(struct window *window, uint64_t who, int64_t now_s, bool counts,
                            bool *first)
{
    if (window->limit == 0)
        return false;
    bool full;
    struct count *count = count_begin(window->table, who, now_s, counts ? window->limit : 0, &full);
    const bool spent = count != NULL && count->count >= window->limit;
    if (spent && first != NULL) {
        *first = count->count == window->limit;
        count->count += *first;
    } else if (!spent && counts) {
        if (full)
            window_is_full(window, now_s);
        if (count != NULL)
            count->count++;
    }
    count_end(window->table);
    return spent;
}

enum quota_verdict quota_message(struct quota *quota, uint64_t who, int64_t now_s, bool *first)
{
    *first = false;
    if (window_is_spent(&quota->codes, who, now_s, false, first))
        return QUOTA_CODES_SPENT;
    return window_is_spent(&quota->messages, who, now_s, true, first) ? QUOTA_MESSAGES_SPENT
                                                                      : QUOTA_LEFT;
}

void quota_code(struct quota *quota, uint64_t who, int64_t now_s)
{
    window_is_spent(&quota->codes, who, now_s, true, NULL);
}

bool quota_question_is_left(struct quota *quota, uint64_t who, int64_t now_s)
{
    return !window_is_spent(&quota->questions, who, now_s, false, NULL);
}

void quota_question(struct quota *quota, uint64_t who, int64_t now_s)
{
    window_is_spent(&quota->questions, who, now_s, true, NULL);
}
