/* The built-in flow, for a whole program of tests, and somebody who talks to it. */
#ifndef TESTS_FLOW_TALK_H
#define TESTS_FLOW_TALK_H

#include "flow/bench.h"

static struct flow *flow;

/* The group's set-up and tear-down. */
static inline int load(void **state)
{
    (void)state;
    flow = load_flow("ciu-rdc");
    return 0;
}

static inline int unload(void **state)
{
    (void)state;
    flow_free(flow);
    return 0;
}

static inline struct flow_outcome say(struct conversation *conversation, const char *text,
                                      uint64_t id)
{
    const struct flow_message message = {.text = text, .length = strlen(text), .id = id};

    return flow_step(flow, conversation, &message, NOW);
}

/* Bonjour and this many answers. */
static inline void talk(struct conversation *conversation, size_t answers)
{
    static const char *const said[] = {"1985", "Mbanza-Ngungu", "Marie-Claire", "15", "Tshisekedi"};

    conversation_start(conversation, NULL, 0);
    say(conversation, "Bonjour", 0x1111111111111111);
    for (size_t i = 0; i < answers; i++)
        say(conversation, said[i], 0x2222222222222222 + i);
}

#endif
