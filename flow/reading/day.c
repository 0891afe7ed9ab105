/*
 * A day of the month: alone, in a date, or in words; never the number of the month or of the year.
 */
#include "flow/reading/reading.h"

struct day {
    const struct tokens *tokens;
    int64_t found; /* -1: none yet */
    bool several;
    bool doubt;
    bool introduced; /* what it is was said: "le 15", "15 mars" */
};

/* What may stand around a day and tells nothing more. */
#define AROUND                                                                                  \
    (MEANING_GRAMMAR | MEANING_AND | MEANING_POLITE | MEANING_MONTH | MEANING_WEEKDAY |         \
     MEANING_DAY | MEANING_MONTH_LABEL | MEANING_YEAR | MEANING_BORN | MEANING_AT |             \
     MEANING_PARTICLE | MEANING_ORDINAL | MEANING_NUMBER | MEANING_HUNDRED | MEANING_THOUSAND | \
     MEANING_TIMES)

static void find(struct day *day, int64_t value)
{
    day->several |= day->found >= 0 && day->found != value;
    day->found = value;
}

static bool is_number(const struct tokens *tokens, size_t at, uint8_t digits)
{
    return at < tokens->count && tokens->list[at].kind == TOKEN_NUMBER &&
           tokens->list[at].digits <= digits;
}

static bool is_date_break(const struct tokens *tokens, size_t at)
{
    const struct token *token = &tokens->list[at];

    return at < tokens->count && token->kind == TOKEN_BREAK &&
           (token->punctuation == '/' || token->punctuation == '-' || token->punctuation == '.');
}

/* 15/03/1985, 15-03, 1985-03-15. Returns how many tokens it has; 0 when none stands here. */
static size_t find_date(struct day *day, size_t at)
{
    const struct tokens *tokens = day->tokens;
    const struct token *list = tokens->list;
    size_t length = 3;

    if (!is_number(tokens, at, 4) || !is_date_break(tokens, at + 1) ||
        !is_number(tokens, at + 2, 2))
        return 0;
    if (is_date_break(tokens, at + 3) && is_number(tokens, at + 4, 4))
        length = 5;
    if (list[at].digits == 4 && length == 5)
        find(day, list[at + 4].value);
    else if (list[at].digits <= 2 && list[at + 2].value <= 12)
        find(day, list[at].value);
    else
        day->several = true;
    return length;
}

/* "15 03 1985" */
static size_t find_spaced_date(struct day *day, size_t at)
{
    const struct tokens *tokens = day->tokens;

    if (!is_number(tokens, at, 2) || !is_number(tokens, at + 1, 2) ||
        !is_number(tokens, at + 2, 4) || tokens->list[at + 2].digits != 4 ||
        tokens->list[at + 1].value > 12)
        return 0;
    find(day, tokens->list[at].value);
    day->doubt = true;
    return 3;
}

/* Whether the number here is the month's: "mois 3", "mwezi wa tatu", "le 15 du 3". */
static bool is_of_month(const struct day *day, size_t at, int64_t value)
{
    const struct token *list = day->tokens->list;
    size_t before = at;

    while (before > 0 && token_means(&list[before - 1], MEANING_PARTICLE | MEANING_AND))
        before--;
    if (before > 0 && token_means(&list[before - 1], MEANING_MONTH_LABEL))
        return true;
    return before > 0 && before < at && list[before - 1].kind == TOKEN_NUMBER &&
           day->found == list[before - 1].value && value <= 12;
}

/* Whether the tokens from at to before end stand beside a word of dates. */
static bool is_introduced(const struct tokens *tokens, size_t at, size_t end)
{
    const uint32_t behind = MEANING_MONTH | MEANING_ORDINAL | MEANING_MONTH_LABEL | MEANING_DAY;
    const uint32_t before =
        behind | MEANING_GRAMMAR | MEANING_BORN | MEANING_WEEKDAY | MEANING_AT | MEANING_PARTICLE;

    return (at > 0 && token_means(&tokens->list[at - 1], before)) ||
           (end < tokens->count && token_means(&tokens->list[end], behind));
}

/* "1 jour", "mokolo moko", "siku moja": some day, or the first. In digits, only what counts stands
 * in front: "jour 1". */
static bool is_some_day(const struct tokens *tokens, size_t at, size_t end, int64_t value)
{
    const uint32_t days = MEANING_DAY | MEANING_WEEKDAY;

    return value == 1 && ((end < tokens->count && token_means(&tokens->list[end], days)) ||
                          (at > 0 && tokens->list[at].kind == TOKEN_WORD &&
                           token_means(&tokens->list[at - 1], days)));
}

static size_t find_digits(struct day *day, size_t at)
{
    const struct token *token = &day->tokens->list[at];

    if (token->kind != TOKEN_NUMBER)
        return 0;
    if (token->digits <= 2 && !is_of_month(day, at, token->value)) {
        find(day, token->value);
        day->doubt |= is_some_day(day->tokens, at, at + 1, token->value);
        day->introduced |= is_introduced(day->tokens, at, at + 1);
    } else if (token->digits == 3 || token->digits > 4)
        day->several = true;
    day->doubt |= token->lookalike;
    return 1;
}

static bool has_digits(const struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->list[i].kind == TOKEN_NUMBER && tokens->list[i].digits <= 2)
            return true;
    return false;
}

/* "un dimanche", "le premier lundi", "un jour": counts or introduces what stands behind it. */
static bool is_article(const struct tokens *tokens, size_t at, size_t end)
{
    uint32_t counted = MEANING_WEEKDAY;

    if (end == at + 1 && token_means(&tokens->list[at], MEANING_GRAMMAR))
        counted |= MEANING_DAY | MEANING_MONTH_LABEL | MEANING_YEAR;
    return end < tokens->count && token_means(&tokens->list[end], counted);
}

/* "un 15 mars": a word that also holds sentences together counts only when nothing else does. */
static size_t find_words(struct day *day, size_t at)
{
    const struct token *token = &day->tokens->list[at];
    size_t end;
    const int32_t value = number_in_words(day->tokens, at, &end);

    if (value < 0)
        return 0;
    if (value >= 1000 || is_of_month(day, at, value) || is_article(day->tokens, at, end) ||
        (token_means(token, MEANING_GRAMMAR) && end == at + 1 && has_digits(day->tokens)))
        return end - at;
    find(day, value);
    day->doubt |= is_some_day(day->tokens, at, end, value);
    day->introduced |= is_introduced(day->tokens, at, end);
    day->several |= token_means(token, MEANING_GRAMMAR) &&
                    !run_is_all(day->tokens, tokens_all(day->tokens), AROUND);
    return end - at;
}

static void find_all(struct day *day)
{
    for (size_t at = 0; at < day->tokens->count;) {
        size_t length = find_date(day, at);

        if (length == 0)
            length = find_spaced_date(day, at);
        day->introduced |= length > 0;
        if (length == 0)
            length = find_digits(day, at);
        if (length == 0)
            length = find_words(day, at);
        at += length > 0 ? length : 1;
    }
}

void read_day(const struct tokens *tokens, int64_t min, int64_t max, struct flow_reading *reading)
{
    struct day day = {.tokens = tokens, .found = -1};
    const struct run all = tokens_all(tokens);
    const bool dates_only = run_is_all(tokens, all, AROUND);

    find_all(&day);
    if (day.several || day.found < min || day.found > max || !(dates_only || day.introduced) ||
        run_find(tokens, all, MEANING_EITHER | MEANING_AGE | MEANING_NO_ANSWER) < all.end)
        read_nothing(tokens, reading);
    else
        read_number(day.found, day.doubt || tokens->asked || !dates_only, reading);
}
