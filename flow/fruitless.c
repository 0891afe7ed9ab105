/*
 * Machines that answer our answers: when so many messages in a row were fruitless, one sentence,
 * then silence, until a good answer comes or some minutes have passed.
 */
#include "flow/definition.h"

bool fruitless_count(struct conversation *conversation, enum flow_event event, int64_t now_s)
{
    if (event == FLOW_EVENT_ACCEPTED) {
        conversation->fruitless = 0;
        return false;
    }
    if (now_s < conversation->fruitless_s || now_s - conversation->fruitless_s >= FLOW_FRUITLESS_S)
        conversation->fruitless = 0;
    if (conversation->fruitless == 0)
        conversation->fruitless_s = (uint32_t)now_s;
    if (conversation->fruitless <= FLOW_FRUITLESS_MAX)
        conversation->fruitless++;
    if (conversation->fruitless < FLOW_FRUITLESS_MAX)
        return false;
    if (conversation->fruitless > FLOW_FRUITLESS_MAX)
        conversation->hush = FLOW_HUSH_SILENT;
    else {
        conversation->fruitless_s = (uint32_t)now_s;
        if (conversation->hush == FLOW_HUSH_NONE)
            conversation->hush = FLOW_HUSH_HELP;
    }
    return true;
}
