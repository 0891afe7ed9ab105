/*
 * What somebody says to whom everything was read back: yes, no, or the number of what is wrong.
 * Less is lost by asking once more than by taking a "no" for a "yes": with a word that is neither,
 * nothing is understood.
 */
#include "flow/reading/reading.h"

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
