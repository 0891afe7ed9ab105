/*
 * One connection to Redis. Its life:
 *
 *     WAITING --timer--> ASKING --place--> LOOKING_UP --addresses--> CONNECTING --on_connect--+
 *        ^              (sentinels)       (of a name)                                         |
 *        +-- link_fail <-- UP <------------------last answer------------------ GREETING <-----+
 *
 * Any state but WAITING and CLOSED fails by link_fail, which leads back to WAITING after a pause
 * that doubles, with jitter. One timer serves all: in WAITING it ends the pause; in ASKING it
 * rests, for each sentinel has its own deadlines; from LOOKING_UP to GREETING it ends the attempt;
 * in UP it looks at the oldest command, whose deadline is the first (all have the same), and takes
 * the connection for dead when that has passed.
 *
 * A replica, or a master that became one, is left at once: the next attempt may find the new
 * master, behind the same address or by asking the sentinels.
 *
 * Invariants: `context` is NULL unless CONNECTING, GREETING or UP. A context that we let go has
 * data NULL, so what hiredis still calls for it does nothing. Replies come in the order of the
 * commands, so the commands under way are a ring.
 */
#include "store/redis/link.h"
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/resolver.h"
#include "store/redis/command.h"
#include "store/redis/greeting.h"
#include "store/redis/reply.h"
#include "store/redis/sentinel.h"
#include "store/redis/tls.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000
/* The sentinels are asked more often: they tell of a new master when they have chosen it. */
#define PAUSE_MAX_ASKING_MS 1000

enum link_state { WAITING, ASKING, LOOKING_UP, CONNECTING, GREETING, UP, CLOSED };

struct redis_command {
    void (*callback)(const struct redisReply *reply, void *arg);
    void *arg;
    int64_t deadline;
};

struct redis_link {
    struct redis_link_settings settings;
    struct event_base *base;
    struct event *timer;
    enum link_state state;
    unsigned failures; /* attempts since it was up */
    redisAsyncContext *context;
    struct redis_tls *tls; /* NULL: none */
    struct redis_question *question;
    struct redis_place place; /* where to connect, in this attempt */
    struct resolver *lookup;  /* may outlast the attempt that began it */
    char looked_up[REDIS_HOST_MAX];
    struct resolver_addresses addresses;
    size_t addresses_tried; /* in this attempt */
    struct redis_greeting greeting;
    char told[STORE_ERROR_MAX];
    char *bytes; /* of the command being sent */
    size_t bytes_room;
    size_t ring_size, head, in_flight;
    struct redis_command ring[];
};

static void attempt_start(struct redis_link *link);
static void address_connect(struct redis_link *link);
static void greeting_next(struct redis_link *link);

static void timer_set(struct redis_link *link, int64_t ms)
{
    const struct timeval delay = {ms / 1000, ms % 1000 * 1000};
    event_add(link->timer, &delay);
}

/* Tells the watch, unless it knows. `why` may hold anything that a server said. */
static void link_tell(struct redis_link *link, bool up, const char *why)
{
    const struct redis_url *url = link->settings.url;
    const struct redis_place *place = &link->place;
    char line[STORE_ERROR_MAX];

    if (url->path != NULL)
        snprintf(line, sizeof(line), "Redis at %s: %s", url->path, why);
    else if (place->port == 0)
        snprintf(line, sizeof(line), "Redis master %s: %s", url->master, why);
    else
        snprintf(line, sizeof(line), "Redis %s%s%sat %.100s:%u: %s",
                 url->master != NULL ? "master " : "", url->master != NULL ? url->master : "",
                 url->master != NULL ? " " : "", place->host, place->port, why);
    for (char *c = line; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    if (strcmp(line, link->told) == 0)
        return;
    memcpy(link->told, line, sizeof(line));
    if (link->settings.watch.changed != NULL)
        link->settings.watch.changed(link->settings.watch.arg, up, line);
}

static void context_drop(struct redis_link *link)
{
    redisAsyncContext *context = link->context;
    if (context == NULL)
        return;
    link->context = NULL;
    context->data = NULL;
    redisAsyncFree(context);
}

static struct redis_command command_shift(struct redis_link *link)
{
    struct redis_command command = link->ring[link->head];
    link->head = (link->head + 1) % link->ring_size;
    link->in_flight--;
    return command;
}

/* Every command under way ends without a reply. */
static void commands_abandon(struct redis_link *link)
{
    while (link->in_flight > 0) {
        struct redis_command command = command_shift(link);
        command.callback(NULL, command.arg);
    }
}

static void link_fail(struct redis_link *link, const char *why)
{
    const int64_t pause_max =
        link->settings.url->master != NULL ? PAUSE_MAX_ASKING_MS : PAUSE_MAX_MS;
    char reason[STORE_ERROR_MAX]; /* why may belong to the context */

    snprintf(reason, sizeof(reason), "%s", why);
    link->state = WAITING;
    link->failures++;
    timer_set(link, backoff_ms(link->failures, PAUSE_FIRST_MS, pause_max));
    context_drop(link);
    link_tell(link, false, reason);
    commands_abandon(link);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redis_link *link = arg;
    char why[STORE_ERROR_MAX];
    (void)fd;
    (void)what;

    if (link->state == WAITING) {
        attempt_start(link);
        return;
    }
    if (link->state == UP) {
        if (link->in_flight == 0)
            return;
        int64_t left = link->ring[link->head].deadline - clock_monotonic_ms();
        if (left > 0) {
            timer_set(link, left);
            return;
        }
    }
    snprintf(why, sizeof(why), "%s within %u ms",
             link->state == LOOKING_UP   ? "no address for the name"
             : link->state == CONNECTING ? "no connection"
                                         : "no answer",
             link->settings.deadline_ms);
    link_fail(link, why);
}

/* The attempt goes on as long as there are addresses. */
static void address_fail(struct redis_link *link, const char *why)
{
    if (link->addresses_tried >= link->addresses.count) {
        link_fail(link, why);
        return;
    }
    context_drop(link);
    address_connect(link);
}

/* Why a connection ended. */
static const char *context_error(const struct redis_link *link, const redisAsyncContext *context)
{
    const char *objection = link->tls != NULL ? redis_tls_objection(link->tls) : NULL;
    return objection != NULL ? objection : context->c.errstr;
}

/* hiredis frees the context after this, without on_disconnect, when status is an error. */
static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    if (link == NULL)
        return;
    if (status == REDIS_OK) {
        link->state = GREETING;
        link->greeting = (struct redis_greeting){0};
        greeting_next(link);
        return;
    }
    link->context->data = NULL;
    link->context = NULL;
    address_fail(link, context_error(link, context));
}

/* The connection ended by itself, and hiredis frees the context after this. */
static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    (void)status;
    if (link == NULL)
        return;
    link->context = NULL;
    link_fail(link, context_error(link, context));
}

static void on_reply(redisAsyncContext *context, void *data, void *arg)
{
    struct redis_link *link = context->data;
    const struct redisReply *reply = data;
    (void)arg;
    if (link == NULL)
        return;
    if (reply == NULL) {
        link_fail(link, context_error(link, context));
        return;
    }
    if (link->state == UP) {
        enum redis_trouble trouble = redis_reply_trouble(reply);
        if (trouble == REDIS_ELSEWHERE) {
            link_fail(link, reply->str);
            return;
        }
        if (trouble == REDIS_REFUSES)
            link_tell(link, true, reply->str);
    }
    struct redis_command command = command_shift(link);
    command.callback(reply, command.arg);
}

static enum store_status command_send(struct redis_link *link, int argc, const char *const *argv,
                                      const size_t *argvlen,
                                      void (*callback)(const struct redisReply *reply, void *arg),
                                      void *arg)
{
    size_t room = redis_command_room(argc, argvlen);

    if (room > link->bytes_room) {
        char *larger = realloc(link->bytes, 2 * room);
        if (larger == NULL)
            return STORE_DOWN;
        link->bytes = larger;
        link->bytes_room = 2 * room;
    }
    if (redisAsyncFormattedCommand(link->context, on_reply, NULL, link->bytes,
                                   redis_command_write(link->bytes, argc, argv, argvlen)) !=
        REDIS_OK)
        return STORE_DOWN;
    link->ring[(link->head + link->in_flight) % link->ring_size] =
        (struct redis_command){callback, arg, clock_monotonic_ms() + link->settings.deadline_ms};
    link->in_flight++;
    return STORE_LATER;
}

enum store_status redis_link_command(struct redis_link *link, int argc, const char *const *argv,
                                     const size_t *argvlen,
                                     void (*callback)(const struct redisReply *reply, void *arg),
                                     void *arg)
{
    if (link->state != UP)
        return STORE_DOWN;
    if (link->in_flight >= link->settings.in_flight_max)
        return STORE_FULL;
    enum store_status status = command_send(link, argc, argv, argvlen, callback, arg);
    if (status == STORE_LATER && !event_pending(link->timer, EV_TIMEOUT, NULL))
        timer_set(link, link->settings.deadline_ms);
    return status;
}

static void on_greeted(const struct redisReply *reply, void *arg)
{
    struct redis_link *link = arg;
    char why[STORE_ERROR_MAX];

    if (reply == NULL)
        return;
    if (redis_greeting_accepts(&link->greeting, link->settings.url, reply, why))
        greeting_next(link);
    else
        link_fail(link, why);
}

static void greeting_next(struct redis_link *link)
{
    struct redis_greeting *greeting = &link->greeting;

    if (redis_greeting_next(greeting, &link->settings)) {
        /* If that fails, the timer sees it. */
        (void)command_send(link, greeting->argc, greeting->argv, greeting->lengths, on_greeted,
                           link);
        return;
    }
    event_del(link->timer);
    link->state = UP;
    link->failures = 0;
    link_tell(link, true, "connected");
}

/* Takes the context that a connect call gave. */
static void context_use(struct redis_link *link, redisAsyncContext *context)
{
    if (context == NULL) {
        link_fail(link, "out of memory");
        return;
    }
    link->context = context;
    context->data = link;
    if (context->err != 0) {
        address_fail(link, context->errstr);
        return;
    }
    if (link->tls != NULL && redis_tls_start(link->tls, context, link->settings.url->host) != 0) {
        address_fail(link, context->c.err != 0 ? context_error(link, context) : "cannot begin TLS");
        return;
    }
    if (redisLibeventAttach(context, link->base) != REDIS_OK) {
        link_fail(link, "cannot watch the connection");
        return;
    }
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    link->state = CONNECTING;
}

/* Tries the next address. Each attempt begins with another one, lest one that swallows packets hide
 * those behind it. */
static void address_connect(struct redis_link *link)
{
    const struct resolver_addresses *addresses = &link->addresses;
    size_t index = (link->failures + link->addresses_tried++) % addresses->count;

    context_use(link, redisAsyncConnect(addresses->text[index], (int)link->place.port));
}

static void on_addresses(const struct resolver_addresses *addresses, void *arg)
{
    struct redis_link *link = arg;

    link->lookup = NULL;
    if (link->state != LOOKING_UP)
        return;
    if (addresses->count == 0) {
        link_fail(link, addresses->error);
        return;
    }
    link->addresses = *addresses;
    address_connect(link);
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* The name is looked up; unless that is under way since an earlier attempt. */
static void lookup_start(struct redis_link *link)
{
    link->state = LOOKING_UP;
    if (link->lookup != NULL && strcmp(link->looked_up, link->place.host) == 0)
        return;
    if (link->lookup != NULL)
        resolver_cancel(link->lookup);
    memcpy(link->looked_up, link->place.host, sizeof(link->looked_up));
    link->lookup = resolver_start(link->base, link->looked_up, on_addresses, link);
    if (link->lookup == NULL)
        link_fail(link, "cannot start a thread to look up the name");
}

static void place_connect(struct redis_link *link)
{
    timer_set(link, link->settings.deadline_ms);
    link->addresses_tried = 0;
    link->addresses.count = 0;
    if (is_numeric(link->place.host)) {
        link->addresses.count = 1;
        memcpy(link->addresses.text[0], link->place.host, RESOLVER_ADDRESS_MAX - 1);
        address_connect(link);
    } else {
        lookup_start(link);
    }
}

static void on_place(const struct redis_place *place, const char *why, void *arg)
{
    struct redis_link *link = arg;

    link->question = NULL;
    if (place == NULL) {
        link_fail(link, why);
        return;
    }
    link->place = *place;
    place_connect(link);
}

static void attempt_start(struct redis_link *link)
{
    const struct redis_url *url = link->settings.url;

    if (url->path != NULL) {
        timer_set(link, link->settings.deadline_ms);
        link->addresses_tried = 0;
        context_use(link, redisAsyncConnectUnix(url->path));
    } else if (url->master != NULL) {
        link->state = ASKING;
        link->place = (struct redis_place){0};
        link->question = redis_sentinel_ask(link->base, url, link->failures,
                                            link->settings.deadline_ms, on_place, link);
        if (link->question == NULL)
            link_fail(link, "out of memory");
    } else {
        place_connect(link);
    }
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_settings *settings,
                                   char error[STORE_ERROR_MAX])
{
    size_t ring_size = settings->in_flight_max > 0 ? settings->in_flight_max : 1;
    struct redis_link *link = calloc(1, sizeof(*link) + ring_size * sizeof(struct redis_command));

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (link == NULL)
        goto failed;
    link->settings = *settings;
    link->base = base;
    link->ring_size = ring_size;
    if (settings->url->host != NULL) {
        snprintf(link->place.host, sizeof(link->place.host), "%s", settings->url->host);
        link->place.port = settings->url->port;
    }
    if (settings->url->tls) {
        link->tls = redis_tls_create(error);
        if (link->tls == NULL)
            goto failed;
    }
    link->timer = evtimer_new(base, on_timer, link);
    if (link->timer == NULL)
        goto failed;
    timer_set(link, 0);
    return link;
failed:
    if (link != NULL)
        redis_tls_free(link->tls);
    free(link);
    return NULL;
}

void redis_link_close(struct redis_link *link)
{
    if (link == NULL)
        return;
    link->state = CLOSED;
    context_drop(link);
    if (link->question != NULL)
        redis_sentinel_cancel(link->question);
    if (link->lookup != NULL)
        resolver_cancel(link->lookup);
    commands_abandon(link);
    redis_tls_free(link->tls);
    event_free(link->timer);
    free(link->bytes);
    free(link);
}

bool redis_link_up(const struct redis_link *link)
{
    return link->state == UP;
}
