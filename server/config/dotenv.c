/* Reads the text of a .env file. */
#include "server/config/dotenv.h"
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    unsigned line;
};

static int peek(const struct reader *reader)
{
    return reader->at < reader->end ? (unsigned char)*reader->at : EOF;
}

static bool at_line_end(const struct reader *reader)
{
    int c = peek(reader);
    return c == EOF || c == '\n' || c == '\r';
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static void skip_blanks(struct reader *reader)
{
    while (is_blank(peek(reader)))
        reader->at++;
}

static void skip_to_line_end(struct reader *reader)
{
    while (!at_line_end(reader))
        reader->at++;
}

/* LF, CRLF and a lone CR end a line. */
static void skip_line_end(struct reader *reader)
{
    if (peek(reader) == '\r')
        reader->at++;
    if (peek(reader) == '\n')
        reader->at++;
    reader->line++;
}

static void skip_export(struct reader *reader)
{
    static const char word[] = "export";
    const size_t length = sizeof word - 1;
    if ((size_t)(reader->end - reader->at) > length && memcmp(reader->at, word, length) == 0 &&
        is_blank(reader->at[length])) {
        reader->at += length;
        skip_blanks(reader);
    }
}

static bool is_name_character(int c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

static const char *read_name(struct reader *reader, char **name)
{
    const char *start = reader->at;
    while (is_name_character(peek(reader)))
        reader->at++;
    const char *end = reader->at;
    skip_blanks(reader);
    if (end == start || peek(reader) != '=')
        return "expected NAME=value";
    reader->at++;
    skip_blanks(reader);
    *name = strndup(start, (size_t)(end - start));
    return *name != NULL ? NULL : "out of memory";
}

static char unescape(char c)
{
    static const char codes[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
    const char *code = strchr(codes, c);
    return code != NULL && c ? bytes[code - codes] : c;
}

/* The text between quotes; what follows a backslash is looked up in escapes. */
static const char *read_quoted(struct reader *reader, char **value, char quote, const char *escapes)
{
    struct reader closing = *reader;
    for (closing.at++; peek(&closing) != quote; closing.at++) {
        if (peek(&closing) == '\\' && closing.at + 1 < closing.end)
            closing.at++;
        if (peek(&closing) == EOF)
            return "the quotation mark is not closed";
        if (*closing.at == '\n')
            closing.line++;
    }
    char *out = *value = malloc((size_t)(closing.at - reader->at));
    if (out == NULL)
        return "out of memory";
    for (const char *in = reader->at + 1; in < closing.at; in++) {
        bool escape = in[0] == '\\' && in[1] && strchr(escapes, in[1]);
        *out++ = escape ? unescape(*++in) : *in;
    }
    *out = '\0';
    *reader = closing;
    reader->at++;
    return NULL;
}

static const char *read_unquoted(struct reader *reader, char **value)
{
    const char *start = reader->at, *end = start;
    bool blank = is_blank(start[-1]); /* a # behind white space begins a comment */
    for (; !at_line_end(reader) && !(blank && *reader->at == '#'); reader->at++) {
        blank = is_blank(peek(reader));
        if (!blank)
            end = reader->at + 1;
    }
    *value = strndup(start, (size_t)(end - start));
    return *value != NULL ? NULL : "out of memory";
}

static const char *read_value(struct reader *reader, char **value)
{
    const char *why;
    switch (peek(reader)) {
    case '\'':
        why = read_quoted(reader, value, '\'', "\\'");
        break;
    case '"':
        why = read_quoted(reader, value, '"', "\\'\"abfnrtv");
        break;
    default:
        why = read_unquoted(reader, value);
    }
    if (why != NULL)
        return why;
    skip_blanks(reader);
    if (peek(reader) == '#')
        skip_to_line_end(reader);
    return at_line_end(reader) ? NULL : "unexpected text behind the closing quotation mark";
}

static void free_entry(struct dotenv_entry *entry)
{
    if (entry->value)
        OPENSSL_cleanse(entry->value, strlen(entry->value));
    free(entry->name);
    free(entry->value);
}

/* One line that is neither blank nor a comment. Returns NULL, or what is wrong with it. */
static const char *read_entry(struct dotenv *dotenv, struct reader *reader)
{
    struct dotenv_entry entry = {.line = reader->line};
    skip_export(reader);
    const char *why = read_name(reader, &entry.name);
    if (why == NULL)
        why = read_value(reader, &entry.value);
    if (why == NULL) {
        struct dotenv_entry *entries =
            realloc(dotenv->entries, (dotenv->count + 1) * sizeof *entries);
        if (entries != NULL) {
            dotenv->entries = entries;
            entries[dotenv->count++] = entry;
            return NULL;
        }
        why = "out of memory";
    }
    free_entry(&entry);
    return why;
}

int dotenv_parse(struct dotenv *dotenv, const char *file_name, const char *text, size_t length,
                 FILE *errors)
{
    *dotenv = (struct dotenv){0};
    if (length > DOTENV_FILE_MAX || memchr(text, '\0', length)) {
        fprintf(errors, "%s: expected a text file of at most %d bytes\n", file_name,
                DOTENV_FILE_MAX);
        return -1;
    }
    struct reader reader = {text, text + length, 1};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        reader.at += 3;
    int status = 0;
    while (reader.at < reader.end) {
        unsigned line = reader.line;
        const char *why = NULL;
        skip_blanks(&reader);
        if (peek(&reader) == '#')
            skip_to_line_end(&reader);
        if (!at_line_end(&reader))
            why = read_entry(dotenv, &reader);
        if (why != NULL) {
            fprintf(errors, "%s:%u: %s\n", file_name, line, why);
            status = -1;
            skip_to_line_end(&reader);
        }
        skip_line_end(&reader);
    }
    return status;
}

const char *dotenv_get(const struct dotenv *dotenv, const char *name)
{
    for (size_t i = dotenv->count; i > 0; i--)
        if (strcmp(dotenv->entries[i - 1].name, name) == 0)
            return dotenv->entries[i - 1].value;
    return NULL;
}

void dotenv_free(struct dotenv *dotenv)
{
    for (size_t i = 0; i < dotenv->count; i++)
        free_entry(&dotenv->entries[i]);
    free(dotenv->entries);
    *dotenv = (struct dotenv){0};
}
