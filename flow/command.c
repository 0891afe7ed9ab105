/*
 * The words that steer a conversation, French and English, whatever language is chosen; a flow
 * file's own stop words; and what buttons of templates say that mean STOP.
 */
#include "flow/definition.h"

#include <string.h>

static const struct {
    const char *word;
    enum command command;
} commands[] = {
    {"RESTART", COMMAND_RESTART}, {"RECOMMENCER", COMMAND_RESTART}, {"HELP", COMMAND_HELP},
    {"AIDE", COMMAND_HELP},       {"RETOUR", COMMAND_BACK},         {"BACK", COMMAND_BACK},
    {"LANGUE", COMMAND_LANGUAGE}, {"LANGUAGE", COMMAND_LANGUAGE},   {"STOP", COMMAND_STOP},
    {"ARRET", COMMAND_STOP},      {"ARRETER", COMMAND_STOP},        {"ANNULER", COMMAND_STOP},
    {"QUITTER", COMMAND_STOP},
};

/* How the buttons of templates begin by which people say that they want no more messages. */
static const char *const opt_outs[] = {
    "STOP",           "UNSUBSCRIBE",   "OPTOUT",         "SEDESABONNER",
    "DESABONNER",     "DESABONNEMENT", "SEDESINSCRIRE",  "DESINSCRIRE",
    "DESINSCRIPTION", "ARRETER",       "NEPLUSRECEVOIR",
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

/* Normalises what may be a command. Returns whether it may. */
static bool get_word(const char *text, size_t length, char word[COMMAND_BYTES_MAX])
{
    size_t word_length;

    return length <= COMMAND_BYTES_MAX &&
           uic_normalize(UIC_EXTENDED, text, length, word, COMMAND_BYTES_MAX, &word_length) ==
               UIC_OK &&
           word_length > 0;
}

static enum command find_built_in(const char *word)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, commands[i].word) == 0)
            return commands[i].command;
    return COMMAND_NONE;
}

static bool is_stop_word(const struct flow *flow, const char *word)
{
    char other[COMMAND_BYTES_MAX];

    for (size_t i = 0; i < flow->stop_word_count; i++)
        if (get_word(flow->stop_words[i], strlen(flow->stop_words[i]), other) &&
            strcmp(word, other) == 0)
            return true;
    return false;
}

enum command command_find(const struct flow *flow, const char *text, size_t length)
{
    char word[COMMAND_BYTES_MAX];
    enum command found = COMMAND_NONE;

    if (!is_one_word(text, length))
        return COMMAND_NONE;
    if (get_word(text, length, word)) {
        found = find_built_in(word);
        if (found == COMMAND_NONE && is_stop_word(flow, word))
            found = COMMAND_STOP;
    }
    explicit_bzero(word, sizeof word);
    return found;
}

enum command command_of_button(const struct flow *flow, const char *text, size_t length)
{
    enum command found = command_find(flow, text, length);
    char word[COMMAND_BYTES_MAX];

    if (found == COMMAND_NONE && get_word(text, length, word))
        for (size_t i = 0; i < sizeof opt_outs / sizeof *opt_outs; i++)
            if (strncmp(word, opt_outs[i], strlen(opt_outs[i])) == 0)
                found = COMMAND_STOP;
    explicit_bzero(word, sizeof word);
    return found;
}

bool command_may_be(const char *text)
{
    char word[COMMAND_BYTES_MAX];

    return is_one_word(text, strlen(text)) && get_word(text, strlen(text), word) &&
           is_letter(word[0]) &&
           (find_built_in(word) == COMMAND_NONE || find_built_in(word) == COMMAND_STOP);
}
