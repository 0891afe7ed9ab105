/*
 * From a postgresql:// URL to a connection, with a deadline that also holds while a name server is
 * silent.
 */
#ifndef STORE_RECORDS_POSTGRES_CONNECT_H
#define STORE_RECORDS_POSTGRES_CONNECT_H

#include "store/ticket.h"
#include <libpq-fe.h>

#define POSTGRES_PLACE_MAX 128

/* Returns NULL with error when there is none after ms. place, told in any case but of a URL that is
 * none: "PostgreSQL at HOST:PORT/DATABASE". away may be NULL; see sql_open_or_away. */
PGconn *postgres_connect_within(const char *url, int ms, bool *away, char place[POSTGRES_PLACE_MAX],
                                char error[STORE_ERROR_MAX]);

#endif
