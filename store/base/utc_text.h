/* Times of UTC as text. */
#ifndef STORE_BASE_UTC_TEXT_H
#define STORE_BASE_UTC_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define UTC_TEXT_MAX 32

/* Seconds since 1970 as "2026-01-31T23:59:59". Returns its length. */
size_t utc_text(int64_t at_s, char text[UTC_TEXT_MAX]);
/* Days since 1970 as "2026-01-31". */
void utc_day_text(int64_t day, char text[UTC_TEXT_MAX]);

#endif
