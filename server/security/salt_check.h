/*
 * A database belongs to one salt and one flow: with another of either, the same person would get
 * another code. The database remembers check values of both, from which neither can be read.
 */
#ifndef SERVER_SECURITY_SALT_CHECK_H
#define SERVER_SECURITY_SALT_CHECK_H

#include "server/config/setup.h"
#include "store/ticket.h"

/*
 * Compares the setup with what its prepared database remembers; with remember, a database that
 * remembers nothing belongs to this setup from now on. Blocks. Returns 0; RECORD_AWAY with error;
 * or -1 with error, and *subject naming the setting that is wrong.
 */
int salt_check(const struct setup *setup, bool remember, const char **subject,
               char error[STORE_ERROR_MAX]);

#endif
