/* The report of mistakes in a flow file, and the checks that all its parts share. */
#include "flow/check.h"

#include <stdarg.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

/* A file that is no flow file at all should not fill a screen for ever. */
#define MISTAKES_MAX 200
/* Bytes of a key that are told. */
#define KEY_MAX 80

struct node node_root(struct report *report, const json_t *json)
{
    return (struct node){.report = report, .json = json};
}

struct node node_member(const struct node *above, const char *key)
{
    return (struct node){.report = above->report,
                         .above = above,
                         .key = key,
                         .json = json_object_get(above->json, key)};
}

struct node node_element(const struct node *above, size_t index)
{
    return (struct node){.report = above->report,
                         .above = above,
                         .index = index,
                         .json = json_array_get(above->json, index)};
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

static void print_path(FILE *out, const struct node *node)
{
    char key[KEY_MAX];

    if (node->above == NULL)
        return;
    print_path(out, node->above);
    if (node->key == NULL) {
        fprintf(out, "[%zu]", node->index);
        return;
    }
    snprintf(key, sizeof key, "%s", node->key);
    text_clean(key);
    fprintf(out, "%s%s", node->above->above != NULL ? "." : "", key);
}

/* Begins a line, whose rest is the caller's to write. Returns whether there is to be one: not when
 * there are too many already. */
static bool begin_mistake(const struct node *node)
{
    struct report *report = node->report;

    if (++report->count > MISTAKES_MAX)
        return false;
    fprintf(report->lines, "%s: ", report->file_name);
    if (node->above != NULL) {
        print_path(report->lines, node);
        fputs(": ", report->lines);
    }
    return true;
}

void report_mistake(const struct node *node, const char *format, ...)
{
    va_list arguments;

    if (!begin_mistake(node))
        return;
    va_start(arguments, format);
    vfprintf(node->report->lines, format, arguments);
    va_end(arguments);
    fputc('\n', node->report->lines);
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

void report_found(const struct node *node, const char *format, ...)
{
    va_list arguments;

    if (!begin_mistake(node))
        return;
    va_start(arguments, format);
    vfprintf(node->report->lines, format, arguments);
    va_end(arguments);
    print_found(node->report->lines, node->json);
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

bool check_object(const struct node *node, const char *const *keys)
{
    const char *key;
    json_t *value;

    if (!json_is_object(node->json)) {
        report_found(node, "expected an object");
        return false;
    }
    json_object_foreach((json_t *)node->json, key, value)
    {
        const struct node here = node_member(node, key);
        FILE *out = node->report->lines;

        if (is_among(key, keys) || !begin_mistake(&here))
            continue;
        fprintf(out, "expected no such key here%s", *keys != NULL ? ", only " : "");
        print_words(out, keys);
        fputc('\n', out);
    }
    return true;
}

size_t check_array(const struct node *node, size_t min, size_t max, const char *of_what)
{
    size_t size = json_array_size(node->json);

    if (!json_is_array(node->json))
        report_found(node, "expected a list of %zu to %zu %s", min, max, of_what);
    else if (size < min || size > max)
        report_mistake(node, "expected a list of %zu to %zu %s; these are %zu", min, max, of_what,
                       size);
    return size < max ? size : max;
}

bool check_integer(const struct node *node, int64_t min, int64_t max, int64_t *value)
{
    const int64_t found = json_integer_value(node->json);

    if (json_is_integer(node->json) && found >= min && found <= max) {
        *value = found;
        return true;
    }
    report_found(node, "expected a whole number from %lld to %lld", (long long)min, (long long)max);
    return false;
}

const char *check_word(const struct node *node, size_t max, const char *allowed,
                       const char *of_what)
{
    const char *word = json_string_value(node->json);

    if (word != NULL && *word != '\0' && strlen(word) <= max && word[strspn(word, allowed)] == '\0')
        return word;
    if (max == 1)
        report_found(node, "expected one %s", of_what);
    else
        report_found(node, "expected 1 to %zu %s", max, of_what);
    return NULL;
}

int check_one_of(const struct node *node, const char *const *words)
{
    const char *word = json_string_value(node->json);

    for (int i = 0; word != NULL && words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    if (begin_mistake(node)) {
        fputs("expected one of ", node->report->lines);
        print_words(node->report->lines, words);
        print_found(node->report->lines, node->json);
    }
    return -1;
}

enum uic_normalization check_normalization(const struct node *node, enum uic_normalization instead)
{
    static const char *const names[] = {[UIC_REFERENCE] = "reference",
                                        [UIC_EXTENDED] = "extended",
                                        [UIC_SPELLING] = "spelling",
                                        [UIC_SOUND] = "sound",
                                        NULL};
    const int index = check_one_of(node, names);

    return index < 0 ? instead : (enum uic_normalization)index;
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

static bool check_placeholders(const struct node *node, const char *text, unsigned allowed)
{
    const unsigned lines = allowed & PLACEHOLDERS_LINES;
    unsigned found = 0;

    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t length;
        unsigned placeholder = placeholder_at(at, &length);

        if ((placeholder & allowed) == 0) {
            if (begin_mistake(node)) {
                fputs("expected no { in this text", node->report->lines);
                print_placeholders(node->report->lines, allowed);
                fputc('\n', node->report->lines);
            }
            return false;
        }
        if ((placeholder & lines) == 0 || is_alone_on_its_line(text, at, length))
            found |= placeholder;
    }
    if ((found & lines) == lines)
        return true;
    report_mistake(node, "expected {%s} alone on a line",
                   placeholder_name((size_t)__builtin_ctz(lines)));
    return false;
}

const char *check_text(const struct node *node, size_t max, unsigned placeholders)
{
    const char *text = json_string_value(node->json);
    const size_t units = text == NULL ? 0 : text_units(text);

    if (units > max)
        report_mistake(node, "expected a text of 1 to %zu characters; this has %zu", max, units);
    else if (text == NULL || text[strspn(text, " \n\t")] == '\0')
        report_found(node, "expected a text of 1 to %zu characters", max);
    else if (has_control_character(text))
        report_mistake(node, "expected no control character but the line feed");
    else if (check_placeholders(node, text, placeholders))
        return text;
    return NULL;
}
