/*
 * Mwamba and Muamba, Tshibangu and Cibangu: one form for the spellings of a name in the DR Congo.
 * Rules rewrite a text from left to right; "sound" then gives up what ears and pens confuse most.
 */
#include "uic/forms.h"

#include "uic/uic.h"
#include <string.h>

/* How a piece of a text is written in the form; what was written is not read again. */
struct rule {
    const char *piece;
    const char
        *before; /* one of these letters follows it; "" for the text's end, NULL for whatever */
    const char *written;
};

/* Of the letter that a piece begins with. The first that fits counts: longest first, with the letters
 * that must follow. */
#define RULES(...) ((const struct rule[]){__VA_ARGS__, {0}})
static const struct rule *const rules['Z' - 'A' + 1] = {
    ['A' - 'A'] = RULES({"AU", NULL, "O"}),
    ['C' - 'A'] =
        RULES({"CQU", NULL, "K"}, {"CH", "LR", "K"}, {"CC", "EIY", "KS"}, {"CH", NULL, "X"},
              {"CK", NULL, "K"}, {"CQ", NULL, "K"}, {"C", "EIY", "S"}, {"C", NULL, "K"}),
    ['D' - 'A'] = RULES({"DJ", NULL, "J"}),
    ['E' - 'A'] = RULES({"EAU", NULL, "O"}),
    ['G' - 'A'] = RULES({"GN", "AEIOUY", "NI"}, {"GU", "EI", "G"}),
    ['I' - 'A'] = RULES({"IER", "", "IE"}),
    ['O' - 'A'] = RULES({"OU", NULL, "U"}),
    ['P' - 'A'] = RULES({"PH", NULL, "F"}),
    ['Q' - 'A'] = RULES({"QU", NULL, "K"}, {"Q", NULL, "K"}),
    ['S' - 'A'] = RULES({"SCH", NULL, "X"}, {"SH", NULL, "X"}),
    ['T' - 'A'] = RULES({"TSH", NULL, "C"}, {"TCH", NULL, "C"}),
    ['W' - 'A'] = RULES({"W", NULL, "U"}),
    ['X' - 'A'] = RULES({"X", NULL, "KS"}),
    ['Y' - 'A'] = RULES({"Y", NULL, "I"}),
};

static bool is_letter(char character)
{
    return character >= 'A' && character <= 'Z';
}

static bool is_consonant(char character)
{
    return is_letter(character) && !form_is_vowel(character);
}

static bool is_nasal(char character)
{
    return character == 'M' || character == 'N';
}

static bool rule_fits(const struct rule *rule, const char *text)
{
    const size_t length = strlen(rule->piece);

    if (strncmp(text, rule->piece, length) != 0)
        return false;
    if (rule->before == NULL)
        return true;
    return text[length] == '\0' ? rule->before[0] == '\0'
                                : strchr(rule->before, text[length]) != NULL;
}

static const struct rule *find_rule(const char *text)
{
    const struct rule *rule = is_letter(*text) ? rules[*text - 'A'] : NULL;

    for (; rule != NULL && rule->piece != NULL; rule++)
        if (rule_fits(rule, text))
            return rule;
    return NULL;
}

static char sound_of(char letter)
{
    switch (letter) {
    case 'X':
    case 'C':
    case 'Z':
    case 'J':
        return 'S';
    case 'R':
        return 'L';
    case 'O':
        return 'U';
    case 'E':
        return 'I';
    default:
        return letter;
    }
}

/* Of an extended text, where W and Y are vowels and H is neither. */
static bool is_consonant_ahead(char character)
{
    return is_consonant(character) && strchr("HWY", character) == NULL;
}

/* Ahmed is not Hamed, nor Sahara Sarah: H stays between a vowel and a consonant, and between vowels
 * that would become one. before was written last; behind is the text behind H. */
static bool h_stays(char before, const char *behind)
{
    const struct rule *rule = find_rule(behind);
    const char next = rule == NULL ? *behind : rule->written[0];

    return form_is_vowel(before) && (is_consonant(next) || sound_of(next) == sound_of(before));
}

/* The text is moved to the end of its room, and written anew from the beginning. */
static int rewrite(char *text, size_t *length, size_t capacity)
{
    const size_t needed = 2 * *length + 1, room = needed < capacity ? needed : capacity;
    char *from = text + room - *length - 1, *to = text;

    memmove(from, text, *length + 1);
    if (is_nasal(from[0]) && is_consonant_ahead(from[1])) /* Nsimba, Simba */
        from++;
    /* CI in front is how Ciluba writes what French writes TSHI. */
    if (from[0] == 'C' && from[1] == 'I')
        *to++ = *from++;
    while (*from != '\0') {
        if (*from == 'H' && !h_stays(to == text ? '\0' : to[-1], from + strspn(from, "H"))) {
            from++;
            continue;
        }
        const struct rule *rule = find_rule(from);
        const char letter[] = {*from, '\0'}, *written = rule == NULL ? letter : rule->written;
        const size_t written_length = strlen(written);

        from += rule == NULL ? 1 : strlen(rule->piece);
        if (written_length > (size_t)(from - to))
            return UIC_NO_ROOM;
        memcpy(to, written, written_length);
        to += written_length;
    }
    *length = (size_t)(to - text);
    memset(to, 0, room - *length);
    return UIC_OK;
}

/* Doubled letters become one; keeps_last: but for two at the very end. */
static void join_doubles(char *text, size_t *length, bool keeps_last)
{
    const size_t was = *length;
    const bool is_double = was >= 2 && is_letter(text[was - 1]) && text[was - 1] == text[was - 2];
    size_t now = 0;

    for (size_t i = 0; i < was; i++)
        if (now == 0 || text[i] != text[now - 1] || !is_letter(text[i]))
            text[now++] = text[i];
    if (keeps_last && is_double) {
        text[now] = text[now - 1];
        now++;
    }
    memset(text + now, 0, was - now);
    *length = now;
}

int form_spelling(char *text, size_t *length, size_t capacity)
{
    if (strspn(text, "H") == *length) /* nothing would be left */
        return UIC_OK;
    if (rewrite(text, length, capacity) != UIC_OK)
        return UIC_NO_ROOM;
    join_doubles(text, length, true);
    return UIC_OK;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
    const size_t end_length = strlen(end);

    return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* Endings that are written, and hardly heard. */
static void drop_ending(char *text, size_t *length)
{
    if (*length <= 3)
        return;
    if (ends_with(text, *length, "ES"))
        --*length;
    if (ends_with(text, *length, "IE"))
        --*length;
    if (strchr("EI", text[*length - 1]) != NULL && is_consonant(text[*length - 2]))
        --*length;
    text[*length] = '\0';
}

void form_sound(char *text, size_t *length)
{
    const size_t was = *length;
    size_t now = 0;

    if (text[0] == 'H') /* no H is left in front in a text that has another letter */
        return;
    join_doubles(text, length, false);
    drop_ending(text, length);
    for (size_t i = 0; i < *length; i++) {
        if (!(is_nasal(text[i]) && is_consonant(text[i + 1])))
            text[now++] = sound_of(text[i]);
    }
    text[now] = '\0';
    *length = now;
    join_doubles(text, length, false);
    memset(text + *length, 0, was - *length);
}
