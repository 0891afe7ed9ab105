/* What the Graph API answers to a message, read from its JSON. Pure. */
#ifndef SERVER_GRAPH_ANSWER_H
#define SERVER_GRAPH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct graph_answer {
    int code, subcode; /* of an error; 0: none */
    bool transient;
    char trace[48]; /* letters, digits, - and _ only; "" when none */
};

/* What is not JSON, or not an error, leaves everything 0. */
void graph_answer_read(struct graph_answer *answer, const char *bytes, size_t length);

#endif
