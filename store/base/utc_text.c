/* The C library's calendar. */
#include "store/base/utc_text.h"

#include <time.h>

size_t utc_text(int64_t at_s, char text[UTC_TEXT_MAX])
{
    const time_t at = (time_t)at_s;
    struct tm tm = {0};

    gmtime_r(&at, &tm);
    return strftime(text, UTC_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
}

void utc_day_text(int64_t day, char text[UTC_TEXT_MAX])
{
    text[utc_text(day * 86400, text) - sizeof "T23:59:59" + 1] = '\0';
}
