/*
 * One connection to PostgreSQL. Its life:
 *
 *     WAITING --timer--> LOOKING_UP --addresses--> CONNECTING --poll_connect--> GREETING
 *        ^                                                                         | last answer
 *        |                                                        send             v
 *        +--------------- connection_fail <--------------- BUSY <---------------> FREE
 *                                                               answer
 *
 * Any state but WAITING and CLOSED fails by connection_fail, which leads back to WAITING after a
 * pause that doubles, with jitter, until a statement has gone well again. One timer serves all: in
 * WAITING it ends the pause; from LOOKING_UP to GREETING it ends the attempt. What is said in
 * GREETING is postgres_greeting.c's; how long a statement may take is for the owner to say.
 *
 * Invariants: `pg` is NULL unless CONNECTING, GREETING, FREE or BUSY; the event `io` is pending
 * only then, on pg's socket. libpq may close that socket and open another while it connects, so
 * `io` is taken away before each step of that.
 */
#include "store/postgres/postgres_connection.h"
#include "store/base/backoff.h"
#include "store/postgres/postgres_greeting.h"
#include "store/postgres/postgres_hosts.h"
#include "store/postgres/postgres_result.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000

enum state { WAITING, LOOKING_UP, CONNECTING, GREETING, FREE, BUSY, CLOSED };

struct postgres_connection {
    struct postgres_connection_settings settings;
    struct event_base *base;
    struct event *timer;
    struct event io;
    enum state state;
    unsigned failures; /* since a statement went well */
    unsigned attempts;
    PGconn *pg;
    PGresult *result; /* the first of the statement under way, or the first that failed */
    struct postgres_greeting greeting;
    char last_word[STORE_ERROR_MAX]; /* of the server, before it closed the connection */
    char told[STORE_ERROR_MAX];
    struct postgres_hosts hosts;
};

static void attempt_start(struct postgres_connection *connection);
static void on_io(evutil_socket_t fd, short what, void *arg);

static void timer_set(struct postgres_connection *connection, int64_t ms)
{
    const struct timeval delay = {ms / 1000, ms % 1000 * 1000};

    event_add(connection->timer, &delay);
}

/* Tells the watch, unless it knows. `why` may hold anything that a server said. */
static void connection_tell(struct postgres_connection *connection, bool up, const char *why)
{
    char line[STORE_ERROR_MAX];

    snprintf(line, sizeof line, "PostgreSQL at %s: %s",
             postgres_url_place(connection->settings.url), why);
    postgres_line_clean(line);
    if (strcmp(line, connection->told) == 0)
        return;
    memcpy(connection->told, line, sizeof line);
    if (connection->settings.watch.changed)
        connection->settings.watch.changed(connection->settings.watch.arg, up, line);
}

static void io_watch(struct postgres_connection *connection, short what)
{
    struct event *io = &connection->io;

    if (event_pending(io, EV_READ | EV_WRITE, NULL) && event_get_events(io) == (what | EV_PERSIST))
        return;
    event_del(io);
    event_assign(io, connection->base, PQsocket(connection->pg), (short)(what | EV_PERSIST), on_io,
                 connection);
    event_add(io, NULL);
}

static void pg_drop(struct postgres_connection *connection)
{
    event_del(&connection->io);
    PQclear(connection->result);
    connection->result = NULL;
    PQfinish(connection->pg);
    connection->pg = NULL;
}

void postgres_connection_fail(struct postgres_connection *connection, const char *why)
{
    char reason[STORE_ERROR_MAX]; /* why may belong to pg */

    snprintf(reason, sizeof reason, "%s", why);
    connection->state = WAITING;
    connection->failures++;
    timer_set(connection, backoff_ms(connection->failures, PAUSE_FIRST_MS, PAUSE_MAX_MS));
    pg_drop(connection);
    connection_tell(connection, false, reason);
    connection->settings.lost(connection->settings.arg);
}

/* The connection broke: why the server closed it says more than that it is closed, and libpq's
 * first line more than the others. */
static void connection_broken(struct postgres_connection *connection)
{
    const char *last_word = connection->last_word;
    char why[STORE_ERROR_MAX];

    snprintf(why, sizeof why, "%s", last_word[0] ? last_word : PQerrorMessage(connection->pg));
    why[strcspn(why, "\n")] = '\0';
    postgres_connection_fail(connection, why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct postgres_connection *connection = arg;
    char why[STORE_ERROR_MAX];

    (void)fd;
    (void)what;
    if (connection->state == WAITING) {
        attempt_start(connection);
        return;
    }
    snprintf(why, sizeof why, "%s within %u ms",
             connection->state == LOOKING_UP   ? "no address for the name"
             : connection->state == CONNECTING ? "no connection"
                                               : "no answer",
             connection->settings.deadline_ms);
    postgres_connection_fail(connection, why);
}

/* What the server says unasked: the last words before it closes the connection. */
static void on_notice(void *arg, const PGresult *notice)
{
    struct postgres_connection *connection = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        postgres_result_explain(notice, connection->last_word);
}

/* Sends what libpq still has; watches for room when the socket has none. */
static void pg_flush(struct postgres_connection *connection)
{
    int left = PQflush(connection->pg);

    if (left < 0)
        connection_broken(connection);
    else
        io_watch(connection, left > 0 ? EV_READ | EV_WRITE : EV_READ);
}

static void connection_greet(struct postgres_connection *connection)
{
    if (postgres_greeting_send(&connection->greeting, connection->pg,
                               connection->settings.statement))
        pg_flush(connection);
    else
        connection_broken(connection);
}

static void connection_become_up(struct postgres_connection *connection)
{
    event_del(connection->timer);
    connection->state = FREE;
    connection_tell(connection, true,
                    connection->greeting.pooled ? "connected through a pooler" : "connected");
    connection->settings.connected(connection->settings.arg);
}

static void on_greeted(struct postgres_connection *connection, const PGresult *result)
{
    struct postgres_greeting *greeting = &connection->greeting;
    char why[STORE_ERROR_MAX];

    if (!postgres_greeting_accepts(greeting, connection->pg, connection->settings.schema_version,
                                   result, why))
        postgres_connection_fail(connection, why);
    else if (postgres_greeting_goes_on(greeting))
        connection_greet(connection);
    else
        connection_become_up(connection);
}

/* The statement under way is over. */
static void on_result(struct postgres_connection *connection)
{
    PGresult *result = connection->result;

    connection->result = NULL;
    if (connection->state == GREETING) {
        on_greeted(connection, result);
    } else if (connection->state == BUSY) {
        connection->state = FREE;
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
            connection->failures = 0;
        connection->settings.answered(connection->settings.arg, result);
    }
    PQclear(result);
}

/* Of several results of one statement (SET) the first that failed counts. */
static void result_keep(struct postgres_connection *connection, PGresult *result)
{
    bool failed = PQresultStatus(result) == PGRES_FATAL_ERROR;

    if (connection->result && !failed) {
        PQclear(result);
        return;
    }
    PQclear(connection->result);
    connection->result = result;
}

static void pg_read(struct postgres_connection *connection)
{
    /* Under TLS, bytes may wait that the socket does not show any more. */
    int reads = PQsslInUse(connection->pg) ? 4 : 1;

    for (; reads > 0; reads--) {
        if (!PQconsumeInput(connection->pg)) {
            connection_broken(connection);
            return;
        }
    }
    while (connection->state != FREE && !PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        if (result) {
            result_keep(connection, result);
        } else {
            on_result(connection);
            return;
        }
    }
    /* While nothing is asked, what comes is a notice, or the end. */
    if (connection->state == FREE)
        PQisBusy(connection->pg);
}

static void poll_connect(struct postgres_connection *connection)
{
    event_del(&connection->io);
    switch (PQconnectPoll(connection->pg)) {
    case PGRES_POLLING_READING:
        io_watch(connection, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        io_watch(connection, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        if (PQsetnonblocking(connection->pg, 1) != 0) {
            connection_broken(connection);
            return;
        }
        connection->state = GREETING;
        connection->greeting = (struct postgres_greeting){0};
        connection_greet(connection);
        break;
    default:
        connection_broken(connection);
        break;
    }
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct postgres_connection *connection = arg;

    (void)fd;
    if (connection->state == CONNECTING) {
        poll_connect(connection);
        return;
    }
    if (what & EV_WRITE)
        pg_flush(connection);
    if ((what & EV_READ) && connection->pg)
        pg_read(connection);
}

static void connect_start(struct postgres_connection *connection)
{
    if (connection->hosts.count == 0) {
        postgres_connection_fail(connection, "no address for the name");
        return;
    }
    /* Each attempt begins with another host, lest one that swallows packets hide those behind. */
    connection->pg = postgres_url_connect_start(connection->settings.url, connection->hosts.list,
                                                connection->hosts.count, connection->attempts++);
    if (!connection->pg) {
        postgres_connection_fail(connection, "out of memory");
        return;
    }
    connection->state = CONNECTING;
    connection->last_word[0] = '\0';
    if (PQstatus(connection->pg) == CONNECTION_BAD) {
        connection_broken(connection);
        return;
    }
    PQsetNoticeReceiver(connection->pg, on_notice, connection);
    io_watch(connection, EV_WRITE);
}

static void on_hosts_found(void *arg)
{
    struct postgres_connection *connection = arg;

    if (connection->state == LOOKING_UP)
        connect_start(connection);
}

static void attempt_start(struct postgres_connection *connection)
{
    timer_set(connection, connection->settings.deadline_ms);
    connection->state = LOOKING_UP;
    switch (postgres_hosts_find(&connection->hosts)) {
    case STORE_OK:
        connect_start(connection);
        break;
    case STORE_LATER:
        break;
    default:
        postgres_connection_fail(connection, "cannot start a thread to look up the name");
        break;
    }
}

struct postgres_connection *
postgres_connection_open(struct event_base *base,
                         const struct postgres_connection_settings *settings,
                         char error[STORE_ERROR_MAX])
{
    struct postgres_connection *connection = calloc(1, sizeof *connection);

    if (connection)
        connection->timer = evtimer_new(base, on_timer, connection);
    if (!connection || !connection->timer) {
        free(connection);
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    connection->settings = *settings;
    connection->base = base;
    postgres_hosts_init(&connection->hosts, base, settings->url, on_hosts_found, connection);
    event_assign(&connection->io, base, -1, 0, on_io, connection);
    timer_set(connection, 0);
    return connection;
}

void postgres_connection_close(struct postgres_connection *connection)
{
    if (!connection)
        return;
    connection->state = CLOSED;
    pg_drop(connection);
    postgres_hosts_deinit(&connection->hosts);
    event_free(connection->timer);
    free(connection);
}

bool postgres_connection_up(const struct postgres_connection *connection)
{
    return connection->state == FREE || connection->state == BUSY;
}

bool postgres_connection_free(const struct postgres_connection *connection)
{
    return connection->state == FREE;
}

bool postgres_connection_down(const struct postgres_connection *connection)
{
    return !postgres_connection_up(connection) && connection->failures > 0;
}

void postgres_connection_send(struct postgres_connection *connection,
                              const struct postgres_parameters *parameters)
{
    const struct postgres_statement *statement = connection->settings.statement;
    int sent;

    connection->state = BUSY;
    if (connection->greeting.pooled)
        sent = PQsendQueryParams(connection->pg, statement->sql, statement->parameter_count,
                                 statement->types, parameters->values, parameters->lengths,
                                 parameters->formats, 0);
    else
        sent = PQsendQueryPrepared(connection->pg, statement->name, statement->parameter_count,
                                   parameters->values, parameters->lengths, parameters->formats, 0);
    if (sent)
        pg_flush(connection);
    else
        connection_broken(connection);
}
