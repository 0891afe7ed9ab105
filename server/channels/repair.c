/* Copies, character by character. A string of JSON ends at the quotation mark that no backslash
 * precedes, whatever else is broken in it. */
#include "server/channels/repair.h"

#include "store/base/hex.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define REPLACEMENT_ESCAPE "\\ufffd"
#define BOM "\xef\xbb\xbf"
#define ESCAPE_LENGTH 6 /* \ud83d */
#define NUMBER_MAX 18   /* such a number fits 64 bits */

static char *put(char *out, const char *bytes, size_t length)
{
    memcpy(out, bytes, length);
    return out + length;
}

/* The character at text, or for what is none one U+FFFD. Returns how much of the text that was. */
static size_t copy_character(const char *text, size_t length, char **out)
{
    ucs4_t character;
    int size = u8_mbtoucr(&character, (const uint8_t *)text, length);
    size_t broken = 1;

    if (size > 0) {
        *out = put(*out, text, (size_t)size);
        return (size_t)size;
    }
    while (broken < length && ((unsigned char)text[broken] & 0xc0) == 0x80)
        broken++;
    *out = put(*out, REPLACEMENT, sizeof REPLACEMENT - 1);
    return broken;
}

size_t repair_utf8(const char *text, size_t length, char *out)
{
    char *start = out;

    for (size_t i = 0; i < length;)
        i += copy_character(text + i, length - i, &out);
    return (size_t)(out - start);
}

/* The four digits of \uXXXX; -1 when this is none. */
static int read_escape(const char *json, size_t length)
{
    int value = 0;

    if (length < ESCAPE_LENGTH || json[0] != '\\' || json[1] != 'u')
        return -1;
    for (size_t i = 2; i < ESCAPE_LENGTH; i++) {
        const int digit = hex_digit(json[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool is_surrogate(int value, int first)
{
    return value >= first && value < first + 0x400;
}

/* What begins with a backslash. */
static size_t copy_escape(const char *json, size_t length, char **out)
{
    int value = read_escape(json, length);
    size_t size = ESCAPE_LENGTH;

    if (value < 0) {
        if (length >= 2 && json[1] != '\0' && strchr("\"\\/bfnrt", json[1]) != NULL) {
            *out = put(*out, json, 2);
            return 2;
        }
        *out = put(*out, REPLACEMENT, sizeof REPLACEMENT - 1);
        return 1;
    }
    if (is_surrogate(value, 0xd800) &&
        is_surrogate(read_escape(json + size, length - size), 0xdc00)) {
        *out = put(*out, json, 2 * size);
        return 2 * size;
    }
    if (value == 0 || is_surrogate(value, 0xd800) || is_surrogate(value, 0xdc00))
        json = REPLACEMENT_ESCAPE;
    *out = put(*out, json, size);
    return size;
}

/* Within a string. */
static size_t copy_text(const char *json, size_t length, char **out)
{
    if (json[0] == '\\')
        return copy_escape(json, length, out);
    if ((unsigned char)json[0] >= ' ')
        return copy_character(json, length, out);
    *out = put(*out, REPLACEMENT, sizeof REPLACEMENT - 1);
    return 1;
}

static size_t copy_number(const char *json, size_t length, char **out)
{
    size_t size = 0;
    bool real = false;

    for (; size < length && json[size] != '\0' && strchr("0123456789+-.eE", json[size]); size++)
        real = real || json[size] == 'e' || json[size] == 'E';
    *out = real || size > NUMBER_MAX ? put(*out, "0", 1) : put(*out, json, size);
    return size;
}

size_t repair_json(const char *json, size_t length, char *out)
{
    const size_t bom = sizeof BOM - 1;
    char *start = out;
    bool in_string = false;
    size_t i = 0;

    while (length - i >= bom && memcmp(json + i, BOM, bom) == 0)
        i += bom;
    while (i < length) {
        const char c = json[i];

        if (c == '"') {
            in_string = !in_string;
            *out++ = json[i++];
        } else if (in_string)
            i += copy_text(json + i, length - i, &out);
        else if ((c >= '0' && c <= '9') || c == '-')
            i += copy_number(json + i, length - i, &out);
        else
            *out++ = json[i++];
    }
    return (size_t)(out - start);
}
