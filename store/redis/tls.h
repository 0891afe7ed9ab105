/*
 * TLS on a connection to Redis, where hiredis has it (1.0 or newer, with hiredis_ssl). The server's
 * certificate must be good for its name and signed by an authority that the system trusts, or by
 * one in the file that SSL_CERT_FILE names.
 */
#ifndef STORE_REDIS_TLS_H
#define STORE_REDIS_TLS_H

#include "store/ticket.h"

struct redisAsyncContext;
struct redis_tls;

/* NULL when this build has TLS, or why not; static. */
const char *redis_tls_missing(void);

/* For one connection after the other. Returns NULL with error. */
struct redis_tls *redis_tls_create(char error[ERROR_MAX]);
void redis_tls_free(struct redis_tls *tls);
/* Puts TLS over a connection that has just begun. host is the name asked for, or an address.
 * Returns 0 or -1. */
int redis_tls_start(struct redis_tls *tls, struct redisAsyncContext *context, const char *host);
/* What speaks against the last server's certificate; NULL: nothing. Static. */
const char *redis_tls_objection(const struct redis_tls *tls);

#endif
