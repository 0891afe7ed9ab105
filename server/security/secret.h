/* Comparing what somebody gives with a secret. */
#ifndef SERVER_SECURITY_SECRET_H
#define SERVER_SECURITY_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Whether these bytes are the secret, which is NUL-terminated. How long it takes depends on the
 * bytes given alone: neither on where they differ from the secret nor on its length. */
bool secret_is(const char *secret, const char *given, size_t length);

#endif
