/* The decimal digits of a number, without what a format costs. */
#ifndef STORE_BASE_DECIMAL_H
#define STORE_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DECIMAL_MAX 20

/* Writes at most so many, without a NUL. Returns how many. */
static inline size_t decimal_write(int64_t number, char out[DECIMAL_MAX])
{
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char digits[DECIMAL_MAX];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        digits[--at] = '-';
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

#endif
