/* Hexadecimal digits. */
#ifndef STORE_BASE_HEX_H
#define STORE_BASE_HEX_H

#include <stddef.h>

/* What a digit stands for, of either case; -1 when it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A byte for each two digits of a text that has so many. Returns 0, or -1 when one is none. */
static inline int hex_read(const char *hex, unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

/* Two digits for each byte, and a NUL behind the last. */
static inline void hex_write(const unsigned char *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (; size > 0; size--, bytes++) {
        *hex++ = digits[*bytes >> 4];
        *hex++ = digits[*bytes & 15];
    }
    *hex = '\0';
}

#endif
