/* Times in text, UTC to the microsecond. */
#include "store/base/record_time.h"

#include "store/base/utc_text.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ".5" is 500000; what follows six digits is cut off. */
static int64_t fraction_take(const char **text)
{
    int64_t fraction = 0;

    if (**text != '.')
        return 0;
    ++*text;
    for (int64_t unit = 100000; **text >= '0' && **text <= '9'; ++*text, unit /= 10)
        fraction += unit * (**text - '0');
    return fraction;
}

/* What was read is written again and compared: so signs and blanks are found, and a 30th of
 * February, which timegm moves into March. */
int record_time_parse(const char *text, int64_t *unix_us)
{
    struct tm tm = {0};
    char date[UTC_TEXT_MAX], again[UTC_TEXT_MAX];
    bool has_time = strlen(text) > 10;

    snprintf(date, sizeof date, "%.19s%s", text, has_time ? "" : "T00:00:00");
    if (date[10] == ' ')
        date[10] = 'T';
    if (sscanf(date, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    int64_t seconds = timegm(&tm);
    if (utc_text(seconds, again) != 19 || strcmp(date, again) != 0)
        return -1;
    text += has_time ? 19 : 10;
    *unix_us = seconds * 1000000 + fraction_take(&text);
    return *text == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "+00") == 0 ||
                   strcmp(text, "+00:00") == 0
               ? 0
               : -1;
}

void record_time_format(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    int64_t fraction = unix_us % 1000000;

    if (fraction < 0)
        fraction += 1000000;
    size_t length = utc_text((unix_us - fraction) / 1000000, text);
    text[length - sizeof "T23:59:59" + 1] = ' ';
    for (size_t i = length + 6; i > length; i--, fraction /= 10)
        text[i] = (char)('0' + fraction % 10);
    text[length] = '.';
    text[length + 7] = '\0';
}

int64_t record_time_minute(int64_t unix_us)
{
    const int64_t minute_us = 60000000, rest = unix_us % minute_us;

    return unix_us - rest - (rest < 0 ? minute_us : 0);
}
