/* Private to stats: what was read, for those that make JSON of it. */
#ifndef SERVER_ADMIN_STATS_PARTS_H
#define SERVER_ADMIN_STATS_PARTS_H

#include "server/admin/stats.h"
#include "store/records.h"

/* Hours that hold the local days looked back at, wherever on earth these begin. */
#define STATS_HOURS_MAX ((STATS_DAYS_MAX + 2) * 24)

struct stats {
    struct stats_settings settings;
    struct counters_reading counters;
    struct record_totals totals;
    bool counters_asked,
        totals_asked; /* an answer is still to come, perhaps to an earlier question */
    bool has_counters, has_totals;
    unsigned days;
    int64_t asked_s; /* when it was asked, and when the answer was there */
    int64_t as_of_s;
    struct event *deadline;
    void (*taken)(void *arg); /* NULL: none are being taken */
    void *arg;
    struct record_total hours[STATS_HOURS_MAX];
};

#endif
