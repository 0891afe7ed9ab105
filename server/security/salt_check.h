/*
 * A database belongs to one salt and one flow: with another of either, the same person would get
 * another code. The database remembers check values of both, from which neither can be read.
 */
#ifndef SERVER_SECURITY_SALT_CHECK_H
#define SERVER_SECURITY_SALT_CHECK_H

#include "store/ticket.h"
#include <stdbool.h>

struct record_marks;

/* Makes the check value of the salt, and under it as a key that of the flow's id; takes 40 ms.
 * Returns 0, or -1 when the cryptographic library fails. */
int salt_marks(const char *salt, const char *flow_id, struct record_marks *marks);

struct salt_checked {
    const struct record_marks *marks;
    const char *flow_id;
    const char *database_url;
};

/*
 * Compares salt and flow with what its prepared database remembers; with remember, a database that
 * remembers nothing belongs to these from now on. Blocks. Returns 0; RECORD_DIFFERS with error, and
 * *subject naming the setting that is wrong; RECORD_AWAY with error; or -1 with error.
 */
int salt_check(const struct salt_checked *checked, bool remember, const char **subject,
               char error[ERROR_MAX]);

#endif
