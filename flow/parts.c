/* Which steps ask for what tells people apart, and whether a code shows it. */
#include "flow/definition.h"

#include <string.h>

static bool asks_for(const struct question *question, enum flow_part part)
{
    switch (part) {
    case FLOW_PART_PLACE:
        return question->type == ANSWER_CHOICE || question->holds == HOLDS_PLACE;
    case FLOW_PART_YEAR:
        return question->type == ANSWER_YEAR;
    case FLOW_PART_DAY:
        return question->type == ANSWER_INTEGER;
    }
    return false;
}

int flow_part_step(const struct flow *flow, enum flow_part part)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (asks_for(&flow->questions[i], part))
            return (int)i;
    return -1;
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
