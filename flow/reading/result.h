/* An answer as it was read out of a message: what reading hands to the flow. */
#ifndef FLOW_READING_RESULT_H
#define FLOW_READING_RESULT_H

#include <stddef.h>
#include <stdint.h>

/* Characters that a text answer can have at most, whatever the flow file says. */
#define FLOW_ANSWER_CHARACTERS_MAX 160
/* Bytes that hold an answer as it was read, with its NUL. */
#define FLOW_READING_MAX (FLOW_ANSWER_CHARACTERS_MAX * 4 + 64)
/* Names, or choices, that a person is asked to choose from at most. */
#define FLOW_READING_CANDIDATES_MAX 3

enum flow_reading_kind {
    FLOW_READ,           /* an answer, as it stands or nearly so */
    FLOW_READ_DOUBTFUL,  /* an answer out of a sentence, or an unusual one */
    FLOW_READ_WHICH,     /* several: candidates has each, text all names, or one of the choices */
    FLOW_READ_AGAIN,     /* not understood */
    FLOW_READ_NO_ANSWER, /* "I do not know", "ok" */
};

/* An answer as it was read: to be told back, and to be given to flow_answer. The first three kinds
 * have a text. Holds what a person said: wipe it. */
struct flow_reading {
    enum flow_reading_kind kind;
    uint8_t candidate_count;
    size_t length;
    char text[FLOW_READING_MAX];
    char candidates[FLOW_READING_CANDIDATES_MAX][FLOW_READING_MAX];
};

#endif
