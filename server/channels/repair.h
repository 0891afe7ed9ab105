/*
 * Mends what somebody signed and did not write well: texts that are not all UTF-8, and JSON with
 * such texts, half a surrogate pair, a byte order mark, or numbers beyond what a reader holds. What
 * is broken in a text becomes U+FFFD. Pure.
 */
#ifndef SERVER_CHANNELS_REPAIR_H
#define SERVER_CHANNELS_REPAIR_H

#include <stddef.h>

/* Bytes that hold what is mended of so many: a byte becomes a U+FFFD. */
#define REPAIR_MAX(length) ((length)*3)

/* Writes text to out, which has room for REPAIR_MAX(length) bytes and does not overlap it; what is
 * written is valid UTF-8, and what is valid UTF-8 is written as it is. Returns its length. */
size_t repair_utf8(const char *text, size_t length, char *out);

/*
 * The same with JSON: besides, half a surrogate pair, a NUL, a control character and an escape that
 * JSON does not know become U+FFFD, byte order marks in front are left out, and a number with an
 * exponent or of more than 18 characters becomes 0. JSON that holds none of these is written as it
 * is; what was no JSON at all still is none.
 */
size_t repair_json(const char *json, size_t length, char *out);

#endif
