/* Times as records hold them. */
#ifndef STORE_BASE_RECORD_TIME_H
#define STORE_BASE_RECORD_TIME_H

#include <stdint.h>

/* "2026-01-31 23:59:59.000001", with or without fraction, "T", "Z" or "+00". Returns 0 or -1. */
int record_time_parse(const char *text, int64_t *unix_us);
/* The same with six digits and nothing behind them. */
#define RECORD_TIME_MAX 48
void record_time_format(int64_t unix_us, char text[RECORD_TIME_MAX]);
/* The beginning of its minute: what is kept of a time when somebody wrote, which to the second
 * would tell who it was beside a log or a phone. */
int64_t record_time_minute(int64_t unix_us);

#endif
