/*
 * Counting what becomes of conversations: which counters there are, by the flow, and what one save
 * of a conversation adds to them. What each means is told in docs/statistics.md.
 */
#ifndef SERVER_TELEMETRY_COUNTING_H
#define SERVER_TELEMETRY_COUNTING_H

#include "flow/conversation.h"
#include "store/counters.h"

/* The first fields; behind them those of each step, and for each language those it finished in. */
enum count_field {
    COUNT_STARTED,
    COUNT_FINISHED,
    COUNT_EXPIRED,
    COUNT_STOPPED,
    COUNT_READ_BACK, /* their answers, before the code */
    COUNT_DELIVERED, /* of our replies, as Meta tells: */
    COUNT_READ,
    COUNT_FAILED,
    COUNT_FIELDS,
};

enum count_step_field {
    COUNT_REACHED,     /* conversations in which it was open */
    COUNT_WRONG,       /* answers that were refused, */
    COUNT_NOT_KNOWN,   /* and among them those that said that there is none */
    COUNT_ASKED_WHICH, /* answers of several names */
    COUNT_DOUBTFUL,    /* answers that were taken, out of a sentence or unusual */
    COUNT_CORRECTED,   /* answers that were replaced when they were read back */
    COUNT_STEP_FIELDS,
};

#define COUNT_NAME_MAX 80

/* The names of a flow's counters. Constant after counting_init, which points into itself. */
struct counting {
    const struct flow *flow;
    char generation[17];
    size_t field_count;
    const char *fields[COUNTERS_FIELDS_MAX];
    const char *steps[COUNTERS_STEPS_MAX]; /* the steps' keys */
    char names[COUNTERS_FIELDS_MAX][COUNT_NAME_MAX];
};

void counting_init(struct counting *counting, const struct flow *flow);
/* "reached", "wrong", …; static. */
const char *counting_step_name(enum count_step_field field);
size_t counting_of_step(const struct counting *counting, enum count_step_field field, size_t step);
size_t counting_of_language(const struct counting *counting, size_t language);

/* Where a conversation stood when it was loaded or saved last. */
struct counting_position {
    struct counters_spot spot;
    uint8_t reached;
};

/* The conversation as it was loaded. */
void counting_begin(struct counting_position *position, const struct counting *counting,
                    const struct conversation *conversation);
/* The conversation was saved, as the first to do so since the position: counts what has happened in
 * between, and moves the position. outcome is of the message that was handled: it counts when what
 * it made of the conversation is saved, and not once more when the code is told. */
void counting_add(const struct counting *counting, struct counters_link *counters,
                  struct counting_position *position, const struct conversation *conversation,
                  const struct flow_outcome *outcome);

#endif
