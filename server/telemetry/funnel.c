/* What a saved conversation adds to the counters. A save that won against others is counted once,
 * and what happened is read from the conversation itself, so redeliveries and conflicts add
 * nothing. */
#include "server/telemetry/funnel.h"

#include <inttypes.h>
#include <stdio.h>

_Static_assert(FUNNEL_FIELDS + FUNNEL_STEP_FIELDS * FLOW_STEPS_MAX + FLOW_LANGUAGES_MAX <=
                   COUNTERS_FIELDS_MAX,
               "a figure for everything");
_Static_assert(FLOW_STEPS_MAX <= COUNTERS_PLACES_MAX, "a place for each step");

static void name_add(struct funnel *funnel, const char *kind, const char *of)
{
    char *name = funnel->names[funnel->field_count];

    snprintf(name, FUNNEL_NAME_MAX, "%s%s%s", kind, of != NULL ? ":" : "", of != NULL ? of : "");
    funnel->fields[funnel->field_count++] = name;
}

void funnel_init(struct funnel *funnel, const struct flow *flow)
{
    static const char *const kinds[FUNNEL_FIELDS] = {
        [FUNNEL_STARTED] = "started",     [FUNNEL_FINISHED] = "finished",
        [FUNNEL_EXPIRED] = "expired",     [FUNNEL_STOPPED] = "stopped",
        [FUNNEL_READ_BACK] = "read_back", [FUNNEL_DELIVERED] = "delivered",
        [FUNNEL_READ] = "read",           [FUNNEL_FAILED] = "failed",
    };

    *funnel = (struct funnel){.flow = flow};
    snprintf(funnel->generation, sizeof funnel->generation, "%016" PRIx64, flow_fingerprint(flow));
    for (size_t i = 0; i < FUNNEL_FIELDS; i++)
        name_add(funnel, kinds[i], NULL);
    for (size_t i = 0; i < flow_step_count(flow); i++)
        funnel->places[i] = flow_step_key(flow, i);
    for (int field = 0; field < FUNNEL_STEP_FIELDS; field++)
        for (size_t i = 0; i < flow_step_count(flow); i++)
            name_add(funnel, funnel_step_name((enum funnel_step_field)field),
                     flow_step_key(flow, i));
    for (size_t i = 0; i < flow_language_count(flow); i++)
        name_add(funnel, "language", flow_language(flow, i));
}

const char *funnel_step_name(enum funnel_step_field field)
{
    static const char *const names[FUNNEL_STEP_FIELDS] = {
        [FUNNEL_REACHED] = "reached",     [FUNNEL_WRONG] = "wrong",
        [FUNNEL_NOT_KNOWN] = "not_known", [FUNNEL_ASKED_WHICH] = "asked_which",
        [FUNNEL_DOUBTFUL] = "doubtful",   [FUNNEL_CORRECTED] = "corrected",
    };

    return names[field];
}

size_t funnel_of_step(const struct funnel *funnel, enum funnel_step_field field, size_t step)
{
    return FUNNEL_FIELDS + (size_t)field * flow_step_count(funnel->flow) + step;
}

size_t funnel_language(const struct funnel *funnel, size_t language)
{
    return funnel_of_step(funnel, FUNNEL_STEP_FIELDS, 0) + language;
}

/* The question that is open; the last one while all answers are in; -1 for none, and for those
 * of another flow. */
static int open_question(const struct funnel *funnel, const struct conversation *conversation)
{
    const int last = (int)flow_step_count(funnel->flow) - 1;

    if (conversation->fingerprint != flow_fingerprint(funnel->flow))
        return -1;
    switch (conversation->state) {
    case CONVERSATION_ASKING:
        return conversation->step;
    case CONVERSATION_LANGUAGE:
    case CONVERSATION_REVIEW:
    case CONVERSATION_COMPLETE:
        return conversation->step < last ? conversation->step : last;
    default:
        return -1;
    }
}

void funnel_mark(struct funnel_mark *mark, const struct funnel *funnel,
                 const struct conversation *conversation)
{
    *mark = (struct funnel_mark){
        .spot = {open_question(funnel, conversation), conversation->saved_min},
        .reached = conversation->reached,
    };
}

/* What the conversation's last reply says that happened. An end is one where something was open:
 * STOP may be said twice, and a code told again. Returns whether a conversation began. */
static bool count_event(const struct funnel *funnel, struct counters_link *counters,
                        const struct funnel_mark *before, const struct conversation *conversation)
{
    switch (conversation->reply) {
    case FLOW_REPLY_EXPIRED:
        counters_add(counters, FUNNEL_EXPIRED, 1);
        /* fall through */
    case FLOW_REPLY_WELCOME:
    case FLOW_REPLY_CHANGED:
        counters_add(counters, FUNNEL_STARTED, 1);
        return true;
    case FLOW_REPLY_STOPPED:
        counters_add(counters, FUNNEL_STOPPED, before->reached > 0);
        return false;
    case FLOW_REPLY_NEW_CODE:
    case FLOW_REPLY_EXISTING_CODE:
        if (before->reached == 0)
            return false;
        counters_add(counters, FUNNEL_FINISHED, 1);
        counters_add(counters,
                     funnel_language(funnel, flow_spoken_language(funnel->flow, conversation)), 1);
        return false;
    default:
        return false;
    }
}

static void count_outcome(const struct funnel *funnel, struct counters_link *counters,
                          const struct flow_outcome *outcome)
{
    const bool happened[FUNNEL_STEP_FIELDS] = {
        [FUNNEL_WRONG] = outcome->asked_again || outcome->not_known,
        [FUNNEL_NOT_KNOWN] = outcome->not_known,
        [FUNNEL_ASKED_WHICH] = outcome->asked_which,
        [FUNNEL_DOUBTFUL] = outcome->doubtful,
        [FUNNEL_CORRECTED] = outcome->corrected,
    };

    counters_add(counters, FUNNEL_READ_BACK, outcome->read_back);
    for (int field = 0; field < FUNNEL_STEP_FIELDS && outcome->step < flow_step_count(funnel->flow);
         field++)
        counters_add(counters, funnel_of_step(funnel, (enum funnel_step_field)field, outcome->step),
                     happened[field]);
}

void funnel_count(const struct funnel *funnel, struct counters_link *counters,
                  struct funnel_mark *mark, const struct conversation *conversation,
                  const struct flow_outcome *outcome)
{
    const struct funnel_mark before = *mark;
    size_t step = count_event(funnel, counters, &before, conversation) ? 0 : before.reached;

    funnel_mark(mark, funnel, conversation);
    for (; step < conversation->reached && step < flow_step_count(funnel->flow); step++)
        counters_add(counters, funnel_of_step(funnel, FUNNEL_REACHED, step), 1);
    if (conversation->state != CONVERSATION_FINISHED)
        count_outcome(funnel, counters, outcome);
    counters_move(counters, &before.spot, &mark->spot);
}
