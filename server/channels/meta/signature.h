/*
 * Meta's signature: "sha256=" and the hexadecimal HMAC-SHA256 of a request's body under the app's
 * secret, in X-Hub-Signature-256. No I/O; for one thread.
 */
#ifndef SERVER_CHANNELS_META_SIGNATURE_H
#define SERVER_CHANNELS_META_SIGNATURE_H

#include "server/channels/hmac_secrets.h"
#include <stdbool.h>

#define META_SIGNATURE_HEADER "X-Hub-Signature-256"

/* Whether value, the header, signs these bytes under one of the secrets, made with "SHA256".
 * Compares in constant time. */
bool meta_signature_matches(struct hmac_secrets *secrets, const char *body, size_t length,
                            const char *value);

#endif
