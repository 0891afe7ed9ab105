/*
 * One answer: is it what the question asks for, and what is its normalised form? Nothing is kept.
 */
#include "flow/definition.h"
#include "flow/reading/reading.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
/* Digits that always fit in an int64_t. */
#define NUMBER_LENGTH_MAX 18

bool question_is_numeric(const struct question *question)
{
    return question->type == ANSWER_YEAR || question->type == ANSWER_INTEGER ||
           question->type == ANSWER_DIGITS;
}

size_t question_room(const struct question *question)
{
    size_t longest = 0;

    switch (question->type) {
    case ANSWER_YEAR:
    case ANSWER_INTEGER:
        return NUMBER_LENGTH_MAX;
    case ANSWER_TEXT:
        return 2 * (size_t)question->max; /* œ becomes OE */
    case ANSWER_LETTERS:
    case ANSWER_DIGITS:
        return (size_t)question->max;
    default:
        for (size_t i = 0; i < question->choice_count; i++)
            if (question->choices[i].value != NULL && strlen(question->choices[i].value) > longest)
                longest = strlen(question->choices[i].value);
        return longest;
    }
}

void text_strip(const char **text, size_t *length)
{
    while (*length > 0 && strchr(" \t\r\n\v\f", (*text)[0]) != NULL && (*text)[0] != '\0') {
        ++*text;
        --*length;
    }
    while (*length > 0 && strchr(" \t\r\n\v\f", (*text)[*length - 1]) != NULL &&
           (*text)[*length - 1] != '\0')
        --*length;
}

/* Each character of a text may have four, and each letter of a form two. */
size_t question_kept(const struct question *question)
{
    if (question->type == ANSWER_TEXT)
        return 4 * (size_t)question->max;
    return question->type == ANSWER_LETTERS && question->normalization != question_checked(question)
               ? 2 * question_room(question)
               : question_room(question);
}

int64_t year_of(int64_t now_s)
{
    time_t now = (time_t)now_s;
    struct tm tm;

    return gmtime_r(&now, &tm) != NULL ? (int64_t)tm.tm_year + 1900 : 0;
}

static int64_t max_of(const struct question *question, int64_t now_s)
{
    return question->max_is_now ? year_of(now_s) : question->max;
}

enum uic_normalization question_checked(const struct question *question)
{
    return question->normalization == UIC_REFERENCE ? UIC_REFERENCE : UIC_EXTENDED;
}

static bool is_canonical_number(const struct question *question)
{
    return question->normalization != UIC_REFERENCE &&
           (question->type == ANSWER_YEAR || question->type == ANSWER_INTEGER);
}

static int normalize_unchecked(const struct question *question, const char *text, size_t length,
                               char *out, size_t capacity, size_t *out_length)
{
    if (is_canonical_number(question) &&
        uic_normalize_number(text, length, out, capacity, out_length) == UIC_OK)
        return UIC_OK;
    return uic_normalize(question->normalization, text, length, out, capacity, out_length);
}

static int normalize_checked(const struct flow *flow, const struct question *question,
                             const char *text, size_t length, char *out, size_t capacity,
                             size_t *out_length)
{
    if (is_canonical_number(question))
        return uic_normalize_number(text, length, out, capacity, out_length);
    if (question->type == ANSWER_CHOICE) {
        int choice = pick_choice(flow, question, text, length);

        if (choice < 0)
            return UIC_NOT_NUMBER;
        text = question->choices[choice].value;
        length = strlen(text);
    }
    return uic_normalize(question_checked(question), text, length, out, capacity, out_length);
}

static bool is_number_within(const char *digits, size_t length, int64_t min, int64_t max)
{
    int64_t value = 0;

    if (length == 0 || length > NUMBER_LENGTH_MAX || strspn(digits, DIGITS) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (digits[i] - '0');
    return value >= min && value <= max;
}

static bool is_length_within(const struct question *question, size_t length)
{
    return (int64_t)length >= question->min && (int64_t)length <= question->max;
}

static bool is_good(const struct question *question, int64_t now_s, const char *answer,
                    size_t length)
{
    switch (question->type) {
    case ANSWER_YEAR:
    case ANSWER_INTEGER:
        return is_number_within(answer, length, question->min, max_of(question, now_s));
    case ANSWER_LETTERS:
        return strspn(answer, LETTERS) == length && is_length_within(question, length);
    case ANSWER_DIGITS:
        return strspn(answer, DIGITS) == length && is_length_within(question, length);
    case ANSWER_TEXT:
        return question->careful ? strcspn(answer, LETTERS) < length : length > 0;
    default:
        return length > 0;
    }
}

static bool check(const struct flow *flow, const struct question *question, const char *text,
                  size_t length, int64_t now_s, char *out, size_t capacity, size_t *out_length)
{
    int64_t longest = question->type == ANSWER_TEXT ? question->max : FLOW_ANSWER_CHARACTERS_MAX;

    text_strip(&text, &length);
    if ((int64_t)text_characters(text, length) > longest)
        return false;
    if (normalize_checked(flow, question, text, length, out, capacity, out_length) != UIC_OK)
        return false;
    if (*out_length > question_room(question) || !is_good(question, now_s, out, *out_length))
        return false;
    return question->normalization == question_checked(question) ||
           uic_normalize(question->normalization, text, length, out, capacity, out_length) ==
               UIC_OK;
}

static void explain(const struct question *question, int64_t now_s, char error[160])
{
    const long long min = question->min, max = max_of(question, now_s);

    switch (question->type) {
    case ANSWER_YEAR:
        snprintf(error, 160, "expected a year from %lld to %lld", min, max);
        break;
    case ANSWER_INTEGER:
        snprintf(error, 160, "expected a whole number from %lld to %lld", min, max);
        break;
    case ANSWER_LETTERS:
        snprintf(error, 160, "expected %lld to %lld letters", min, max);
        break;
    case ANSWER_DIGITS:
        snprintf(error, 160, "expected %lld to %lld digits", min, max);
        break;
    case ANSWER_CHOICE:
        snprintf(error, 160, "expected one of the %zu choices, by number, value or label",
                 question->choice_count);
        break;
    default:
        snprintf(error, 160, "expected a text of 1 to %lld characters with a letter%s", max,
                 question->careful ? "" : " or digit");
    }
}

int flow_answer(const struct flow *flow, size_t step, const char *text, size_t length, bool checked,
                int64_t now_s, char *out, size_t capacity, size_t *out_length, char error[160])
{
    *out_length = 0;
    if (step >= flow->step_count) {
        snprintf(error, 160, "expected an answer to one of %zu questions", flow->step_count);
        return -1;
    }
    const struct question *question = &flow->questions[step];
    if (checked ? check(flow, question, text, length, now_s, out, capacity, out_length)
                : normalize_unchecked(question, text, length, out, capacity, out_length) == UIC_OK)
        return 0;
    if (checked)
        explain(question, now_s, error);
    else
        snprintf(error, 160, "expected UTF-8 that leaves less than %zu bytes", capacity);
    explicit_bzero(out, capacity);
    *out_length = 0;
    return -1;
}
