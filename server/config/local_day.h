/*
 * Days as people count them: the calendar of the setting TIME_ZONE, one for the process.
 */
#ifndef SERVER_CONFIG_LOCAL_DAY_H
#define SERVER_CONFIG_LOCAL_DAY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the system's time zone database has this name. */
bool local_day_accepts(const char *zone);
/* Before the first thread starts, and before local_day. */
void local_day_use(const char *zone);

/* Days since 1970-01-01 in the local calendar; any thread. */
int64_t local_day(int64_t at_s);

#endif
