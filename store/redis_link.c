/*
 * One connection to Redis. Its life:
 *
 *     WAITING --timer--> LOOKING_UP --addresses--> CONNECTING --on_connect--> GREETING
 *        ^                                                                       | last answer
 *        +------------------------------- link_fail <--------------------------- UP
 *
 * Any state but WAITING and CLOSED fails by link_fail, which leads back to WAITING after a pause
 * that doubles, with jitter. One timer serves all: in WAITING it ends the pause; from LOOKING_UP to
 * GREETING it ends the attempt; in UP it looks at the oldest command, whose deadline is the first
 * (all have the same), and takes the connection for dead when that has passed.
 *
 * Invariants: `context` is NULL unless CONNECTING, GREETING or UP. A context that we let go has
 * data NULL, so what hiredis still calls for it does nothing. Replies come in the order of the
 * commands, so the commands under way are a ring.
 */
#include "store/redis_link.h"
#include "store/redis_lookup.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000

enum link_state { WAITING, LOOKING_UP, CONNECTING, GREETING, UP, CLOSED };

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
    struct redis_lookup *lookup; /* may outlast the attempt that began it */
    struct redis_addresses addresses;
    size_t addresses_tried; /* in this attempt */
    size_t greeting;        /* the next of the greetings */
    const char *greeted;    /* the one under way */
    char told[STORE_ERROR_MAX];
    size_t ring_size, head, in_flight;
    struct redis_command ring[];
};

static void attempt_start(struct redis_link *link);
static void address_connect(struct redis_link *link);
static void greeting_next(struct redis_link *link);

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void timer_set(struct redis_link *link, int64_t ms)
{
    const struct timeval delay = {ms / 1000, ms % 1000 * 1000};
    event_add(link->timer, &delay);
}

/* Tells the watch, unless it knows. `why` may hold anything that a server said. */
static void link_tell(struct redis_link *link, bool up, const char *why)
{
    const struct redis_url *url = link->settings.url;
    char line[STORE_ERROR_MAX];

    if (url->path != NULL)
        snprintf(line, sizeof(line), "Redis at %s: %s", url->path, why);
    else
        snprintf(line, sizeof(line), "Redis at %.100s:%u: %s", url->host, url->port, why);
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

/* From half of the pause to all of it, so that links that fell together do not come back so. */
static int64_t pause_ms(unsigned failures)
{
    uint32_t random;
    int64_t pause = PAUSE_FIRST_MS;

    for (; failures > 1 && pause < PAUSE_MAX_MS; failures--)
        pause *= 2;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    evutil_secure_rng_get_bytes(&random, sizeof(random));
    return pause / 2 + random % (pause / 2 + 1);
}

static void link_fail(struct redis_link *link, const char *why)
{
    char reason[STORE_ERROR_MAX]; /* why may belong to the context */

    snprintf(reason, sizeof(reason), "%s", why);
    link->state = WAITING;
    link->failures++;
    timer_set(link, pause_ms(link->failures));
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
        int64_t left = link->ring[link->head].deadline - now_ms();
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

/* hiredis frees the context after this, without on_disconnect, when status is an error. */
static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    if (link == NULL)
        return;
    if (status == REDIS_OK) {
        link->state = GREETING;
        link->greeting = 0;
        greeting_next(link);
        return;
    }
    link->context->data = NULL;
    link->context = NULL;
    address_fail(link, context->c.errstr);
}

/* The connection ended by itself, and hiredis frees the context after this. */
static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    (void)status;
    if (link == NULL)
        return;
    link->context = NULL;
    link_fail(link, context->c.errstr);
}

static void on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    struct redis_link *link = context->data;
    (void)arg;
    if (link == NULL)
        return;
    if (reply == NULL) {
        link_fail(link, context->c.errstr);
        return;
    }
    struct redis_command command = command_shift(link);
    command.callback(reply, command.arg);
}

static enum store_status command_send(struct redis_link *link, int argc, const char *const *argv,
                                      const size_t *argvlen,
                                      void (*callback)(const struct redisReply *reply, void *arg),
                                      void *arg)
{
    /* hiredis only reads argv. */
    if (redisAsyncCommandArgv(link->context, on_reply, NULL, argc, (const char **)(uintptr_t)argv,
                              argvlen) != REDIS_OK)
        return STORE_DOWN;
    link->ring[(link->head + link->in_flight) % link->ring_size] =
        (struct redis_command){callback, arg, now_ms() + link->settings.deadline_ms};
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

/* A server that does not know AUTH may repeat the arguments in its answer. */
static bool tells_secret(const struct redis_link *link, const char *text)
{
    const char *password = link->settings.url->password;
    return password != NULL && strstr(text, password) != NULL;
}

static void on_greeted(const struct redisReply *reply, void *arg)
{
    struct redis_link *link = arg;
    char why[STORE_ERROR_MAX];

    if (reply == NULL)
        return;
    if (reply->type != REDIS_REPLY_ERROR) {
        greeting_next(link);
        return;
    }
    snprintf(why, sizeof(why), "%s refused: %s", link->greeted,
             tells_secret(link, reply->str) ? "(its answer repeats the password)" : reply->str);
    link_fail(link, why);
}

static void greet(struct redis_link *link, int argc, const char *const *argv, const size_t *argvlen)
{
    size_t lengths[4];
    for (int i = 0; i < argc; i++)
        lengths[i] = argvlen != NULL ? argvlen[i] : strlen(argv[i]);
    link->greeted = argv[0];
    (void)command_send(link, argc, argv, lengths, on_greeted, link); /* the timer sees a failure */
}

/* AUTH, SELECT, SCRIPT LOAD of each script and PING, each after the one before was accepted. */
static void greeting_next(struct redis_link *link)
{
    const struct redis_url *url = link->settings.url;
    const size_t scripts = link->settings.script_count;
    size_t step = link->greeting++;

    if (step == 0 && url->password == NULL)
        step = link->greeting++;
    if (step == 1 && url->db == 0)
        step = link->greeting++;
    if (step == 0) {
        const char *argv[] = {"AUTH", url->user != NULL ? url->user : url->password, url->password};
        greet(link, url->user != NULL ? 3 : 2, argv, NULL);
    } else if (step == 1) {
        char db[16];
        snprintf(db, sizeof(db), "%u", url->db);
        greet(link, 2, (const char *[]){"SELECT", db}, NULL);
    } else if (step < 2 + scripts) {
        const struct redis_script *script = &link->settings.scripts[step - 2];
        greet(link, 3, (const char *[]){"SCRIPT", "LOAD", script->text},
              (const size_t[]){6, 4, script->length});
    } else if (step == 2 + scripts) {
        greet(link, 1, (const char *[]){"PING"}, NULL);
    } else {
        event_del(link->timer);
        link->state = UP;
        link->failures = 0;
        link_tell(link, true, "connected");
    }
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
    const struct redis_addresses *addresses = &link->addresses;
    size_t index = (link->failures + link->addresses_tried++) % addresses->count;

    context_use(link, redisAsyncConnect(addresses->text[index], (int)link->settings.url->port));
}

static void on_addresses(const struct redis_addresses *addresses, void *arg)
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

static void attempt_start(struct redis_link *link)
{
    const struct redis_url *url = link->settings.url;

    timer_set(link, link->settings.deadline_ms);
    link->addresses_tried = 0;
    link->addresses.count = 0;
    if (url->path != NULL) {
        context_use(link, redisAsyncConnectUnix(url->path));
    } else if (is_numeric(url->host)) {
        link->addresses.count = 1;
        snprintf(link->addresses.text[0], REDIS_ADDRESS_MAX, "%s", url->host);
        address_connect(link);
    } else {
        link->state = LOOKING_UP;
        if (link->lookup == NULL)
            link->lookup = redis_lookup_start(link->base, url->host, on_addresses, link);
        if (link->lookup == NULL)
            link_fail(link, "cannot start a thread to look up the name");
    }
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_settings *settings,
                                   char error[STORE_ERROR_MAX])
{
    size_t ring_size = settings->in_flight_max > 0 ? settings->in_flight_max : 1;
    struct redis_link *link = calloc(1, sizeof(*link) + ring_size * sizeof(struct redis_command));
    if (link == NULL)
        goto failed;
    link->settings = *settings;
    link->base = base;
    link->ring_size = ring_size;
    link->timer = evtimer_new(base, on_timer, link);
    if (link->timer == NULL)
        goto failed;
    timer_set(link, 0);
    return link;
failed:
    free(link);
    snprintf(error, STORE_ERROR_MAX, "out of memory");
    return NULL;
}

void redis_link_close(struct redis_link *link)
{
    if (link == NULL)
        return;
    link->state = CLOSED;
    context_drop(link);
    if (link->lookup != NULL)
        redis_lookup_cancel(link->lookup);
    commands_abandon(link);
    event_free(link->timer);
    free(link);
}

bool redis_link_up(const struct redis_link *link)
{
    return link->state == UP;
}
