/*
 * One of several choices: those whose name stands in what was said, with nothing beside it but what
 * introduces an answer; else the one whose number is said; else one whose name sounds like it. The
 * longest name counts: in "Kasaï Central" nobody said "Kasaï".
 */
#include "flow/reading/reading.h"

#include <string.h>

/* What may stand around a name and tells nothing more. */
#define LIGHT                                                                        \
    (MEANING_AT | MEANING_KIND | MEANING_PARTICLE | MEANING_POLITE | MEANING_LABEL | \
     MEANING_MONTH_LABEL | MEANING_BORN)
/* The same, of a sentence. */
#define AROUND                                                                               \
    (LIGHT | MEANING_GRAMMAR | MEANING_AND | MEANING_EITHER | MEANING_ABOUT | MEANING_YEAR | \
     MEANING_ORDINAL)
/* With one of these around it, it is the answer to something else. */
#define ELSEWHERE (MEANING_OTHER | MEANING_AGE | MEANING_TITLE)

/* A shorter word sounds like too many others. */
#define SOUND_LETTERS_MIN 4

static uint32_t bit(size_t choice)
{
    return UINT32_C(1) << choice;
}

static bool is_around(const struct token *token)
{
    return token_means(token, MEANING_EITHER | MEANING_PARTICLE) || /* "ou", "ya" */
           (token_means(token, AROUND) && !token_means(token, ELSEWHERE));
}

/* The sound of all words but those around, when they could be a name. */
static void take_sound(struct choosing *choosing)
{
    const struct tokens *tokens = choosing->tokens;
    struct run run = tokens_all(tokens);
    char words[WORD_KEY_MAX];
    size_t length;

    while (run.first < run.end && is_around(&tokens->list[run.first]))
        run.first++;
    while (run.first < run.end && is_around(&tokens->list[run.end - 1]))
        run.end--;
    if (!guard_refuses(tokens, run) && token_key(tokens, run.first, run.end - 1, words) &&
        strlen(words) >= SOUND_LETTERS_MIN &&
        uic_normalize(UIC_SOUND, words, strlen(words), choosing->sound, sizeof choosing->sound,
                      &length) != UIC_OK)
        choosing->sound[0] = '\0';
    explicit_bzero(words, sizeof words);
}

void choosing_begin(struct choosing *choosing, const struct tokens *tokens)
{
    memset(choosing, 0, sizeof *choosing);
    choosing->tokens = tokens;
    for (size_t i = 0; i < tokens->count; i++)
        if (!token_key(tokens, i, i, choosing->keys[i]))
            choosing->keys[i][0] = '\0';
    take_sound(choosing);
}

/* How many tokens from `at` on are this name; 0 when it does not stand here. */
static size_t name_length(const struct choosing *choosing, size_t at, const char *name)
{
    const struct tokens *tokens = choosing->tokens;
    size_t end = at;

    for (; *name != '\0' && end < tokens->count; end++) {
        const size_t length = strlen(choosing->keys[end]);

        if (end > at && tokens->list[end].kind == TOKEN_BREAK &&
            tokens->list[end].punctuation == '-')
            continue;
        if (length == 0 || strncmp(name, choosing->keys[end], length) != 0)
            return 0;
        name += length;
    }
    return *name == '\0' ? end - at : 0;
}

void choosing_name(struct choosing *choosing, size_t choice, const char *name)
{
    const struct tokens *tokens = choosing->tokens;
    char key[CHOICE_KEY_MAX];
    size_t length;

    if (uic_normalize(UIC_EXTENDED, name, strlen(name), key, sizeof key, &length) != UIC_OK ||
        length == 0)
        return;
    const struct word *word = words_find(tokens->words, key);
    for (size_t i = 0; i < tokens->count; i++) {
        size_t named = name_length(choosing, i, key);

        if (named == 0 && word != NULL && word->month != 0 && tokens->list[i].month == word->month)
            named = 1;
        if (named > choosing->lengths[i])
            choosing->fits[i] = 0;
        if (named > 0 && named >= choosing->lengths[i]) {
            choosing->fits[i] |= bit(choice);
            choosing->lengths[i] = (uint8_t)named;
        }
    }
    if (choosing->sound[0] != '\0' &&
        uic_normalize(UIC_SOUND, name, strlen(name), key, sizeof key, &length) == UIC_OK &&
        strcmp(key, choosing->sound) == 0)
        choosing->alike |= bit(choice);
}

/* What was found on a walk over all that was said. */
struct found {
    uint32_t fits;       /* choices by their names */
    uint32_t numbers;    /* by their numbers */
    size_t number_count; /* of these and others */
    bool other_number;   /* one that is no choice's */
    bool in_words;       /* one of them: "premier" may be the first of anything */
    bool doubt;
    bool either;
    bool foreign; /* a word that is none of all this */
    bool denied;  /* "not in March", "I do not know": what else is said counts for nothing */
};

static void find_number(struct found *found, int64_t value, size_t count)
{
    found->number_count++;
    if (value >= 1 && value <= (int64_t)count)
        found->numbers |= bit((size_t)value - 1);
    else
        found->other_number = true;
}

/* A word that is no name and no number. */
static void find_word(struct found *found, const struct token *token)
{
    const bool no = token_means(token, MEANING_NO);

    found->doubt |= no || !token_means(token, LIGHT) || token_means(token, MEANING_ABOUT);
    found->either |= token_means(token, MEANING_EITHER);
    found->foreign |= !is_around(token);
    found->denied |= token_means(token, MEANING_NO_ANSWER) ||
                     (no && !token_means(token, MEANING_ABOUT | MEANING_POLITE));
}

/* One token, or several that are a name or a number; returns the first behind them. "Un" is a
 * number when nothing else is said. */
static size_t find(const struct choosing *choosing, size_t at, size_t count, struct found *found)
{
    const struct tokens *tokens = choosing->tokens;
    const struct token *token = &tokens->list[at];
    size_t end = at + 1;

    if (choosing->lengths[at] > 0) {
        found->fits |= choosing->fits[at];
        /* "sept" is one of them, too */
        if (choosing->lengths[at] == 1 && token_means(token, MEANING_NUMBER) && token->value >= 1 &&
            token->value <= (int32_t)count)
            found->fits |= bit((size_t)token->value - 1);
        return at + choosing->lengths[at];
    }
    if (token->kind == TOKEN_NUMBER) {
        found->doubt |= token->lookalike;
        find_number(found, token->value, count);
    } else if (token->kind == TOKEN_WORD &&
               (tokens->count == 1 || !token_means(token, MEANING_GRAMMAR)) &&
               number_in_words(tokens, at, &end) >= 0) {
        found->in_words = true;
        find_number(found, number_in_words(tokens, at, &end), count);
    } else if (token->kind == TOKEN_WORD) {
        end = at + 1;
        find_word(found, token);
    }
    return end;
}

static uint32_t resolve(const struct choosing *choosing, size_t count, const struct found *found,
                        bool *doubt)
{
    size_t number;

    if (!found->foreign && found->fits != 0) { /* "5 mars" may be the third month, or the fifth */
        *doubt = found->doubt || found->other_number;
        return (found->numbers & ~found->fits) == 0 ? found->fits : 0;
    }
    if (found->fits == 0 && found->number_count == 1) {
        const bool alone = read_choice(choosing->tokens, count, &number) == ASSENT_NUMBER;

        *doubt = !alone || found->in_words;
        return alone || !found->foreign ? found->numbers : 0;
    }
    *doubt = true;
    return found->number_count == 0 ? choosing->alike : 0;
}

uint32_t choosing_end(const struct choosing *choosing, size_t count, bool *doubt)
{
    const struct tokens *tokens = choosing->tokens;
    struct found found = {.doubt = tokens->asked};

    for (size_t at = 0; at < tokens->count;)
        at = find(choosing, at, count, &found);
    const uint32_t fits = resolve(choosing, count, &found, doubt);
    const bool is_one = (fits & (fits - 1)) == 0;

    return found.denied || (found.either && is_one) ? 0 : fits;
}
