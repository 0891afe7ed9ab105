/*
 * The report of mistakes in a flow file and the checks that all its parts share. Which keys and
 * values a part may have is up to load_*.c.
 */
#include "flow/check.h"

#include <stdarg.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

/* A file that is no flow file at all should not fill a screen for ever. */
#define MISTAKES_MAX 200
/* Bytes of a key that are told. */
#define KEY_MAX 80

struct place place_key(const struct place *above, const char *key)
{
    return (struct place){.above = above, .key = key};
}

struct place place_index(const struct place *above, size_t index)
{
    return (struct place){.above = above, .index = index};
}

void text_clean(char *text)
{
    uint8_t *at = (uint8_t *)text;
    ucs4_t character;

    while (*at != '\0') {
        int length = u8_strmbtouc(&character, at);
        if (length < 0) {
            *at++ = '?';
            continue;
        }
        if (uc_is_cntrl(character))
            memset(at, '?', (size_t)length);
        at += length;
    }
}

static void print_place(FILE *out, const struct place *place)
{
    char key[KEY_MAX];

    if (place->above == NULL)
        return;
    print_place(out, place->above);
    if (place->key == NULL) {
        fprintf(out, "[%zu]", place->index);
        return;
    }
    snprintf(key, sizeof key, "%s", place->key);
    text_clean(key);
    fprintf(out, "%s%s", place->above->above != NULL ? "." : "", key);
}

static bool begin_mistake(struct report *report, const struct place *place)
{
    if (++report->count > MISTAKES_MAX)
        return false;
    fprintf(report->lines, "%s: ", report->file_name);
    if (place->above != NULL) {
        print_place(report->lines, place);
        fputs(": ", report->lines);
    }
    return true;
}

void report_mistake(struct report *report, const struct place *place, const char *format, ...)
{
    va_list arguments;

    if (!begin_mistake(report, place))
        return;
    va_start(arguments, format);
    vfprintf(report->lines, format, arguments);
    va_end(arguments);
    fputc('\n', report->lines);
}

/* Enough of a found text to see which one it is, cut between characters. */
#define FOUND_MAX 40

static void print_found_text(FILE *out, const char *text)
{
    char found[FOUND_MAX + 1];
    size_t length = strlen(text);

    if (length > FOUND_MAX)
        for (length = FOUND_MAX; ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    memcpy(found, text, length);
    found[length] = '\0';
    text_clean(found);
    fprintf(out, "found \"%s%s\"", found, text[length] != '\0' ? "…" : "");
}

static void print_found(FILE *out, const json_t *found)
{
    fputs("; ", out);
    if (found == NULL)
        fputs("it is missing", out);
    else if (json_is_string(found))
        print_found_text(out, json_string_value(found));
    else if (json_is_integer(found))
        fprintf(out, "found %lld", (long long)json_integer_value(found));
    else if (json_is_real(found))
        fprintf(out, "found %g", json_real_value(found));
    else
        fputs(json_is_object(found)  ? "found an object"
              : json_is_array(found) ? "found a list"
                                     : "found true, false or null",
              out);
    fputc('\n', out);
}

void report_found(struct report *report, const struct place *place, const json_t *found,
                  const char *format, ...)
{
    va_list arguments;

    if (!begin_mistake(report, place))
        return;
    va_start(arguments, format);
    vfprintf(report->lines, format, arguments);
    va_end(arguments);
    print_found(report->lines, found);
}

void report_end(struct report *report)
{
    if (report->count > MISTAKES_MAX)
        fprintf(report->lines, "%s: and %zu more\n", report->file_name,
                report->count - MISTAKES_MAX);
}

static bool is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static void print_words(FILE *out, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ", ", words[i]);
}

bool check_object(struct report *report, const struct place *place, const json_t *json,
                  const char *const *keys)
{
    const char *key;
    json_t *value;

    if (!json_is_object(json)) {
        report_found(report, place, json, "expected an object");
        return false;
    }
    json_object_foreach((json_t *)json, key, value)
    {
        struct place here = place_key(place, key);

        if (is_among(key, keys) || !begin_mistake(report, &here))
            continue;
        fprintf(report->lines, "expected no such key here%s", *keys != NULL ? ", only " : "");
        print_words(report->lines, keys);
        fputc('\n', report->lines);
    }
    return true;
}

size_t check_array(struct report *report, const struct place *place, const json_t *json, size_t min,
                   size_t max, const char *of_what)
{
    size_t size = json_array_size(json);

    if (!json_is_array(json))
        report_found(report, place, json, "expected a list of %zu to %zu %s", min, max, of_what);
    else if (size < min || size > max)
        report_mistake(report, place, "expected a list of %zu to %zu %s; these are %zu", min, max,
                       of_what, size);
    return size < max ? size : max;
}

bool check_integer(struct report *report, const struct place *place, const json_t *json,
                   int64_t min, int64_t max, int64_t *value)
{
    if (json_is_integer(json) && json_integer_value(json) >= min &&
        json_integer_value(json) <= max) {
        *value = json_integer_value(json);
        return true;
    }
    report_found(report, place, json, "expected a whole number from %lld to %lld", (long long)min,
                 (long long)max);
    return false;
}

const char *check_word(struct report *report, const struct place *place, const json_t *json,
                       size_t max, const char *allowed, const char *of_what)
{
    const char *word = json_string_value(json);

    if (word != NULL && *word != '\0' && strlen(word) <= max && word[strspn(word, allowed)] == '\0')
        return word;
    if (max == 1)
        report_found(report, place, json, "expected one %s", of_what);
    else
        report_found(report, place, json, "expected 1 to %zu %s", max, of_what);
    return NULL;
}

int check_one_of(struct report *report, const struct place *place, const json_t *json,
                 const char *const *words)
{
    const char *word = json_string_value(json);

    for (int i = 0; word != NULL && words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    if (!begin_mistake(report, place))
        return -1;
    fputs("expected one of ", report->lines);
    print_words(report->lines, words);
    print_found(report->lines, json);
    return -1;
}

size_t text_units(const char *text)
{
    size_t units = 0;

    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++)
        units += (size_t)((*byte & 0xc0) != 0x80) + (size_t)(*byte >= 0xf0);
    return units;
}

/* Every character but the line feed must be one that can be seen and that XML can carry. */
static bool has_control_character(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if ((*byte < 0x20 && *byte != '\n') || *byte == 0x7f)
            return true;
        if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0)
            return true;
        if (byte[0] == 0xef && byte[1] == 0xbf && byte[2] >= 0xbe)
            return true;
    }
    return false;
}

static void print_placeholders(FILE *out, unsigned placeholders)
{
    const char *separator = " but ";

    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++) {
        if ((placeholders & 1u << i) == 0)
            continue;
        fprintf(out, "%s{%s}", separator, placeholder_name(i));
        separator = ", ";
    }
}

static bool is_alone_on_its_line(const char *text, const char *at, size_t length)
{
    return (at == text || at[-1] == '\n') && (at[length] == '\0' || at[length] == '\n');
}

static bool check_placeholders(struct report *report, const struct place *place, const char *text,
                               unsigned allowed)
{
    const unsigned lines = allowed & PLACEHOLDERS_LINES;
    unsigned found = 0;

    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t length;
        unsigned placeholder = placeholder_at(at, &length);

        if ((placeholder & allowed) == 0) {
            if (begin_mistake(report, place)) {
                fputs("expected no { in this text", report->lines);
                print_placeholders(report->lines, allowed);
                fputc('\n', report->lines);
            }
            return false;
        }
        if ((placeholder & lines) == 0 || is_alone_on_its_line(text, at, length))
            found |= placeholder;
    }
    if ((found & lines) == lines)
        return true;
    report_mistake(report, place, "expected {%s} alone on a line",
                   placeholder_name((size_t)__builtin_ctz(lines)));
    return false;
}

const char *check_text(struct report *report, const struct place *place, const json_t *json,
                       size_t max, unsigned placeholders)
{
    const char *text = json_string_value(json);
    const char *blank = " \n\t";

    if (text == NULL || text[strspn(text, blank)] == '\0' || text_units(text) > max) {
        if (text != NULL && text_units(text) > max)
            report_mistake(report, place, "expected a text of 1 to %zu characters; this has %zu",
                           max, text_units(text));
        else
            report_found(report, place, json, "expected a text of 1 to %zu characters", max);
        return NULL;
    }
    if (has_control_character(text)) {
        report_mistake(report, place, "expected no control character but the line feed");
        return NULL;
    }
    return check_placeholders(report, place, text, placeholders) ? text : NULL;
}
