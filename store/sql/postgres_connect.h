/*
 * From a postgresql:// URL to a connection, with a deadline that also holds while a name server or
 * a host is silent.
 */
#ifndef STORE_SQL_POSTGRES_CONNECT_H
#define STORE_SQL_POSTGRES_CONNECT_H

#include "store/sql/sql.h"
#include <libpq-fe.h>

/* Waits until the connection can be read, or written (POLLIN, POLLOUT), or due_ms has come; 0: for
 * ever. Returns whether it can. */
bool postgres_await(PGconn *pg, short what, int64_t due_ms);

/* Fills in sql->name: "PostgreSQL at HOST:PORT/DATABASE". Returns NULL with sql->error when there
 * is no connection after ms. away may be NULL; see sql_open. The URL is a good one. */
PGconn *postgres_connect(struct sql *sql, const char *url, int ms, bool *away);

#endif
