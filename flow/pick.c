/*
 * What a person means who picks from a list: of choices, of languages, or of names that somebody
 * said. By its number, or by one of its names as it would be normalised.
 */
#include "flow/definition.h"

#include <stdio.h>
#include <string.h>

/* Holds a label with its number, or an answer to compare with it, normalised. */
#define NAME_MAX_BYTES 512

static bool name_is(const char *name, const char *normalized)
{
    char other[NAME_MAX_BYTES];
    size_t length;

    if (name == NULL ||
        uic_normalize(UIC_EXTENDED, name, strlen(name), other, sizeof other, &length) != UIC_OK)
        return false;
    bool is = length > 0 && strcmp(other, normalized) == 0;
    explicit_bzero(other, length);
    return is;
}

/* "2", or "2. Femme" as the list shows it. */
static bool is_numbered(size_t number, const char *name, const char *normalized)
{
    char line[NAME_MAX_BYTES];

    snprintf(line, sizeof line, "%zu %s", number, name);
    bool is = name_is(line, normalized);
    explicit_bzero(line, strlen(line));
    return is;
}

static bool choice_is(const struct flow *flow, const struct choice *choice, size_t number,
                      const char *normalized)
{
    if (name_is(choice->value, normalized) || is_numbered(number, "", normalized))
        return true;
    for (size_t i = 0; i < flow->language_count; i++)
        if (choice->labels[i] != NULL && (name_is(choice->labels[i], normalized) ||
                                          is_numbered(number, choice->labels[i], normalized)))
            return true;
    return false;
}

/* What somebody wrote who picks from a list: a number in any script, or a name. */
static int normalize_pick(const char *text, size_t length, char pick[NAME_MAX_BYTES])
{
    size_t pick_length;

    if (length >= NAME_MAX_BYTES)
        return -1;
    if (uic_normalize_number(text, length, pick, NAME_MAX_BYTES, &pick_length) != UIC_OK &&
        uic_normalize(UIC_EXTENDED, text, length, pick, NAME_MAX_BYTES, &pick_length) != UIC_OK)
        return -1;
    return pick_length > 0 ? 0 : -1;
}

int pick_choice(const struct flow *flow, const struct question *question, const char *text,
                size_t length)
{
    char pick[NAME_MAX_BYTES];
    int found = -1;

    if (normalize_pick(text, length, pick) == 0)
        for (size_t i = 0; i < question->choice_count && found < 0; i++)
            if (choice_is(flow, &question->choices[i], i + 1, pick))
                found = (int)i;
    explicit_bzero(pick, sizeof pick);
    return found;
}

/* Names are compared as they would be normalised. */
static bool pick_is(const struct uic_text *name, size_t number, const char *pick)
{
    char text[FLOW_READING_MAX];

    if (name->length >= sizeof text)
        return is_numbered(number, "", pick);
    memcpy(text, name->bytes, name->length);
    text[name->length] = '\0';
    bool found =
        name_is(text, pick) || is_numbered(number, "", pick) || is_numbered(number, text, pick);
    explicit_bzero(text, name->length);
    return found;
}

int pick_name(const struct uic_text *names, size_t count, const char *text, size_t length)
{
    char pick[NAME_MAX_BYTES];
    int found = -1;

    if (normalize_pick(text, length, pick) == 0)
        for (size_t i = 0; i < count && found < 0; i++)
            if (pick_is(&names[i], i + 1, pick))
                found = (int)i;
    explicit_bzero(pick, sizeof pick);
    return found;
}

int pick_language(const struct flow *flow, const char *text, size_t length)
{
    char pick[NAME_MAX_BYTES];
    bool picked = normalize_pick(text, length, pick) == 0;
    size_t number = 0; /* in the list */
    int found = -1;

    for (size_t i = 0; picked && i < flow->language_count && found < 0; i++) {
        const char *name = flow->messages[i][MESSAGE_LANGUAGE_NAME];

        if (!flow_language_is_offered(flow, i))
            continue;
        number++;
        if (name_is(flow->languages[i], pick) || name_is(name, pick) ||
            is_numbered(number, "", pick) || (name != NULL && is_numbered(number, name, pick)))
            found = (int)i;
    }
    explicit_bzero(pick, sizeof pick);
    return found;
}
