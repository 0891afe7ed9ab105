/*
 * Numbers in words, as they are counted in French, English, Lingala and Swahili: "quatre-vingt-
 * cinq", "mille neuf cent", "nineteen eighty-five", "zomi na mitano", "elfu moja mia tisa".
 */
#include "flow/reading/reading.h"

struct sum {
    int32_t thousands;
    int32_t part;  /* below a thousand */
    int32_t last;  /* what was added last: what follows must be smaller */
    bool counting; /* something was said */
};

/* Whether a value of 1 to 99 can follow what was said; adds it then. */
static bool add_value(struct sum *sum, int32_t value)
{
    const int32_t last = sum->last;

    if (value == 0)
        return false;
    if (value == 20 && last == 4 && sum->part % 100 == 4) { /* quatre-vingts */
        sum->part += 76;
        sum->last = 80;
        return true;
    }
    if (last >= 100 || last == 0 || (last % 10 == 0 && value < 10) ||
        ((last == 60 || last == 80) && value < 20)) {
        sum->part += value;
        sum->last = value;
        return last == 0 ? !sum->counting || sum->part == value : true;
    }
    if (last == 10 && value > 6 && value < 10) /* dix-sept */
        return sum->part += value, sum->last = value, true;
    if ((sum->part == 19 || sum->part == 20) && sum->thousands == 0 && value >= 10) {
        sum->part = sum->part * 100 + value; /* nineteen eighty */
        sum->last = value;
        return true;
    }
    return false;
}

static bool add_hundred(struct sum *sum)
{
    if (sum->part >= 100)
        return false;
    sum->part = (sum->part == 0 ? 1 : sum->part) * 100;
    sum->last = 100;
    return true;
}

static bool add_thousand(struct sum *sum)
{
    if (sum->thousands > 0 || sum->part > 99)
        return false;
    sum->thousands = (sum->part == 0 ? 1 : sum->part) * 1000;
    sum->part = 0;
    sum->last = 1000;
    return true;
}

/* "mia tisa": the word behind says how many; none is one. */
static bool add_times(struct sum *sum, int32_t base, const struct token *count)
{
    const int32_t times = count != NULL ? count->value : 1;

    if (sum->counting && base >= sum->last)
        return false;
    if (base >= 1000)
        sum->thousands += base * times;
    else
        sum->part += base * times;
    sum->last = base;
    return times > 0 && times < 10;
}

/* One word more, or two; 0 when it does not fit. */
static size_t add_word(const struct tokens *tokens, size_t at, struct sum *sum)
{
    const struct token *token = &tokens->list[at];

    if (token_means(token, MEANING_TIMES)) {
        const struct token *behind = at + 1 < tokens->count ? token + 1 : NULL;

        if (behind != NULL && !token_means(behind, MEANING_NUMBER))
            behind = NULL;
        return add_times(sum, token->value, behind) ? (behind != NULL ? 2 : 1) : 0;
    }
    if (token_means(token, MEANING_HUNDRED))
        return add_hundred(sum);
    if (token_means(token, MEANING_THOUSAND))
        return add_thousand(sum);
    return token_means(token, MEANING_NUMBER) && add_value(sum, token->value);
}

int32_t number_in_words(const struct tokens *tokens, size_t at, size_t *end)
{
    struct sum sum = {0};

    *end = at;
    while (*end < tokens->count) {
        const bool joined = sum.counting && token_means(&tokens->list[*end], MEANING_AND);
        const struct sum before = sum;

        if (*end + joined >= tokens->count)
            break;
        size_t used = add_word(tokens, *end + joined, &sum);
        if (used == 0) {
            sum = before;
            break;
        }
        sum.counting = true;
        *end += joined + used;
    }
    return sum.counting ? sum.thousands + sum.part : -1;
}
