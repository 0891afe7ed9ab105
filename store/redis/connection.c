/*
 * The life of a connection:
 *
 *     IDLE --start--> LOOKING_UP --addresses--> CONNECTING --on_connect--> GREETING --last answer--+
 *      ^              (of a name)                                                                 |
 *      +-------------- connection_fail, from any state <---------------------------------- UP <---+
 *
 * One timer serves all: from LOOKING_UP to GREETING it ends the attempt; in UP it looks at the
 * oldest command, whose deadline is the first (all have the same), and takes the connection for
 * dead when that has passed; if we slept meanwhile, so that its answer may lie here unread, it has
 * that long once more. A replica, or a master that became one, is left at once.
 *
 * Invariants: `context` is NULL unless CONNECTING, GREETING or UP. A context that we let go has
 * data NULL, so what hiredis still calls for it does nothing. Replies come in the order of the
 * commands.
 */
#include "store/redis/connection.h"
#include "store/base/clock.h"
#include "store/base/resolver.h"
#include "store/redis/error.h"
#include "store/redis/handshake.h"
#include "store/redis/tls.h"

#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A timer that comes so late says that this process had no processor. */
#define SLEPT_MS 50

enum state { IDLE, LOOKING_UP, CONNECTING, GREETING, UP };

struct redis_connection {
    struct redis_connection_settings settings;
    struct event *timer;
    enum state state;
    redisAsyncContext *context;
    struct redis_tls *tls;            /* NULL: none */
    struct redis_handshake handshake; /* of this attempt, as endpoint and turn */
    struct redis_endpoint endpoint;
    unsigned turn;
    struct resolver *lookup; /* may outlast the attempt that began it */
    char looked_up[REDIS_HOST_MAX];
    struct resolver_addresses addresses;
    size_t addresses_tried;              /* in this attempt */
    const struct redis_command *excused; /* is late because we slept */
    TAILQ_HEAD(, redis_command) under_way;
};

static void address_connect(struct redis_connection *connection);
static void greeting_next(struct redis_connection *connection, const struct redisReply *reply);

static void timer_set(struct redis_connection *connection, int64_t ms)
{
    event_add(connection->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

/* Its end */

static void context_drop(struct redis_connection *connection)
{
    redisAsyncContext *context = connection->context;

    if (context == NULL)
        return;
    connection->context = NULL;
    context->data = NULL;
    redisAsyncFree(context);
}

static void commands_abandon(struct redis_connection *connection)
{
    struct redis_command *command;

    while ((command = TAILQ_FIRST(&connection->under_way)) != NULL) {
        TAILQ_REMOVE(&connection->under_way, command, next);
        command->done(command, NULL);
    }
}

static void connection_end(struct redis_connection *connection)
{
    connection->state = IDLE;
    event_del(connection->timer);
    context_drop(connection);
}

void redis_connection_stop(struct redis_connection *connection)
{
    connection_end(connection);
    commands_abandon(connection);
}

static void connection_fail(struct redis_connection *connection, const char *why)
{
    char reason[ERROR_MAX]; /* why may belong to the context */

    snprintf(reason, sizeof reason, "%s", why);
    connection_end(connection);
    connection->settings.down(connection->settings.arg, reason);
    commands_abandon(connection);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redis_connection *connection = arg;
    const struct redis_command *oldest = TAILQ_FIRST(&connection->under_way);
    char why[64];

    (void)fd;
    (void)what;
    if (connection->state == UP) {
        if (oldest == NULL)
            return;
        int64_t left = oldest->deadline - clock_monotonic_ms();
        if (left <= -SLEPT_MS && oldest != connection->excused) {
            connection->excused = oldest;
            left = connection->settings.deadline_ms;
        }
        if (left > 0) {
            timer_set(connection, left);
            return;
        }
    }
    snprintf(why, sizeof why, "%s within %u ms",
             connection->state == LOOKING_UP   ? "no address for the name"
             : connection->state == CONNECTING ? "no connection"
                                               : "no answer",
             connection->settings.deadline_ms);
    connection_fail(connection, why);
}

/* The attempt goes on as long as there are addresses. */
static void address_fail(struct redis_connection *connection, const char *why)
{
    if (connection->addresses_tried >= connection->addresses.count) {
        connection_fail(connection, why);
        return;
    }
    context_drop(connection);
    address_connect(connection);
}

/* Why it ended. */
static const char *context_error(const struct redis_connection *connection,
                                 const redisAsyncContext *context)
{
    const char *objection = connection->tls != NULL ? redis_tls_objection(connection->tls) : NULL;

    return objection != NULL ? objection : context->c.errstr;
}

/* hiredis frees the context after this, without on_disconnect, when status is an error. */
static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_connection *connection = context->data;

    if (connection == NULL)
        return;
    if (status == REDIS_OK) {
        connection->state = GREETING;
        greeting_next(connection, NULL);
        return;
    }
    connection->context->data = NULL;
    connection->context = NULL;
    address_fail(connection, context_error(connection, context));
}

/* It ended by itself, and hiredis frees the context after this. */
static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct redis_connection *connection = context->data;

    (void)status;
    if (connection == NULL)
        return;
    connection->context = NULL;
    connection_fail(connection, context_error(connection, context));
}

/* Commands */

static void on_reply(redisAsyncContext *context, void *data, void *arg)
{
    struct redis_connection *connection = context->data;
    const struct redisReply *reply = data;

    (void)arg;
    if (connection == NULL)
        return;
    if (reply == NULL) {
        connection_fail(connection, context_error(connection, context));
        return;
    }
    if (connection->state == UP && redis_error_is_elsewhere(reply)) {
        connection_fail(connection, reply->str);
        return;
    }
    struct redis_command *command = TAILQ_FIRST(&connection->under_way);
    TAILQ_REMOVE(&connection->under_way, command, next);
    command->done(command, reply);
}

int redis_connection_resend(struct redis_connection *connection, struct redis_command *command)
{
    if (redisAsyncFormattedCommand(connection->context, on_reply, NULL, command->bytes,
                                   command->length) != REDIS_OK)
        return -1;
    command->deadline = clock_monotonic_ms() + connection->settings.deadline_ms;
    TAILQ_INSERT_TAIL(&connection->under_way, command, next);
    if (!event_pending(connection->timer, EV_TIMEOUT, NULL))
        timer_set(connection, connection->settings.deadline_ms);
    return 0;
}

struct redis_command *
redis_connection_send(struct redis_connection *connection, const struct redis_words *words,
                      void (*done)(struct redis_command *command, const struct redisReply *reply),
                      void *owner)
{
    struct redis_command *command = redis_command_create(words);

    if (command == NULL)
        return NULL;
    command->done = done;
    command->owner = owner;
    if (redis_connection_resend(connection, command) == 0)
        return command;
    free(command);
    return NULL;
}

bool redis_connection_foreign(const struct redis_connection *connection)
{
    return connection->handshake.foreign;
}

struct redis_command *redis_connection_first(struct redis_connection *connection)
{
    return TAILQ_FIRST(&connection->under_way);
}

/* Greeting */

static void on_greeted(struct redis_command *command, const struct redisReply *reply)
{
    struct redis_connection *connection = command->owner;
    char why[ERROR_MAX];

    free(command);
    if (reply == NULL)
        return;
    if (redis_handshake_accepts(&connection->handshake, reply, why))
        greeting_next(connection, reply);
    else
        connection_fail(connection, why);
}

/* What cannot be sent, the timer sees. */
static void greeting_next(struct redis_connection *connection, const struct redisReply *reply)
{
    struct redis_handshake *handshake = &connection->handshake;

    if (redis_handshake_next(handshake)) {
        redis_connection_send(connection, &handshake->words, on_greeted, connection);
        return;
    }
    event_del(connection->timer);
    connection->state = UP;
    connection->settings.up(connection->settings.arg, reply);
}

/* Connecting */

/* Takes the context that a connect call gave. */
static void context_use(struct redis_connection *connection, redisAsyncContext *context)
{
    if (context == NULL) {
        connection_fail(connection, "out of memory");
        return;
    }
    connection->context = context;
    context->data = connection;
    if (context->err != 0) {
        address_fail(connection, context->errstr);
        return;
    }
    if (connection->tls != NULL &&
        redis_tls_start(connection->tls, context, connection->handshake.url->host) != 0) {
        address_fail(connection,
                     context->c.err != 0 ? context_error(connection, context) : "cannot begin TLS");
        return;
    }
    if (redisLibeventAttach(context, connection->settings.base) != REDIS_OK) {
        connection_fail(connection, "cannot watch the connection");
        return;
    }
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    connection->state = CONNECTING;
}

static void address_connect(struct redis_connection *connection)
{
    const struct resolver_addresses *addresses = &connection->addresses;
    size_t index = (connection->turn + connection->addresses_tried++) % addresses->count;

    context_use(connection,
                redisAsyncConnect(addresses->text[index], (int)connection->endpoint.port));
}

static void on_addresses(const struct resolver_addresses *addresses, void *arg)
{
    struct redis_connection *connection = arg;

    connection->lookup = NULL;
    if (connection->state != LOOKING_UP)
        return;
    if (addresses->count == 0) {
        connection_fail(connection, addresses->error);
        return;
    }
    connection->addresses = *addresses;
    address_connect(connection);
}

/* The name is looked up; unless that is under way since an earlier attempt. */
static void lookup_start(struct redis_connection *connection)
{
    const char *host = connection->endpoint.host;

    if (connection->lookup != NULL && strcmp(connection->looked_up, host) == 0)
        return;
    if (connection->lookup != NULL)
        resolver_cancel(connection->lookup);
    memcpy(connection->looked_up, host, sizeof connection->looked_up);
    connection->lookup =
        resolver_start(connection->settings.base, connection->looked_up, on_addresses, connection);
    if (connection->lookup == NULL)
        connection_fail(connection, "cannot start a thread to look up the name");
}

void redis_connection_start(struct redis_connection *connection, const struct redis_url *url,
                            const char *master, const struct redis_endpoint *endpoint,
                            unsigned turn)
{
    connection->state = LOOKING_UP;
    connection->handshake = (struct redis_handshake){.url = url, .master = master};
    connection->turn = turn;
    connection->endpoint = *endpoint;
    connection->addresses_tried = 0;
    connection->addresses.count = 0;
    timer_set(connection, connection->settings.deadline_ms);
    if (url->path != NULL) {
        context_use(connection, redisAsyncConnectUnix(url->path));
    } else if (redis_host_is_address(endpoint->host)) {
        connection->addresses.count = 1;
        memcpy(connection->addresses.text[0], endpoint->host, RESOLVER_ADDRESS_MAX - 1);
        address_connect(connection);
    } else {
        lookup_start(connection);
    }
}

/* Life */

struct redis_connection *redis_connection_create(const struct redis_connection_settings *settings,
                                                 char error[ERROR_MAX])
{
    struct redis_connection *connection = calloc(1, sizeof *connection);

    snprintf(error, ERROR_MAX, "out of memory");
    if (connection == NULL)
        return NULL;
    connection->settings = *settings;
    TAILQ_INIT(&connection->under_way);
    connection->timer = evtimer_new(settings->base, on_timer, connection);
    if (connection->timer == NULL)
        goto failed;
    if (settings->tls) {
        connection->tls = redis_tls_create(error);
        if (connection->tls == NULL)
            goto failed;
    }
    return connection;
failed:
    redis_connection_free(connection);
    return NULL;
}

void redis_connection_free(struct redis_connection *connection)
{
    if (connection == NULL)
        return;
    context_drop(connection);
    if (connection->lookup != NULL)
        resolver_cancel(connection->lookup);
    commands_abandon(connection);
    redis_tls_free(connection->tls);
    if (connection->timer != NULL)
        event_free(connection->timer);
    free(connection);
}
