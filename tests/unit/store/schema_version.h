/*
 * Texts of the schema's version, which is the number of migrations, for tests that are to outlive
 * the next one.
 */
#ifndef TEST_SCHEMA_VERSION_H
#define TEST_SCHEMA_VERSION_H

#include <stdio.h>

/* The format with its two %d, or the first of them, filled in; static. */
static inline const char *with_versions(const char *format, int first, int second)
{
    static char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, first, second);
#pragma GCC diagnostic pop
    return text;
}

#endif
