/*
 * The languages of a flow: which of them people can choose, and which one a conversation is
 * answered in. A language keeps its index whether it is offered or not, for sessions store it.
 */
#include "flow/definition.h"

size_t flow_language_count(const struct flow *flow)
{
    return flow->language_count;
}

const char *flow_language(const struct flow *flow, size_t language)
{
    return language < flow->language_count ? flow->languages[language] : NULL;
}

bool flow_language_is_unproofread(const struct flow *flow, size_t language)
{
    return language < flow->language_count && flow->proofreadings[language] == PROOFREADING_OPEN;
}

void flow_withhold_unproofread(struct flow *flow)
{
    flow->withholds_unproofread = true;
}

bool flow_language_is_offered(const struct flow *flow, size_t language)
{
    return language < flow->language_count &&
           !(flow->withholds_unproofread && flow->proofreadings[language] == PROOFREADING_OPEN);
}

size_t flow_spoken_language(const struct flow *flow, const struct conversation *conversation)
{
    return flow_language_is_offered(flow, conversation->language) ? conversation->language : 0;
}

size_t language_offered_count(const struct flow *flow)
{
    size_t count = 0;

    for (size_t i = 0; i < flow->language_count; i++)
        count += flow_language_is_offered(flow, i);
    return count;
}
