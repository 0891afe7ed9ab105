/* Which steps ask for what tells people apart, and whether a code shows it. */
#include "flow/definition.h"

#include <string.h>

static bool is_place(const struct question *question)
{
    return question->holds == HOLDS_PLACE;
}

/* As a province. */
static bool is_chosen(const struct question *question)
{
    return question->type == ANSWER_CHOICE;
}

static bool is_year(const struct question *question)
{
    return question->type == ANSWER_YEAR;
}

static bool is_day(const struct question *question)
{
    return question->type == ANSWER_INTEGER;
}

static int step_find(const struct flow *flow, bool (*is)(const struct question *question))
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (is(&flow->questions[i]))
            return (int)i;
    return -1;
}

int flow_part_step(const struct flow *flow, enum flow_part part)
{
    if (part == FLOW_PART_YEAR)
        return step_find(flow, is_year);
    if (part == FLOW_PART_DAY)
        return step_find(flow, is_day);
    const int place = step_find(flow, is_place);
    /* A flow that reads all plainly says of no step what it holds. */
    return place >= 0 || flow->words == NULL ? place : step_find(flow, is_chosen);
}

bool flow_code_shows(const struct flow *flow)
{
    const size_t last = flow->format.piece_count - 1;

    if (last < 2 || flow->pieces[last].kind != UIC_PIECE_HASH ||
        flow->pieces[last - 1].kind != UIC_PIECE_LITERAL)
        return false;
    const char *literal = flow->pieces[last - 1].literal;
    if (literal[strlen(literal) - 1] != '-')
        return false;
    for (size_t i = 0; i + 1 < last; i++)
        if (flow->pieces[i].kind != UIC_PIECE_FIELD && flow->pieces[i].kind != UIC_PIECE_LITERAL)
            return false;
    return true;
}
