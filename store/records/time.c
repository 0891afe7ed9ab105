/* Times in text, UTC to the microsecond. */
#include "store/records/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Exactly count digits at *text; moves behind them. Returns the number or -1. */
static int digits_take(const char **text, int count)
{
    int number = 0;

    for (; count > 0; count--, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

static bool separator_take(const char **text, const char *allowed)
{
    if (**text == '\0' || !strchr(allowed, **text))
        return false;
    ++*text;
    return true;
}

/* ".5" is 500000. */
static int64_t fraction_take(const char **text)
{
    int64_t fraction = 0;
    int digits = 0;

    if (**text != '.')
        return 0;
    for (++*text; **text >= '0' && **text <= '9'; ++*text, digits++)
        if (digits < 6)
            fraction = fraction * 10 + (**text - '0');
    for (; digits < 6; digits++)
        fraction *= 10;
    return fraction;
}

int record_time_parse(const char *text, int64_t *unix_us)
{
    struct tm tm = {0}, copy;

    tm.tm_year = digits_take(&text, 4) - 1900;
    bool good = separator_take(&text, "-");
    tm.tm_mon = digits_take(&text, 2) - 1;
    good = good && separator_take(&text, "-");
    tm.tm_mday = digits_take(&text, 2);
    if (good && *text != '\0') {
        good = separator_take(&text, " T");
        tm.tm_hour = digits_take(&text, 2);
        good = good && separator_take(&text, ":");
        tm.tm_min = digits_take(&text, 2);
        good = good && separator_take(&text, ":");
        tm.tm_sec = digits_take(&text, 2);
    }
    int64_t fraction = good ? fraction_take(&text) : 0;
    if (!good || (*text != '\0' && strcmp(text, "Z") != 0 && strcmp(text, "+00") != 0 &&
                  strcmp(text, "+00:00") != 0))
        return -1;
    copy = tm;
    time_t seconds = timegm(&copy); /* which moves a 30th of February into March */
    if (copy.tm_year != tm.tm_year || copy.tm_mon != tm.tm_mon || copy.tm_mday != tm.tm_mday ||
        copy.tm_hour != tm.tm_hour || copy.tm_min != tm.tm_min || copy.tm_sec != tm.tm_sec)
        return -1;
    *unix_us = (int64_t)seconds * 1000000 + fraction;
    return 0;
}

void record_time_format(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    int64_t fraction = unix_us % 1000000;
    time_t seconds;
    struct tm tm = {0};

    if (fraction < 0)
        fraction += 1000000;
    seconds = (time_t)((unix_us - fraction) / 1000000);
    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, RECORD_TIME_MAX - 8, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text + length, RECORD_TIME_MAX - length, ".%06d", (int)fraction);
}
