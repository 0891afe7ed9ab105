/* Secrets that others may know: a part of `check`. */
#ifndef SERVER_COMMANDS_CHECK_SECRETS_H
#define SERVER_COMMANDS_CHECK_SECRETS_H

#include "server/config/config.h"
#include <stdio.h>

/* A line for each that is to be looked at; settings is the file that they are in. With urgent_only
 * what cannot be changed any more is left out. */
void check_secrets(const struct config *config, const char *settings, bool urgent_only,
                   FILE *lines);

#endif
