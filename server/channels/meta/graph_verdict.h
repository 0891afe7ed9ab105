/* What the outcome of a call means for the message: sent, refused for good, or later, and when.
 * Pure. */
#ifndef SERVER_CHANNELS_META_GRAPH_VERDICT_H
#define SERVER_CHANNELS_META_GRAPH_VERDICT_H

#include "server/channels/meta/graph.h"

enum graph_kind {
    GRAPH_SENT,
    GRAPH_REFUSED,       /* this message, whenever it comes */
    GRAPH_UNREACHABLE,   /* later: the request did not leave */
    GRAPH_UNCONFIRMED,   /* later: it left, and no answer came; so it may be sent twice */
    GRAPH_UNCONFIRMED_3, /* that happened three times: given up */
    GRAPH_THROTTLED,     /* later: too many, to this person or to all */
    GRAPH_FAILING,       /* later: an error of the other side */
    GRAPH_LOCKED_OUT,    /* later: token, permission or account; an operator will mend it */
    GRAPH_FOREIGN,       /* later: what answered is not the Graph API */
};

struct graph_verdict {
    enum graph_kind kind;
    int64_t delay_ms; /* for later */
};

/* attempts: calls for this message before; unconfirmed: those of them that ended so. */
struct graph_verdict graph_judge(const struct graph_result *result, unsigned attempts,
                                 unsigned unconfirmed);

/* Whether an error of this code, wherever Meta tells it, is about our account, number or token: an
 * operator must mend it. */
bool graph_is_about_us(int code, int subcode);

/* Whether the message waits for another attempt. */
bool graph_is_later(enum graph_kind kind);

#endif
