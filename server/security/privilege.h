/*
 * What the process gives up before it opens anything: root's powers, and in production the right of
 * others to look into its memory.
 */
#ifndef SERVER_SECURITY_PRIVILEGE_H
#define SERVER_SECURITY_PRIVILEGE_H

#include "server/config/config.h"
#include "store/base/error.h"
#include <stddef.h>

/*
 * Started as root, becomes RUN_AS_USER, or without that the owner of the working directory. Root
 * stays root in development, and where RUN_AS_USER=root says so. Returns 0, or -1 with error when
 * nobody is left to become. Before any thread starts.
 */
int privilege_drop(const struct config *config, char error[ERROR_MAX]);

#endif
