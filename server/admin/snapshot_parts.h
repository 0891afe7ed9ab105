/* Private to the snapshot: what was read, for those that make JSON of it. */
#ifndef SERVER_ADMIN_SNAPSHOT_PARTS_H
#define SERVER_ADMIN_SNAPSHOT_PARTS_H

#include "server/admin/snapshot.h"
#include "store/records.h"

/* Hours that hold the local days looked back at, wherever on earth these begin. */
#define SNAPSHOT_HOURS_MAX ((SNAPSHOT_DAYS_MAX + 2) * 24)

struct snapshot {
    struct snapshot_settings settings;
    struct counters_reading counters;
    struct record_totals totals;
    bool counters_asked,
        totals_asked; /* an answer is still to come, perhaps to an earlier question */
    bool has_counters, has_totals;
    unsigned days;
    int64_t asked_s; /* when it was asked, and when the answer was there */
    int64_t as_of_s;
    struct event *deadline;
    void (*taken)(void *arg); /* NULL: none is being taken */
    void *arg;
    struct record_sums hours[SNAPSHOT_HOURS_MAX];
};

#endif
