/* What a saved conversation adds to the counters. A save that won against others is counted once,
 * and what happened is read from the conversation itself, so redeliveries and conflicts add
 * nothing. */
#include "server/telemetry/counting.h"

#include <inttypes.h>
#include <stdio.h>

_Static_assert(COUNT_FIELDS + COUNT_STEP_FIELDS * FLOW_STEPS_MAX + FLOW_LANGUAGES_MAX <=
                   COUNTERS_FIELDS_MAX,
               "a counter for everything");
_Static_assert(FLOW_STEPS_MAX <= COUNTERS_STEPS_MAX, "a name for each step");

static void name_add(struct counting *counting, const char *kind, const char *of)
{
    char *name = counting->names[counting->field_count];

    snprintf(name, COUNT_NAME_MAX, "%s%s%s", kind, of != NULL ? ":" : "", of != NULL ? of : "");
    counting->fields[counting->field_count++] = name;
}

void counting_init(struct counting *counting, const struct flow *flow)
{
    static const char *const kinds[COUNT_FIELDS] = {
        [COUNT_STARTED] = "started",     [COUNT_FINISHED] = "finished",
        [COUNT_EXPIRED] = "expired",     [COUNT_STOPPED] = "stopped",
        [COUNT_READ_BACK] = "read_back", [COUNT_DELIVERED] = "delivered",
        [COUNT_READ] = "read",           [COUNT_FAILED] = "failed",
    };

    *counting = (struct counting){.flow = flow};
    snprintf(counting->generation, sizeof counting->generation, "%016" PRIx64,
             flow_fingerprint(flow));
    for (size_t i = 0; i < COUNT_FIELDS; i++)
        name_add(counting, kinds[i], NULL);
    for (size_t i = 0; i < flow_step_count(flow); i++)
        counting->steps[i] = flow_step_key(flow, i);
    for (int field = 0; field < COUNT_STEP_FIELDS; field++)
        for (size_t i = 0; i < flow_step_count(flow); i++)
            name_add(counting, counting_step_name((enum count_step_field)field),
                     flow_step_key(flow, i));
    for (size_t i = 0; i < flow_language_count(flow); i++)
        name_add(counting, "language", flow_language(flow, i));
}

const char *counting_step_name(enum count_step_field field)
{
    static const char *const names[COUNT_STEP_FIELDS] = {
        [COUNT_REACHED] = "reached",     [COUNT_WRONG] = "wrong",
        [COUNT_NOT_KNOWN] = "not_known", [COUNT_ASKED_WHICH] = "asked_which",
        [COUNT_DOUBTFUL] = "doubtful",   [COUNT_CORRECTED] = "corrected",
    };

    return names[field];
}

size_t counting_of_step(const struct counting *counting, enum count_step_field field, size_t step)
{
    return COUNT_FIELDS + (size_t)field * flow_step_count(counting->flow) + step;
}

size_t counting_of_language(const struct counting *counting, size_t language)
{
    return counting_of_step(counting, COUNT_STEP_FIELDS, 0) + language;
}

/* The question that is open; the last one while all answers are in; -1 for none, and for those
 * of another flow. */
static int open_question(const struct counting *counting, const struct conversation *conversation)
{
    const int last = (int)flow_step_count(counting->flow) - 1;

    if (conversation->fingerprint != flow_fingerprint(counting->flow))
        return -1;
    switch (conversation->state) {
    case CONVERSATION_ASKING:
        return conversation->step;
    case CONVERSATION_LANGUAGE:
    case CONVERSATION_REVIEW:
    case CONVERSATION_NEAR:
    case CONVERSATION_COMPLETE:
        return conversation->step < last ? conversation->step : last;
    default:
        return -1;
    }
}

void counting_begin(struct counting_position *position, const struct counting *counting,
                    const struct conversation *conversation)
{
    *position = (struct counting_position){
        .spot = {open_question(counting, conversation), conversation->saved_min},
        .reached = conversation->reached,
    };
}

/* What the conversation's last reply says that happened. An end is one where something was open:
 * STOP may be said twice, and a code told again. Returns whether a conversation began. */
static bool count_event(const struct counting *counting, struct counters_link *counters,
                        const struct counting_position *before,
                        const struct conversation *conversation)
{
    switch (conversation->reply) {
    case FLOW_REPLY_EXPIRED:
        counters_add(counters, COUNT_EXPIRED, 1);
        /* fall through */
    case FLOW_REPLY_WELCOME:
    case FLOW_REPLY_CHANGED:
        counters_add(counters, COUNT_STARTED, 1);
        return true;
    case FLOW_REPLY_STOPPED:
        counters_add(counters, COUNT_STOPPED, before->reached > 0);
        return false;
    case FLOW_REPLY_NEW_CODE:
    case FLOW_REPLY_EXISTING_CODE:
        if (before->reached == 0)
            return false;
        counters_add(counters, COUNT_FINISHED, 1);
        counters_add(
            counters,
            counting_of_language(counting, flow_spoken_language(counting->flow, conversation)), 1);
        return false;
    default:
        return false;
    }
}

static void count_outcome(const struct counting *counting, struct counters_link *counters,
                          const struct flow_outcome *outcome)
{
    const bool happened[COUNT_STEP_FIELDS] = {
        [COUNT_WRONG] = outcome->asked_again || outcome->not_known,
        [COUNT_NOT_KNOWN] = outcome->not_known,
        [COUNT_ASKED_WHICH] = outcome->asked_which,
        [COUNT_DOUBTFUL] = outcome->doubtful,
        [COUNT_CORRECTED] = outcome->corrected,
    };

    counters_add(counters, COUNT_READ_BACK, outcome->read_back);
    for (int field = 0;
         field < COUNT_STEP_FIELDS && outcome->step < flow_step_count(counting->flow); field++)
        counters_add(counters,
                     counting_of_step(counting, (enum count_step_field)field, outcome->step),
                     happened[field]);
}

void counting_add(const struct counting *counting, struct counters_link *counters,
                  struct counting_position *position, const struct conversation *conversation,
                  const struct flow_outcome *outcome)
{
    const struct counting_position before = *position;
    size_t step = count_event(counting, counters, &before, conversation) ? 0 : before.reached;

    counting_begin(position, counting, conversation);
    for (; step < conversation->reached && step < flow_step_count(counting->flow); step++)
        counters_add(counters, counting_of_step(counting, COUNT_REACHED, step), 1);
    if (conversation->state != CONVERSATION_FINISHED)
        count_outcome(counting, counters, outcome);
    counters_move(counters, &before.spot, &position->spot);
}
