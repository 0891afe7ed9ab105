/*
 * Twilio's request signature: base64 of HMAC-SHA1 over the public URL and the decoded form, under
 * the account's token. No I/O; the object keeps the keyed contexts ready for one thread.
 */
#ifndef SERVER_CHANNELS_TWILIO_SIGNATURE_H
#define SERVER_CHANNELS_TWILIO_SIGNATURE_H

#include "server/http/form.h"
#include <stdbool.h>

struct signature;

/* tokens: one, or two with a comma between them. public_url: scheme and host, perhaps a port and a
 * path, as Twilio was told; borrowed. Returns NULL when out of memory or without a usable token. */
struct signature *signature_create(const char *tokens, const char *public_url);
void signature_free(struct signature *signature);

/*
 * Whether value, the X-Twilio-Signature header, signs this request: its path, its query (NULL:
 * none) and its form, all as received. Twilio signs a URL sometimes with its port and sometimes
 * without, so a port that is left out, or the scheme's own that is added, passes as well, as in
 * Twilio's libraries. Compares in constant time.
 */
bool signature_matches(struct signature *signature, const char *path, const char *query,
                       const struct form *form, const char *value);

#endif
