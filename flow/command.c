/*
 * The words that steer a conversation, in both languages, whatever language is chosen. What they
 * do is step.c's.
 */
#include "flow/definition.h"

#include <string.h>

/* Longer messages are no command; room for the word, spaces, stars and an exclamation mark. */
#define COMMAND_BYTES_MAX 64

static const struct {
    const char *word;
    enum command command;
} commands[] = {
    {"RESTART", COMMAND_RESTART}, {"RECOMMENCER", COMMAND_RESTART}, {"HELP", COMMAND_HELP},
    {"AIDE", COMMAND_HELP},       {"RETOUR", COMMAND_BACK},         {"BACK", COMMAND_BACK},
    {"LANGUE", COMMAND_LANGUAGE}, {"LANGUAGE", COMMAND_LANGUAGE},   {"STOP", COMMAND_STOP},
};

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* "Ba-ck" and "La Ngue" may be names: only what stands around the word is passed over. */
static bool is_one_word(const char *text, size_t length)
{
    const char *first = text, *last = text + length;

    while (first < last && !is_letter(*first))
        first++;
    while (last > first && !is_letter(last[-1]))
        last--;
    for (; first < last; first++)
        if (!is_letter(*first) && (unsigned char)*first < 0x80)
            return false;
    return true;
}

enum command command_find(const char *text, size_t length)
{
    char word[COMMAND_BYTES_MAX];
    enum command found = COMMAND_NONE;
    size_t word_length;

    if (length > COMMAND_BYTES_MAX || !is_one_word(text, length))
        return COMMAND_NONE;
    if (uic_normalize(UIC_EXTENDED, text, length, word, sizeof word, &word_length) == UIC_OK)
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            if (strcmp(word, commands[i].word) == 0)
                found = commands[i].command;
    explicit_bzero(word, sizeof word);
    return found;
}
