/*
 * TLS of the server's own port, for those who have no proxy that does it: TLS 1.2 and later, one
 * certificate for the whole process, read again on request. Any thread.
 */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;
struct tls;

/* Reads a chain of certificates and its key, both PEM. Returns NULL with error. */
struct tls *tls_open(const char *cert_file, const char *key_file, char error[ERROR_MAX]);
void tls_close(struct tls *tls);

/* Reads both files again, for connections to come; those that are open keep what they have. Returns
 * 0, or -1 with error, and then everything stays as it was. */
int tls_reload(struct tls *tls, char error[ERROR_MAX]);

/* When the certificate ends: "Nov 23 12:00:00 2026 GMT". */
void tls_describe(struct tls *tls, char text[ERROR_MAX]);

/* A stream that awaits its socket and then its client's greeting. NULL when out of memory. */
struct bufferevent *tls_stream(struct tls *tls, struct event_base *base);
/* Whether the greetings are over. */
bool tls_is_established(struct bufferevent *stream);
/* Sends a few last bytes, past the stream's own buffer, and says good-bye. */
void tls_send_last(struct bufferevent *stream, const char *bytes, size_t length);

#endif
