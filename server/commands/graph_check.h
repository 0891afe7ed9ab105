/*
 * Asks Meta's Graph API for our phone number, for `check`: do token, id and permission fit, and can
 * it be reached at all? Blocks, for seconds at worst.
 */
#ifndef SERVER_COMMANDS_GRAPH_CHECK_H
#define SERVER_COMMANDS_GRAPH_CHECK_H

#include "server/config/config.h"
#include <stddef.h>
#include <stdint.h>

#define GRAPH_CHECK_MAX 512

/* Returns 0 with text naming the number, or -1 with text saying in words what is wrong and what
 * mends it. The text is one line without control characters, and holds no secret. *clock_s is what
 * time it is at Meta, seconds since 1970, by the answer's Date; -1: it told none. */
int graph_check(const struct config *config, int64_t *clock_s, char text[GRAPH_CHECK_MAX]);

/* What an answer means: for the above, and its tests. */
int graph_check_read(long status, const char *body, size_t length, const char *phone_number_id,
                     char text[GRAPH_CHECK_MAX]);

#endif
