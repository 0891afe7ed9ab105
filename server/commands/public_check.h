/*
 * Whether people outside reach the service: its public address, asked as they would.
 */
#ifndef SERVER_COMMANDS_PUBLIC_CHECK_H
#define SERVER_COMMANDS_PUBLIC_CHECK_H

#include "server/config/config.h"
#include <stdint.h>

#define PUBLIC_CHECK_MAX 512

/* GET of /health and /ready, and an unsigned POST to each webhook, which must be refused. days: how
 * long the certificate is still good, -1 when that is not known. Blocks, for fifteen seconds a
 * request at most. Returns 0 with what was found in text; 1 when it is another server than the one
 * that runs here; or -1 with what is wrong. */
int public_check(const struct config *config, int64_t *days, char text[PUBLIC_CHECK_MAX]);

#endif
