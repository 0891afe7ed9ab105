/*
 * What the server ought to answer, from the built-in flow and the salt: every reply to the byte,
 * and every code, computed here once more.
 */
#ifndef LOAD_EXPECTATION_H
#define LOAD_EXPECTATION_H

#include "tests/load/crowd.h"

struct expectation;

/* NULL with *error when it cannot be made. */
struct expectation *expectation_create(const char *salt, const char **error);
void expectation_free(struct expectation *expectation);

/* Whether this TwiML is the reply to the line. */
bool expectation_met(struct expectation *expectation, const struct crowd *crowd, uint64_t serial,
                     const struct line *line, const char *twiml, size_t length);

#endif
