/* Makes one line of the log. Whatever the fields hold, a line stays one line of valid UTF-8, and of
 * valid JSON when that is asked for. */
#include "server/telemetry/log_line.h"

#include "store/base/decimal.h"
#include "store/base/utc_text.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistr.h>

/* Room that is kept for the end of a line that had to be cut. */
#define LINE_TAIL 16
/* Longer texts stand in quotation marks, which know how to be cut. */
#define PLAIN_MAX 128

/* Adds bytes that must stay together, or cuts the line here. */
static void put(struct log_line *line, const char *bytes, size_t length)
{
    line->cut = line->cut || line->length + length > sizeof line->bytes - LINE_TAIL;
    if (line->cut)
        return;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void put_text(struct log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* For the tail, which has its room. */
static void put_tail(struct log_line *line, const char *text)
{
    size_t length = strlen(text);
    memcpy(line->bytes + line->length, text, length);
    line->length += length;
}

/* Line ends, terminal controls and characters that turn the direction of writing. */
static bool is_treacherous(ucs4_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Between quotation marks, by the rules of JSON; what is not UTF-8 becomes U+FFFD. */
static void put_quoted(struct log_line *line, const char *text)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
    put(line, "\"", 1);
    if (line->cut)
        return;
    while (at < end && !line->cut) {
        ucs4_t character;
        int length = u8_mbtouc(&character, at, (size_t)(end - at));
        char escaped[8];
        if (character == '"' || character == '\\') {
            put(line, (char[]){'\\', (char)character}, 2);
        } else if (is_treacherous(character)) {
            int n = snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)character);
            put(line, escaped, (size_t)n);
        } else if (character == 0xfffd) {
            put_text(line, "\xEF\xBF\xBD");
        } else {
            put(line, (const char *)at, (size_t)length);
        }
        at += length;
    }
    put_tail(line, line->cut ? "…\"" : "\"");
}

static bool is_plain(const char *text)
{
    const char *at = text;
    while (*at > ' ' && *at <= '~' && *at != '"' && *at != '\\' && *at != '=')
        at++;
    return at > text && at - text <= PLAIN_MAX && !*at;
}

static void put_number(struct log_line *line, int64_t number)
{
    char digits[DECIMAL_MAX];

    put(line, digits, decimal_write(number, digits));
}

static void put_value(struct log_line *line, bool json, const struct log_field *field)
{
    if (field->kind == LOG_FIELD_NUMBER)
        put_number(line, field->number);
    else if (!json && is_plain(field->text))
        put_text(line, field->text);
    else
        put_quoted(line, field->text);
}

/* A field that does not even begin to fit is left out whole. */
static void put_field(struct log_line *line, bool json, const struct log_field *field)
{
    size_t before = line->length;
    put_text(line, json ? ",\"" : " ");
    put_text(line, field->name);
    put_text(line, json ? "\":" : "=");
    size_t named = line->length;
    put_value(line, json, field);
    if (line->length == named)
        line->length = before;
}

static void put_time(struct log_line *line)
{
    static _Thread_local struct {
        time_t second;
        size_t length;
        char text[UTC_TEXT_MAX];
    } made; /* once a second */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (made.length == 0 || made.second != now.tv_sec) {
        made.second = now.tv_sec;
        made.length = utc_text(now.tv_sec, made.text);
    }
    int ms = (int)(now.tv_nsec / 1000000);
    put(line, made.text, made.length);
    put(line,
        (char[]){'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10),
                 'Z'},
        5);
}

void log_line_format(struct log_line *line, bool json, enum log_level level, const char *event,
                     const struct log_field *fields)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
    static const char *const padded[] = {" DEBUG ", " INFO  ", " WARNING ", " ERROR ",
                                         " CRITICAL "};
    line->length = 0;
    line->cut = false;
    put_text(line, json ? "{\"time\":\"" : "");
    put_time(line);
    put_text(line, json ? "\",\"level\":\"" : "");
    put_text(line, json ? names[level] : padded[level]);
    put_text(line, json ? "\",\"event\":" : "");
    put_value(line, json, &log_text("event", event));
    for (; fields != NULL && fields->kind != LOG_FIELD_END && !line->cut; fields++)
        if (fields->kind != LOG_FIELD_TEXT || fields->text)
            put_field(line, json, fields);
    put_tail(line, json ? "}\n" : "\n");
}
