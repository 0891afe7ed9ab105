/*
 * What is asked and set on each new connection before it counts as up: whether the server can serve
 * us, our settings, our statement prepared; each after the one before was accepted.
 */
#ifndef STORE_POSTGRES_GREETING_H
#define STORE_POSTGRES_GREETING_H

#include "store/postgres/postgres_connection.h"

struct postgres_greeting {
    unsigned step; /* 0 before the first statement */
    bool pooled;   /* the other end is a pooler: no server process is ours for long */
};

/* Whether there is a statement left to send: if not, all is said. */
bool postgres_greeting_goes_on(const struct postgres_greeting *greeting);
/* Sends the next statement. Returns false, with the reason in pg, when it cannot. */
bool postgres_greeting_send(struct postgres_greeting *greeting, PGconn *pg,
                            const struct postgres_statement *statement);
/* Whether the result of the last statement lets us go on; if not, why. */
bool postgres_greeting_accepts(struct postgres_greeting *greeting, const PGconn *pg,
                               int schema_version, const PGresult *result,
                               char why[STORE_ERROR_MAX]);

#endif
