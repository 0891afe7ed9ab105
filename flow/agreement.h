/*
 * agreement: how often a person who comes twice gets the same code, from pairs of codes.
 *
 *     struct agreement agreement = {0};
 *     agreement_count(&agreement, flow, first, first_length, second, second_length);  for each pair
 *     agreement_interval(agreement.same, agreement.same + agreement.different, &low, &high);
 *
 * Pure. Keeps no code.
 */
#ifndef FLOW_AGREEMENT_H
#define FLOW_AGREEMENT_H

#include "flow/flow.h"

struct agreement {
    size_t same;
    size_t different;
    size_t by_step[FLOW_STEPS_MAX]; /* pairs in which what the code shows of this answer differs */
    size_t hidden;                  /* pairs in which all that is shown is the same */
    size_t unknown; /* pairs whose parts cannot be told apart: a field has no fixed length */
};

/* Whether a text is a code of this flow, in capitals or not, longer or not. */
bool agreement_is_code(const struct flow *flow, const char *text, size_t length);

/* Counts a pair. Returns 0, or -1 when one of them is no code of this flow; then nothing counts. */
int agreement_count(struct agreement *agreement, const struct flow *flow, const char *first,
                    size_t first_length, const char *second, size_t second_length);

/* Wilson's interval at 95 % of the share `part` of `whole`, which is not 0. */
void agreement_interval(size_t part, size_t whole, double *low, double *high);

#endif
