/*
 * What a start would be refused for although each setting's value is a possible one.
 */
#ifndef SERVER_COMMANDS_START_CHECK_H
#define SERVER_COMMANDS_START_CHECK_H

#include "server/config/config.h"
#include <stddef.h>

#define START_CHECK_MAX 640

/* Whether HOST is an address of this machine whose PORT can be listened on, or a server of ours
 * does so, which is asked as ask_ready does. Returns 0, 1 when something else may have the port, or
 * -1; subject is the setting then. */
int start_check_address(const struct config *config, const char **subject,
                        char text[START_CHECK_MAX]);

/* Whether RUN_AS_USER, if it is set, is a user of this machine. */
bool start_check_user(const struct config *config);

#endif
