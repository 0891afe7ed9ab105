/*
 * What somebody says to whom everything was read back: yes, no, or the number of what is wrong.
 * Less is lost by asking once more than by taking a "no" for a "yes": with a word that is neither,
 * nothing is understood.
 */
#include "flow/reading/reading.h"

#include <string.h>

/* The number that is said; 0 for none, -1 for several. */
static int32_t find_number(const struct tokens *tokens)
{
    int32_t found = 0;
    size_t end;

    for (size_t i = 0; i < tokens->count; i = end) {
        const struct token *token = &tokens->list[i];
        int32_t value = token->kind == TOKEN_NUMBER ? token->value : -1;

        end = i + 1;
        /* "un" and "na" also hold sentences together. */
        if (token->kind == TOKEN_WORD &&
            (tokens->count == 1 || !token_means(token, MEANING_GRAMMAR)))
            value = number_in_words(tokens, i, &end);
        if (end <= i)
            end = i + 1;
        if (value >= 0 || token->kind == TOKEN_NUMBER)
            found = found == 0 && value > 0 ? value : -1;
    }
    return found;
}

/* Whether a word is the yes itself, more than "it is all". */
static bool has_yes(const struct tokens *tokens, struct run all)
{
    for (size_t i = all.first; i < all.end; i++)
        if (token_means(&tokens->list[i], MEANING_YES) &&
            (!token_means(&tokens->list[i], MEANING_GRAMMAR) ||
             token_means(&tokens->list[i], MEANING_POLITE)))
            return true;
    return false;
}

/* Every word says yes, and one of them is it. */
static bool is_yes(const struct tokens *tokens, struct run all)
{
    return has_yes(tokens, all) && !tokens->asked &&
           run_is_all(tokens, all, MEANING_YES | MEANING_POLITE);
}

/* "No", and neither "almost" nor "yes, but". */
static bool is_plain_no(const struct tokens *tokens, struct run all)
{
    bool plain = false;

    for (size_t i = all.first; i < all.end; i++)
        plain |= token_means(&tokens->list[i], MEANING_NO) &&
                 token_means(&tokens->list[i], MEANING_POLITE);
    return plain && run_find(tokens, all, MEANING_ABOUT) == all.end && !has_yes(tokens, all) &&
           !tokens->asked;
}

/* A no, or rather one: to be asked which answer is wrong does no harm. */
static bool is_no(const struct tokens *tokens, struct run all)
{
    return run_find(tokens, all, MEANING_NO) < all.end &&
           run_is_all(tokens, all, MEANING_YES | MEANING_NO | MEANING_POLITE | MEANING_GRAMMAR);
}

enum assent read_assent(const struct tokens *tokens, size_t max, size_t *number)
{
    const struct run all = tokens_all(tokens);
    const int32_t found = find_number(tokens);

    if (found != 0) {
        if (found < 0 || (size_t)found > max || run_find(tokens, all, MEANING_YES) < all.end)
            return ASSENT_NONE;
        *number = (size_t)found;
        return ASSENT_NUMBER;
    }
    if (is_no(tokens, all))
        return is_plain_no(tokens, all) ? ASSENT_NO : ASSENT_DOUBT;
    return is_yes(tokens, all) ? ASSENT_YES : ASSENT_NONE;
}

static bool is_one_of(const struct tokens *tokens, size_t at, const char *const *keys)
{
    char key[WORD_KEY_MAX];
    bool is = false;

    if (tokens->list[at].kind != TOKEN_WORD || !token_key(tokens, at, at, key))
        return false;
    for (; *keys != NULL && !is; keys++)
        is = strcmp(key, *keys) == 0;
    explicit_bzero(key, sizeof key);
    return is;
}

/* Whether the number is the answer, and does not count something: "1 enfant", "première fois". */
static bool is_number_alone(const struct tokens *tokens)
{
    static const char *const words[] = {"UN",    "DEUX", "ONE",    "TWO", "MOJA",
                                        "MBILI", "MOKO", "MIBALE", NULL};
    static const char *const labels[] = {"OPTION", "REPONSE", "NUMERO", "CHOIX",
                                         "ANSWER", "NUMBER",  NULL};

    if (tokens->asked)
        return false;
    if (tokens->count == 1 && tokens->list[0].kind == TOKEN_WORD)
        return is_one_of(tokens, 0, words);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->list[i];
        const bool polite = token_means(token, MEANING_POLITE) &&
                            !token_means(token, MEANING_YES | MEANING_NO | MEANING_NUMBER);

        if (token->kind == TOKEN_NUMBER
                ? token->lookalike
                : token->kind == TOKEN_WORD && !polite && !is_one_of(tokens, i, labels))
            return false;
    }
    return true;
}

/* Some word of the yes is more than "I have read it". */
static bool is_more_than_ok(const struct tokens *tokens, struct run all)
{
    static const char *const oks[] = {"OK",    "OKI",    "OKAY", "DACCORD", "DACC",    "DAC",
                                      "BON",   "BONNE",  "BIEN", "BONNES",  "PARFAIT", "GOOD",
                                      "RIGHT", "MALAMU", "SAWA", "CEST",    "TRES",    NULL};

    for (size_t i = all.first; i < all.end; i++)
        if (has_yes(tokens, (struct run){i, i + 1}) && !is_one_of(tokens, i, oks))
            return true;
    return false;
}

enum assent read_choice(const struct tokens *tokens, size_t max, size_t *number)
{
    const struct run all = tokens_all(tokens);
    const enum assent assent = read_assent(tokens, max, number);

    if (assent == ASSENT_NUMBER && !is_number_alone(tokens))
        return ASSENT_NONE;
    return assent == ASSENT_YES && !is_more_than_ok(tokens, all) ? ASSENT_NONE : assent;
}
