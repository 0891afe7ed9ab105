/* What the Graph API answers to a message, read from its JSON. Pure. */
#ifndef SERVER_CHANNELS_META_GRAPH_ANSWER_H
#define SERVER_CHANNELS_META_GRAPH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* What an answer is. */
enum graph_says {
    GRAPH_SAYS_NOTHING, /* no JSON: somebody between us and Meta answered */
    GRAPH_SAYS_OTHER,   /* JSON, but neither an error nor the id of a message */
    GRAPH_SAYS_ERROR,
    GRAPH_SAYS_SENT, /* the id of the message */
};

/* Bytes of a message's id that are read, with a NUL. */
#define GRAPH_ID_MAX 513

struct graph_answer {
    enum graph_says says;
    char id[GRAPH_ID_MAX]; /* of the message; "" when none, or a longer one */
    int code, subcode;     /* of an error; 0: AuthException, or none */
    bool transient;
    char trace[48]; /* letters, digits, - and _ only; "" when none */
};

/* What is no error leaves code, subcode, transient and trace 0. */
void graph_answer_read(struct graph_answer *answer, const char *bytes, size_t length);

#endif
