/*
 * Whether the server that runs with these settings is ready, asked as a stranger would.
 */
#ifndef SERVER_COMMANDS_ASK_READY_H
#define SERVER_COMMANDS_ASK_READY_H

#include "server/config/config.h"
#include "store/base/error.h"
#include <stddef.h>
#include <stdint.h>

/* Asks GET /ready on HOST and the port of an instance; of a server with TLS only that it takes
 * connections. Blocks, for five seconds a step at most. started_ms: when it began, -1 when it did
 * not say. Returns 0, or -1 with error. */
int ask_ready(const struct config *config, unsigned port, int64_t *started_ms,
              char error[ERROR_MAX]);

/* "started_at" of an answer, in milliseconds; -1 when it is none. */
int64_t started_ms_read(const char *text);

#endif
