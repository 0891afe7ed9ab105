/*
 * What most commands begin with: the configuration, the flow and the keys.
 */
#ifndef SERVER_SERVING_SETUP_H
#define SERVER_SERVING_SETUP_H

#include "flow/flow.h"
#include "server/config/config.h"
#include "server/security/keys.h"
#include "server/telemetry/counting.h"
#include "store/sessions.h"
#include <stdio.h>

struct record_marks;

struct setup {
    struct config config;
    struct flow *flow;
    struct keys keys;
};

/* env_file: instead of .env, or NULL; flow_file: instead of the configured one, or NULL. Prints
 * every mistake in configuration and flow file, one a line, to errors. In production the flow
 * withholds languages that nobody has reviewed. Returns 0 or -1; setup_close is due in both cases.
 */
int setup_open(struct setup *setup, const char *env_file, const char *flow_file, FILE *errors);
void setup_close(struct setup *setup);

/* The check values of salt and flow. Returns 0, or -1 with error. */
int setup_marks(const struct setup *setup, struct record_marks *marks, char error[ERROR_MAX]);
/* Whether the prepared database is of this salt and this flow, as salt_check tells it. */
int setup_check_salt(const struct setup *setup, bool remember, const char **subject,
                     char error[ERROR_MAX]);

/* The flow alone: of file_name, or the built-in one when that is NULL. Returns NULL after printing
 * what is wrong with it. */
struct flow *setup_flow(const char *file_name, FILE *errors);

/* How sessions are to be kept, by configuration and keys; points into setup. */
void setup_session(const struct setup *setup, struct session_settings *settings);
/* How counters are to be kept, by a reader; points into setup and counting. */
void setup_counters(const struct setup *setup, const struct counting *counting,
                    struct counters_settings *settings);

#endif
