/* Ends connections: of clients that are too slow, and what evhttp has let go of. */
#include "server/http/connection_parts.h"
#include "server/http/tls.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

/* How often slow and finished connections are looked for, and how long a refused client may go on
 * sending before the connection is cut (cutting at once would lose it our response). */
#define SWEEP_MS 250
/* So many connections are cut at once and others a little later, so that a crowd of slow clients
 * does not hold the loop when its time is up. */
#define CUTS_AT_ONCE 32
#define CUTS_PAUSE_MS 10
#define LINGER_MS 2000
/* How long an idle connection lives on while the server stops: a request may be on its way. */
#define DRAIN_IDLE_MS 300

/* evhttp takes its callbacks off a bufferevent when it lets go of the connection. */
static bool connection_is_released(const struct connection *connection)
{
    bufferevent_event_cb on_event = NULL;

    bufferevent_getcb(connection->stream, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

static unsigned connection_patience(const struct connection *connection)
{
    const struct connection_limits *limits = &connection->owner->limits;

    if (connection->refused)
        return LINGER_MS;
    if (limits->tls != NULL && !tls_is_established(connection->stream))
        return limits->head_ms;
    switch (connection->phase) {
    case HEAD_PHASE_HEAD:
        return limits->head_ms;
    case HEAD_PHASE_BODY:
        return limits->body_ms;
    default:
        return connection->owner->draining ? DRAIN_IDLE_MS : limits->idle_ms;
    }
}

/* Shutting the socket down makes evhttp see its end and let the connection go. */
static void connection_cut(struct connection *connection)
{
    evutil_socket_t fd = bufferevent_getfd(connection->stream);

    connection->cut = true;
    if (!connection->refused)
        metrics_add(METRIC_CONNECTIONS_TIMED_OUT, 1);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

static bool connection_is_due(const struct connection *connection, int64_t now)
{
    return connection->busy == 0 && !connection->cut &&
           now - connection->since_ms >= (int64_t)connection_patience(connection);
}

static void sweep_again(struct connections *connections, unsigned ms)
{
    const struct timeval pause = clock_timeval(ms);

    event_add(connections->sweep, &pause);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct connections *owner = arg;
    struct connection *connection = TAILQ_FIRST(&owner->all);
    int64_t now = clock_monotonic_ms();
    unsigned cuts = 0;

    (void)fd;
    (void)what;
    while (connection != NULL && (cuts < CUTS_AT_ONCE || owner->draining)) {
        struct connection *next = TAILQ_NEXT(connection, link);

        if (connection_is_released(connection)) {
            connection_free(connection);
        } else if (connection_is_due(connection, now)) {
            connection_cut(connection);
            cuts++;
        }
        connection = next;
    }
    sweep_again(owner, connection != NULL ? CUTS_PAUSE_MS : SWEEP_MS);
}

int connection_sweep_start(struct connections *connections)
{
    connections->sweep = event_new(connections->base, -1, 0, on_sweep, connections);
    if (connections->sweep == NULL)
        return -1;
    sweep_again(connections, SWEEP_MS);
    return 0;
}
