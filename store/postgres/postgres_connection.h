/*
 * One connection to PostgreSQL, on one event loop: it connects without blocking, sends one
 * statement after the other, and comes back by itself after any failure.
 *
 *     connection = postgres_connection_open(base, &settings, error);
 *     postgres_connection_send(connection, &parameters);     once free: then answered, or lost
 *     postgres_connection_close(connection);
 */
#ifndef STORE_POSTGRES_CONNECTION_H
#define STORE_POSTGRES_CONNECTION_H

#include "store/postgres/postgres_url.h"
#include "store/ticket.h"
#include <libpq-fe.h>
#include <stdint.h>

struct event_base;
struct postgres_connection;

/* The statement of a connection: prepared when it connects, unless there is a pooler in between. */
struct postgres_statement {
    const char *name;
    const char *sql;
    const Oid *types;
    int parameter_count;
};

/* Its parameters, in binary form. */
struct postgres_parameters {
    const char *const *values;
    const int *lengths;
    const int *formats;
};

struct postgres_connection_settings {
    const struct postgres_url *url; /* outlives the connection, as the statement does */
    const struct postgres_statement *statement;
    int schema_version;   /* that the tables must have at least */
    unsigned deadline_ms; /* of an attempt to connect */
    struct store_watch watch;
    /* All on the loop, or from postgres_connection_fail: */
    void (*connected)(void *arg); /* free for the first statement */
    /* The statement's result, which lives during the call; free for the next one. */
    void (*answered)(void *arg, const PGresult *result);
    /* An attempt failed, or the connection: the statement under way, if any, gets no answer;
     * whether it was carried out is not known. */
    void (*lost)(void *arg);
    void *arg;
};

/* Begins to connect once the loop runs. The watch is told of each change between up and down, and
 * of each new reason for staying down. Returns NULL with error. */
struct postgres_connection *
postgres_connection_open(struct event_base *base,
                         const struct postgres_connection_settings *settings,
                         char error[STORE_ERROR_MAX]);
/* Calls nothing. Not to be called from a callback of this connection. */
void postgres_connection_close(struct postgres_connection *connection);

bool postgres_connection_up(const struct postgres_connection *connection);
bool postgres_connection_free(const struct postgres_connection *connection);
/* Neither up nor in its first attempt. */
bool postgres_connection_down(const struct postgres_connection *connection);

/* Sends the statement; parameters are copied. Only when free. What goes wrong is told later, by
 * lost. */
void postgres_connection_send(struct postgres_connection *connection,
                              const struct postgres_parameters *parameters);
/* Takes the connection for dead; calls lost. */
void postgres_connection_fail(struct postgres_connection *connection, const char *why);

#endif
