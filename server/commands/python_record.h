/*
 * A row of the Python version as a record of ours. Pure: reads and writes nothing.
 */
#ifndef SERVER_COMMANDS_PYTHON_RECORD_H
#define SERVER_COMMANDS_PYTHON_RECORD_H

#include "flow/flow.h"
#include "server/security/keys.h"
#include "store/record_tools.h"

struct python_record_rules {
    const struct flow *flow;
    const struct keys *keys;
    const char *salt;
    int64_t now_s; /* seconds since 1970 */
};

/* What is odd about a row that is taken all the same. */
struct python_record_caveat {
    bool other_code; /* this salt and flow make another code of these answers */
    bool unsayable;  /* the questions do not take one of these answers today */
};

/* Whether the flow asks what the people of this form were asked, in their order. Returns 0, or -1
 * with error. */
int python_record_check_flow(enum record_form form, const struct flow *flow, char error[ERROR_MAX]);

/* Makes the row one of ours: its input hash is that of a person who gives these answers today.
 * Returns 0, or -1 with error, which quotes nothing, when the row cannot be taken. */
int python_record_convert(const struct python_record_rules *rules, struct record_row *row,
                          struct python_record_caveat *caveat, char error[ERROR_MAX]);

#endif
