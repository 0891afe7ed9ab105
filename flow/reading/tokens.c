/* A text to words, numbers and breaks, each with what it can mean. */
#include "flow/reading/reading.h"

#include <string.h>

struct scan {
    struct tokens *tokens;
    const char *at;
    const char *end;
    bool spaced; /* a space stands in front of `at` */
};

static struct token *add(struct scan *scan, enum token_kind kind)
{
    struct tokens *tokens = scan->tokens;

    if (tokens->count == TOKENS_MAX) {
        tokens->too_long = true;
        return NULL;
    }
    struct token *token = &tokens->list[tokens->count++];
    *token = (struct token){.kind = kind, .glued = !scan->spaced && tokens->count > 1};
    token->at = (uint16_t)tokens->text_length;
    scan->spaced = false;
    return token;
}

static void keep(struct tokens *tokens, struct token *token, const char *bytes, size_t length)
{
    memcpy(tokens->text + tokens->text_length, bytes, length);
    tokens->text_length += length;
    token->length = (uint16_t)(token->length + length);
}

static void scan_number(struct scan *scan)
{
    struct token *token = add(scan, TOKEN_NUMBER);
    struct character character;

    while (token != NULL && character_peek(scan->at, scan->end, &character) &&
           (character.kind == CHARACTER_DIGIT)) {
        character_next(scan->at, scan->end, &character);
        scan->at += character.size;
        if (character.kind == CHARACTER_NOTHING)
            continue;
        if (token->digits < UINT8_MAX)
            token->digits++;
        token->value = token->digits > 9 ? -1 : token->value * 10 + character.digit;
    }
}

/* A word goes on over an apostrophe or hyphen that has letters on both sides. */
static void scan_word(struct scan *scan)
{
    struct token *token = add(scan, TOKEN_WORD);
    struct character character, behind;

    while (token != NULL && character_next(scan->at, scan->end, &character)) {
        const char *at = scan->at;

        if (character.kind == CHARACTER_JOINER) {
            if (!character_peek(at + character.size, scan->end, &behind) ||
                behind.kind != CHARACTER_LETTER)
                break;
            token->hyphened = token->hyphened || character.punctuation == '-';
        } else if (character.kind != CHARACTER_LETTER && character.kind != CHARACTER_NOTHING)
            break;
        scan->at += character.size;
        if (character.kind != CHARACTER_NOTHING)
            keep(scan->tokens, token, at, character.size);
    }
}

static void scan_break(struct scan *scan, const struct character *character)
{
    const struct tokens *tokens = scan->tokens;
    const bool behind_number =
        !scan->spaced && tokens->count > 0 && tokens->list[tokens->count - 1].kind == TOKEN_NUMBER;
    struct character behind;
    const bool more = character_peek(scan->at + character->size, scan->end, &behind);
    const bool between_numbers = behind_number && more && behind.kind == CHARACTER_DIGIT;
    const char punctuation = character->punctuation;

    scan->at += character->size;
    if (punctuation == '\'' || ((punctuation == '.' || punctuation == ':') && !between_numbers) ||
        (punctuation == '-' && !between_numbers &&
         (!scan->spaced || !more || behind.kind != CHARACTER_SPACE))) {
        scan->spaced = true;
        return;
    }
    struct token *token = add(scan, TOKEN_BREAK);
    if (token != NULL)
        token->punctuation = punctuation;
}

static void scan_all(struct scan *scan)
{
    struct character character;

    while (!scan->tokens->too_long && character_next(scan->at, scan->end, &character)) {
        switch (character.kind) {
        case CHARACTER_DIGIT:
            scan_number(scan);
            break;
        case CHARACTER_LETTER:
            scan_word(scan);
            break;
        case CHARACTER_JOINER:
        case CHARACTER_BREAK:
            scan_break(scan, &character);
            break;
        default:
            scan->tokens->asked |= character.punctuation == '?' && scan->tokens->count > 0;
            scan->spaced = scan->spaced || character.kind == CHARACTER_SPACE;
            scan->at += character.size;
        }
    }
}

static bool key_of(const struct tokens *tokens, const struct token *token, char *key,
                   size_t capacity, size_t *length)
{
    return token->kind == TOKEN_WORD &&
           uic_normalize(UIC_EXTENDED, tokens->text + token->at, token->length, key, capacity,
                         length) == UIC_OK;
}

bool token_key(const struct tokens *tokens, size_t first, size_t last, char key[WORD_KEY_MAX])
{
    size_t used = 0, length;

    for (size_t i = first; i <= last; i++, used += length)
        if (!key_of(tokens, &tokens->list[i], key + used, WORD_KEY_MAX - used, &length))
            return false;
    return used > 0;
}

static void take_meanings(struct token *token, const struct word *word)
{
    token->meanings = word != NULL ? word->meanings : 0;
    if (word == NULL)
        return;
    token->value = word->number;
    token->month = (uint8_t)word->month;
    token->full = word->full[0] != '\0' ? word->full : NULL;
}

static void look_up(const struct tokens *tokens, struct token *token)
{
    char key[WORD_KEY_MAX];
    size_t length;

    if (key_of(tokens, token, key, sizeof key, &length))
        take_meanings(token, words_find(tokens->words, key));
    explicit_bzero(key, sizeof key);
}

/* Makes two tokens of one word: `length` bytes of it, and what follows. False when there is no
 * room, or the word has no such part. */
static bool split(struct tokens *tokens, size_t index, size_t length, size_t skipped)
{
    struct token *token = &tokens->list[index];

    if (tokens->count == TOKENS_MAX || length + skipped >= token->length)
        return false;
    memmove(token + 1, token, (tokens->count - index) * sizeof *token);
    tokens->count++;
    token[0].length = (uint16_t)length;
    token[1].at = (uint16_t)(token[0].at + length + skipped);
    token[1].length = (uint16_t)(token[1].length - length - skipped);
    token[1].glued = true;
    look_up(tokens, &token[0]);
    look_up(tokens, &token[1]);
    return true;
}

/* The bytes in front of the first apostrophe or hyphen of a word; 0 when it has none. *size is of
 * the mark itself. */
static size_t front_part(const struct tokens *tokens, const struct token *token, char punctuation,
                         size_t *size)
{
    const char *begin = tokens->text + token->at, *at = begin, *end = begin + token->length;
    struct character character;

    for (; character_next(at, end, &character); at += character.size)
        if (character.kind == CHARACTER_JOINER &&
            (character.punctuation == punctuation ||
             (character.punctuation == '`' && punctuation == '\''))) {
            *size = character.size;
            return (size_t)(at - begin);
        }
    return 0;
}

bool token_front(const struct tokens *tokens, struct token *token)
{
    size_t size;
    const size_t front = token->hyphened ? front_part(tokens, token, '-', &size) : 0;

    if (front == 0)
        return false;
    token->length = (uint16_t)front;
    look_up(tokens, token);
    return true;
}

static bool is_vowel(char letter)
{
    return letter != '\0' && strchr("AEIOUYH", letter) != NULL;
}

/* Whether what stands behind an apostrophe is a word of a sentence: "n'en", "m'est". */
static bool is_of_sentence(const struct tokens *tokens, struct token token, size_t skipped)
{
    token.at = (uint16_t)(token.at + skipped);
    token.length = (uint16_t)(token.length - skipped);
    look_up(tokens, &token);
    return token_means(&token, MEANING_GRAMMAR | MEANING_OTHER | MEANING_LABEL | MEANING_NO_ANSWER);
}

/* "d'Uvira", "l'Équateur", "qu'elle": but N'Djili and L'shi are names. */
static void split_elision(struct tokens *tokens, size_t index)
{
    struct token *token = &tokens->list[index];
    size_t size = 0;
    const size_t front = front_part(tokens, token, '\'', &size);
    char key[WORD_KEY_MAX];

    if (front == 0 || front > 2 || token->meanings != 0 || !token_key(tokens, index, index, key))
        return;
    size_t head = key[0] == 'Q' && key[1] == 'U' ? 2 : 1;
    if (head == front && is_vowel(key[head]) &&
        (head == 2 || key[0] == 'D' || key[0] == 'L' ||
         (strchr("CJMNST", key[0]) != NULL && is_of_sentence(tokens, *token, front + size))))
        split(tokens, index, front + size, 0);
    explicit_bzero(key, sizeof key);
}

/* "vingt-cinq", "dix-huit": all parts of it count. */
static void split_number(struct tokens *tokens, size_t index)
{
    const uint32_t counting = MEANING_NUMBER | MEANING_HUNDRED | MEANING_THOUSAND | MEANING_AND;
    size_t size = 0, at = index, front;

    if (!tokens->list[index].hyphened || tokens->list[index].meanings != 0)
        return;
    struct tokens parts = *tokens;
    while ((front = front_part(&parts, &parts.list[at], '-', &size)) > 0 &&
           split(&parts, at, front, size))
        at++;
    if (run_is_all(&parts, (struct run){index, at + 1}, counting))
        *tokens = parts;
    explicit_bzero(&parts, sizeof parts);
}

/* l and I are often typed for 1, O for 0. */
static bool is_of_lookalikes(const struct tokens *tokens, const struct token *token)
{
    if (token->kind == TOKEN_NUMBER)
        return true;
    for (size_t i = 0; i < token->length; i++)
        if (strchr("lIiOo", tokens->text[token->at + i]) == NULL)
            return false;
    return token->kind == TOKEN_WORD && token->length > 0;
}

static void append_digits(const struct tokens *tokens, struct token *number,
                          const struct token *token)
{
    const size_t count = token->kind == TOKEN_NUMBER ? token->digits : token->length;

    if (count > 9 || number->digits + count > 9) {
        number->value = -1;
        number->digits = 10;
        return;
    }
    for (size_t i = 0; token->kind == TOKEN_WORD && i < count; i++)
        number->value =
            number->value * 10 + (strchr("Oo", tokens->text[token->at + i]) != NULL ? 0 : 1);
    if (token->kind == TOKEN_NUMBER) {
        for (size_t i = 0; i < count; i++)
            number->value *= 10;
        number->value += token->value;
    }
    number->digits = (uint8_t)(number->digits + count);
}

/* "l985", "2OO3": one number, when digits and such letters stand close together. */
static void join_lookalikes(struct tokens *tokens)
{
    size_t kept = 0;

    for (size_t i = 0; i < tokens->count;) {
        size_t end = i + 1, digits = tokens->list[i].digits;
        struct token number = {.kind = TOKEN_NUMBER, .lookalike = true};

        while (end < tokens->count && tokens->list[end].glued &&
               tokens->list[end].kind != TOKEN_BREAK) {
            digits += tokens->list[end].digits;
            end++;
        }
        for (size_t j = i; j < end; j++)
            if (!is_of_lookalikes(tokens, &tokens->list[j]))
                digits = 0;
        if (end == i + 1 || digits < 2) {
            tokens->list[kept++] = tokens->list[i++];
            continue;
        }
        number.glued = tokens->list[i].glued;
        for (; i < end; i++)
            append_digits(tokens, &number, &tokens->list[i]);
        tokens->list[kept++] = number;
    }
    tokens->count = kept;
}

void tokens_read(struct tokens *tokens, const struct words *words, const char *text, size_t length)
{
    struct scan scan = {.tokens = tokens, .at = text, .end = text + length, .spaced = true};
    bool mixed = false;

    tokens->words = words;
    tokens->count = 0;
    tokens->text_length = 0;
    tokens->asked = false;
    tokens->too_long =
        length > TOKENS_BYTES_MAX || text_characters(text, length) > TOKENS_CHARACTERS_MAX;
    if (!tokens->too_long)
        scan_all(&scan);
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->list[i].kind == TOKEN_WORD)
            look_up(tokens, &tokens->list[i]);
        mixed = mixed || (i > 0 && tokens->list[i].glued);
    }
    if (mixed)
        join_lookalikes(tokens);
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->list[i].kind != TOKEN_WORD)
            continue;
        split_elision(tokens, i);
        split_number(tokens, i);
    }
    if (tokens->too_long)
        tokens->count = 0;
}
