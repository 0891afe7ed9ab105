/*
 * A year: one that is written out anywhere; else one in words, in two digits beside a word that
 * says that it is a year, or in digits with spaces between.
 */
#include "flow/reading/reading.h"

struct year {
    const struct tokens *tokens;
    int64_t min, max, now_year;
    int64_t found; /* 0: none yet */
    bool several;  /* two that differ, or one that cannot be */
    bool doubt;
};

/* Two digits alone are a year from here on, and surely one from there on; what is less may be an
 * age. */
#define ALONE_MIN 70
#define ALONE_SURE 80
#define DAY_MAX 31

/* What may stand around a year and tells nothing more. */
#define AROUND                                                                          \
    (MEANING_GRAMMAR | MEANING_AND | MEANING_POLITE | MEANING_MONTH | MEANING_WEEKDAY | \
     MEANING_DAY | MEANING_MONTH_LABEL | MEANING_YEAR | MEANING_BORN | MEANING_AT |     \
     MEANING_PARTICLE | MEANING_ORDINAL | MEANING_LABEL)

static void find(struct year *year, int64_t value, bool doubt)
{
    year->several |=
        value < year->min || value > year->max || (year->found != 0 && year->found != value);
    year->found = value;
    year->doubt |= doubt;
}

/* 15031985 and 19850315. */
static int64_t compact_date(int32_t value, const struct year *year)
{
    const int32_t behind = value % 10000, front = value / 10000;

    if (behind >= year->min && behind <= year->max && value / 1000000 <= 31 && front % 100 <= 12)
        return behind;
    if (front >= year->min && front <= year->max && behind / 100 <= 12 && behind % 100 <= 31)
        return front;
    return 0;
}

static void find_written(struct year *year)
{
    for (size_t i = 0; i < year->tokens->count; i++) {
        const struct token *token = &year->tokens->list[i];

        if (token->kind != TOKEN_NUMBER)
            continue;
        if (token->digits == 4)
            find(year, token->value, token->lookalike);
        else if (token->digits == 8)
            find(year, compact_date(token->value, year), true);
        else
            year->several |= token->digits > 2;
    }
}

/* "19 85", "1 985": digits alone that make four together. */
static void find_spaced(struct year *year)
{
    int64_t value = 0;
    size_t digits = 0;

    for (size_t i = 0; year->tokens->count > 1 && i < year->tokens->count; i++) {
        const struct token *token = &year->tokens->list[i];

        if (token->kind == TOKEN_BREAK && token->punctuation == '.')
            continue;
        if (token->kind != TOKEN_NUMBER || token->digits + digits > 4)
            return;
        for (size_t j = 0; j < token->digits; j++)
            value *= 10;
        value += token->value;
        digits += token->digits;
    }
    if (digits == 4)
        find(year, value, year->tokens->list[0].digits != 2);
}

/* 15/03/85 */
static bool ends_date(const struct tokens *tokens, size_t at)
{
    return at >= 2 && tokens->list[at - 1].kind == TOKEN_BREAK &&
           tokens->list[at - 2].kind == TOKEN_NUMBER;
}

static bool is_dated(const struct tokens *tokens, size_t at)
{
    const uint32_t says_so = MEANING_BORN | MEANING_YEAR | MEANING_MONTH | MEANING_AT;

    if (run_find(tokens, tokens_all(tokens), says_so) < tokens->count || ends_date(tokens, at))
        return true;
    return at > 0 && at + 1 == tokens->count &&
           token_means(&tokens->list[at - 1], MEANING_PARTICLE);
}

/* "28 avril", "the 29th of May", "tarehe 28", "mwezi wa tatu": a day or a month, no year. */
static bool is_day_or_month(const struct tokens *tokens, size_t at, size_t end)
{
    const uint32_t between = MEANING_GRAMMAR | MEANING_PARTICLE;

    while (end < tokens->count && token_means(&tokens->list[end], between | MEANING_MONTH_LABEL))
        end++;
    if (end < tokens->count && token_means(&tokens->list[end], MEANING_MONTH | MEANING_ORDINAL))
        return true;
    while (at > 0 && token_means(&tokens->list[at - 1], between))
        at--;
    return at > 0 && token_means(&tokens->list[at - 1], MEANING_DAY | MEANING_MONTH_LABEL);
}

/* "12/03/28", "15 mars 30", "mwaka wa 28": it can be nothing else. "March 30" can. */
static bool is_surely_year(const struct tokens *tokens, size_t at)
{
    const struct token *list = tokens->list;

    if (ends_date(tokens, at))
        return ends_date(tokens, at - 2);
    while (at > 0 && token_means(&list[at - 1], MEANING_PARTICLE))
        at--;
    if (at >= 2 && token_means(&list[at - 1], MEANING_MONTH))
        return list[at - 2].kind == TOKEN_NUMBER ||
               token_means(&list[at - 2], MEANING_NUMBER | MEANING_ORDINAL);
    return at > 0 && token_means(&list[at - 1], MEANING_YEAR) &&
           !token_means(&list[at - 1], MEANING_BORN); /* "naissance" */
}

/* The year that two digits mean from `at` to before `end`, unless they may mean something else. */
static void find_in_century(struct year *year, int32_t value, size_t at, size_t end)
{
    const struct tokens *tokens = year->tokens;
    const int64_t now = year->now_year % 100, century = year->now_year - now;
    const bool may_be_day = value <= DAY_MAX;

    if (value < 0 || value > 99 || (may_be_day && is_day_or_month(tokens, at, end)) ||
        run_find(tokens, tokens_all(tokens), MEANING_AGE) < tokens->count)
        return;
    if (is_dated(tokens, at))
        find(year, value > now ? century - 100 + value : century + value,
             value <= now || (may_be_day && !is_surely_year(tokens, at)));
    else if (at == 0 && tokens->count == 1 && value >= ALONE_MIN)
        find(year, century - 100 + value, value < ALONE_SURE);
}

/* The last number, when it has two digits: 7/9/82. */
static void find_short(struct year *year)
{
    for (size_t i = year->tokens->count; i-- > 0;) {
        const struct token *token = &year->tokens->list[i];

        if (token->kind != TOKEN_NUMBER)
            continue;
        if (token->digits == 2)
            find_in_century(year, token->value, i, i + 1);
        return;
    }
}

static void find_in_words(struct year *year)
{
    size_t end;

    for (size_t i = 0; i<year->tokens->count; i = end> i ? end : i + 1) {
        const int32_t value = number_in_words(year->tokens, i, &end);

        if (value >= 1000)
            find(year, value, false);
        else if (value > DAY_MAX || end == year->tokens->count) /* no day in front of it */
            find_in_century(year, value, i, end);
    }
}

static bool is_surrounded_oddly(const struct tokens *tokens)
{
    return tokens->asked || run_find(tokens, tokens_all(tokens), MEANING_ABOUT) < tokens->count ||
           !run_is_all(tokens, tokens_all(tokens),
                       AROUND | MEANING_NUMBER | MEANING_HUNDRED | MEANING_THOUSAND |
                           MEANING_TIMES);
}

void read_year(struct tokens *tokens, int64_t min, int64_t max, int64_t now_year,
               struct flow_reading *reading)
{
    struct year year = {.tokens = tokens, .min = min, .max = max, .now_year = now_year};

    find_spaced(&year);
    if (year.found == 0)
        find_written(&year);
    if (year.found == 0 && !year.several)
        find_in_words(&year);
    if (year.found == 0 && !year.several)
        find_short(&year);
    if (year.found == 0 || year.several ||
        run_find(tokens, tokens_all(tokens), MEANING_EITHER) < tokens->count)
        read_nothing(tokens, reading);
    else
        read_number(year.found, year.doubt || is_surrounded_oddly(tokens), reading);
}
