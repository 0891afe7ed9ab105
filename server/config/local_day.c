/* The C library's own time zone, set once; the log keeps to UTC. */
#include "server/config/local_day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ZONES "/usr/share/zoneinfo"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* The C library takes a name that it does not know for UTC, so the file is looked for. */
bool local_day_accepts(const char *zone)
{
    const char *folder = getenv("TZDIR");
    char path[256];
    struct stat status;

    if (strcmp(zone, "UTC") == 0)
        return true;
    if (strspn(zone, LETTERS) == 0 || strspn(zone, LETTERS "0123456789_+-/") != strlen(zone))
        return false;
    int length = snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : ZONES, zone);
    return length < (int)sizeof path && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

void local_day_use(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

int64_t local_day(int64_t at_s)
{
    const time_t at = (time_t)at_s;
    struct tm local = {0};
    struct tm midnight = {0};

    if (localtime_r(&at, &local) == NULL)
        return 0;
    midnight.tm_year = local.tm_year;
    midnight.tm_mon = local.tm_mon;
    midnight.tm_mday = local.tm_mday;
    return timegm(&midnight) / 86400;
}
