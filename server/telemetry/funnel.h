/*
 * The funnel: what becomes of conversations, as counters. Which counters there are, by the flow,
 * and what one save of a conversation adds to them. What each means is told in docs/statistics.md.
 */
#ifndef SERVER_TELEMETRY_FUNNEL_H
#define SERVER_TELEMETRY_FUNNEL_H

#include "flow/flow.h"
#include "store/counters.h"

/* The first fields; behind them those of each step, and for each language those it finished in. */
enum funnel_field {
    FUNNEL_STARTED,
    FUNNEL_FINISHED,
    FUNNEL_EXPIRED,
    FUNNEL_STOPPED,
    FUNNEL_READ_BACK, /* their answers, before the code */
    FUNNEL_DELIVERED, /* of our replies, as Meta tells: */
    FUNNEL_READ,
    FUNNEL_FAILED,
    FUNNEL_FIELDS,
};

enum funnel_step_field {
    FUNNEL_REACHED,     /* conversations in which it was open */
    FUNNEL_WRONG,       /* answers that were refused, */
    FUNNEL_NOT_KNOWN,   /* and among them those that said that there is none */
    FUNNEL_ASKED_WHICH, /* answers of several names */
    FUNNEL_DOUBTFUL,    /* answers that were taken, out of a sentence or unusual */
    FUNNEL_CORRECTED,   /* answers that were replaced when they were read back */
    FUNNEL_STEP_FIELDS,
};

#define FUNNEL_NAME_MAX 80

/* The names of a flow's counters. Constant after funnel_init, which points into itself. */
struct funnel {
    const struct flow *flow;
    char generation[17];
    size_t field_count;
    const char *fields[COUNTERS_FIELDS_MAX];
    const char *places[COUNTERS_PLACES_MAX]; /* the steps' keys */
    char names[COUNTERS_FIELDS_MAX][FUNNEL_NAME_MAX];
};

void funnel_init(struct funnel *funnel, const struct flow *flow);
/* "reached", "wrong", …; static. */
const char *funnel_step_name(enum funnel_step_field field);
size_t funnel_of_step(const struct funnel *funnel, enum funnel_step_field field, size_t step);
size_t funnel_language(const struct funnel *funnel, size_t language);

/* Where a conversation stood when it was loaded or saved last. */
struct funnel_mark {
    struct counters_spot spot;
    uint8_t reached;
};

/* The conversation as it was loaded. */
void funnel_mark(struct funnel_mark *mark, const struct funnel *funnel,
                 const struct conversation *conversation);
/* The conversation was saved, as the first to do so since the mark: counts what has happened in
 * between, and moves the mark. outcome is of the message that was handled: it counts when what it
 * made of the conversation is saved, and not once more when the code is told. */
void funnel_count(const struct funnel *funnel, struct counters_link *counters,
                  struct funnel_mark *mark, const struct conversation *conversation,
                  const struct flow_outcome *outcome);

#endif
