/*
 * The guard: what is left of a sentence is an answer only when nothing is in it that no answer is
 * made of. What the readers share stands here too: runs of words, and the readings they end with.
 */
#include "flow/reading/reading.h"

#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

/* None of these is part of a place or a name. */
#define FOREIGN                                                                          \
    (MEANING_GRAMMAR | MEANING_OTHER | MEANING_EITHER | MEANING_ABOUT | MEANING_POLITE | \
     MEANING_NO_ANSWER | MEANING_AGE | MEANING_BORN | MEANING_LABEL | MEANING_ALIAS)

size_t run_find(const struct tokens *tokens, struct run run, uint32_t meanings)
{
    while (run.first < run.end && !token_means(&tokens->list[run.first], meanings))
        run.first++;
    return run.first;
}

struct run run_strip_front(const struct tokens *tokens, struct run run, uint32_t meanings)
{
    while (run.first < run.end && token_means(&tokens->list[run.first], meanings))
        run.first++;
    return run;
}

struct run run_strip_back(const struct tokens *tokens, struct run run, uint32_t meanings)
{
    while (run.end > run.first && token_means(&tokens->list[run.end - 1], meanings))
        run.end--;
    return run;
}

bool run_is_all(const struct tokens *tokens, struct run run, uint32_t meanings)
{
    for (size_t i = run.first; i < run.end; i++)
        if (tokens->list[i].kind == TOKEN_WORD && !token_means(&tokens->list[i], meanings))
            return false;
    return true;
}

/* One letter, or letters without a vowel: "B", "hhh". */
static bool is_no_word(const struct tokens *tokens, size_t at)
{
    char key[WORD_KEY_MAX];
    const bool no_word = token_key(tokens, at, at, key) &&
                         (key[1] == '\0' || key[strcspn(key, "AEIOUY0123456789")] == '\0');

    explicit_bzero(key, sizeof key);
    return no_word;
}

bool guard_refuses(const struct tokens *tokens, struct run run)
{
    if (run.first >= run.end || run.end - run.first > READING_WORDS_MAX)
        return true;
    for (size_t i = run.first; i < run.end; i++)
        if (tokens->list[i].kind != TOKEN_WORD || token_means(&tokens->list[i], FOREIGN) ||
            (run.end == run.first + 1 && is_no_word(tokens, i)))
            return true;
    return false;
}

bool guard_is_unusual(const struct tokens *tokens, struct run run)
{
    char key[WORD_KEY_MAX];
    bool unusual = false;

    for (size_t i = run.first; i < run.end && !unusual; i++) {
        const bool known = token_key(tokens, i, i, key);

        unusual = !known || (run.end == run.first + 1 && key[2] == '\0');
        for (size_t j = 2; known && key[j - 1] != '\0' && key[j] != '\0'; j++)
            unusual |= key[j] == key[j - 1] && key[j] == key[j - 2];
    }
    explicit_bzero(key, sizeof key);
    return unusual;
}

void read_nothing(const struct tokens *tokens, struct flow_reading *reading)
{
    const struct run all = tokens_all(tokens);
    const uint32_t said_nothing = MEANING_POLITE | MEANING_NO_ANSWER;
    bool none = run_find(tokens, all, MEANING_NO_ANSWER) < all.end;

    none = none || (all.end > 0 && run_find(tokens, all, MEANING_POLITE) < all.end &&
                    run_is_all(tokens, all, said_nothing | MEANING_GRAMMAR));
    reading->kind = none ? FLOW_READ_NO_ANSWER : FLOW_READ_AGAIN;
    reading->text[0] = '\0';
    reading->length = 0;
    reading->candidate_count = 0;
}

void read_run(const struct tokens *tokens, struct run run, bool doubt, struct flow_reading *reading)
{
    reading->length = 0;
    for (size_t i = run.first; i < run.end; i++) {
        const struct token *token = &tokens->list[i];

        if (token->kind != TOKEN_WORD)
            continue;
        if (reading->length > 0 && !token->glued)
            reading->text[reading->length++] = ' ';
        memcpy(reading->text + reading->length, tokens->text + token->at, token->length);
        reading->length += token->length;
    }
    reading->text[reading->length] = '\0';
    reading->kind = doubt ? FLOW_READ_DOUBTFUL : FLOW_READ;
}

void read_number(int64_t value, bool doubt, struct flow_reading *reading)
{
    reading->length =
        (size_t)snprintf(reading->text, sizeof reading->text, "%lld", (long long)value);
    reading->kind = doubt ? FLOW_READ_DOUBTFUL : FLOW_READ;
}
