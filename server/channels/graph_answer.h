/* What the Graph API answers to a message, read from its JSON. Pure. */
#ifndef SERVER_GRAPH_ANSWER_H
#define SERVER_GRAPH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* What an answer is. */
enum graph_says {
    GRAPH_SAYS_NOTHING, /* no JSON: somebody between us and Meta answered */
    GRAPH_SAYS_OTHER,   /* JSON, but neither an error nor the id of a message */
    GRAPH_SAYS_ERROR,
    GRAPH_SAYS_SENT, /* the id of the message */
};

struct graph_answer {
    enum graph_says says;
    int code, subcode; /* of an error; 0: AuthException, or none */
    bool transient;
    char trace[48]; /* letters, digits, - and _ only; "" when none */
};

/* What is no error leaves code, subcode, transient and trace 0. */
void graph_answer_read(struct graph_answer *answer, const char *bytes, size_t length);

#endif
