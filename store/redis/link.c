/*
 * The life of a link:
 *
 *     WAITING --timer--> ASKING sentinels, one by one --on_endpoint--> CONNECTING --on_up--> UP
 *        ^                                                                                   |
 *        +--------------------------------- link_fail <--------------------------------------+
 *
 * One connection serves both, a sentinel and then the master; where there are no sentinels the
 * endpoint is known. The timer is pending in WAITING, and before the next sentinel: the connection
 * has deadlines of its own. The next attempt may find a new master, behind the same address or by
 * asking; who doubts a link that is UP has it begin anew.
 *
 * A script goes by its name. Whoever hears that Redis does not know it (a new server, or one that
 * forgot) loads it and sends the same command again, once: a script that was not there has done
 * nothing.
 */
#include "store/redis/link.h"
#include "store/base/backoff.h"
#include "store/redis/connection.h"
#include "store/redis/error.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000
/* The sentinels are asked more often: they tell of a new master when they have chosen it. */
#define PAUSE_MAX_ASKING_MS 1000

struct redis_link {
    struct event_base *base;
    const struct redis_url *url;
    struct event *timer;
    struct redis_connection *connection;
    struct redis_url sentinel;      /* the one being asked; its texts are url's */
    unsigned asked;                 /* sentinels in this attempt; 0: none is being asked */
    struct redis_endpoint endpoint; /* port 0: not known */
    bool up;
    unsigned failures;                  /* attempts since it was up */
    const struct redis_script *loading; /* its load is under way */
    char told[ERROR_MAX];
    TAILQ_HEAD(, redis_lane) lanes;
};

/* Up and down */

void redis_link_describe(const struct redis_link *link, const char *what, char line[ERROR_MAX])
{
    const struct redis_url *url = link->url;
    const struct redis_endpoint *endpoint = &link->endpoint;

    if (url->path != NULL)
        snprintf(line, ERROR_MAX, "Redis at %s: %s", url->path, what);
    else if (endpoint->port == 0)
        snprintf(line, ERROR_MAX, "Redis master %s: %s", url->master, what);
    else
        snprintf(line, ERROR_MAX, "Redis %s%s%sat %.100s:%u: %s",
                 url->master != NULL ? "master " : "", url->master != NULL ? url->master : "",
                 url->master != NULL ? " " : "", endpoint->host, endpoint->port, what);
    for (char *c = line; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

struct event_base *redis_link_base(const struct redis_link *link)
{
    return link->base;
}

bool redis_link_foreign(const struct redis_link *link)
{
    return !link->up && redis_connection_foreign(link->connection);
}

/* Tells the watches, unless they know. */
static void link_tell(struct redis_link *link, bool up, const char *why)
{
    char line[ERROR_MAX];
    struct redis_lane *lane;

    redis_link_describe(link, why, line);
    if (strcmp(line, link->told) == 0)
        return;
    memcpy(link->told, line, sizeof line);
    TAILQ_FOREACH(lane, &link->lanes, next)
    {
        if (lane->watch.changed != NULL)
            lane->watch.changed(lane->watch.arg, up, line);
    }
}

static void link_fail(struct redis_link *link, const char *why)
{
    const int64_t pause_max = link->url->master != NULL ? PAUSE_MAX_ASKING_MS : PAUSE_MAX_MS;
    const int64_t pause = backoff_ms(++link->failures, PAUSE_FIRST_MS, pause_max);

    link->up = false;
    link->asked = 0;
    event_add(link->timer, &(struct timeval){pause / 1000, pause % 1000 * 1000});
    link_tell(link, false, why);
}

/* Sentinels */

static void sentinel_ask(struct redis_link *link)
{
    const struct redis_url *url = link->url;
    const struct redis_host *host =
        &url->sentinels[(link->failures + link->asked++) % url->sentinel_count];
    struct redis_endpoint endpoint = {.port = host->port};

    snprintf(endpoint.host, sizeof endpoint.host, "%s", host->name);
    link->sentinel = (struct redis_url){
        .host = host->name, .port = host->port, .password = url->sentinel_password};
    link->endpoint = (struct redis_endpoint){0};
    redis_connection_start(link->connection, &link->sentinel, url->master, &endpoint, 0);
}

/* The next one is asked, or the last one's reason told. */
static void sentinel_fail(struct redis_link *link, const char *form, const char *why)
{
    char line[ERROR_MAX];

    if (link->asked < link->url->sentinel_count) {
        event_add(link->timer, &(struct timeval){0, 0});
        return;
    }
    snprintf(line, sizeof line, "%s at %.100s:%u: %.100s", form, link->sentinel.host,
             link->sentinel.port, why);
    link_fail(link, line);
}

/* Host and port, as texts. Returns 0, or -1 when the reply is none. */
static int endpoint_read(struct redis_endpoint *endpoint, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return -1;
    const struct redisReply *host = reply->element[0];
    const unsigned long port = strtoul(reply->element[1]->str, NULL, 10);
    if (host->len == 0 || host->len >= sizeof endpoint->host || strlen(host->str) != host->len ||
        port == 0 || port > 65535)
        return -1;
    memcpy(endpoint->host, host->str, host->len + 1);
    endpoint->port = (unsigned)port;
    return 0;
}

static void on_endpoint(struct redis_link *link, const struct redisReply *reply)
{
    const bool found = endpoint_read(&link->endpoint, reply) == 0;

    redis_connection_stop(link->connection);
    if (!found) {
        sentinel_fail(link, "the sentinel", "knows no master of that name");
        return;
    }
    link->asked = 0;
    redis_connection_start(link->connection, link->url, NULL, &link->endpoint, link->failures);
}

/* Life */

static void on_up(void *arg, const struct redisReply *reply)
{
    struct redis_link *link = arg;

    if (link->asked > 0) {
        on_endpoint(link, reply);
        return;
    }
    link->up = true;
    link->failures = 0;
    link_tell(link, true, "connected");
}

static void on_down(void *arg, const char *why)
{
    struct redis_link *link = arg;

    if (link->asked > 0)
        sentinel_fail(link, "as sentinel, Redis", why);
    else
        link_fail(link, why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redis_link *link = arg;

    (void)fd;
    (void)what;
    if (link->url->master != NULL)
        sentinel_ask(link);
    else
        redis_connection_start(link->connection, link->url, NULL, &link->endpoint, link->failures);
}

bool redis_link_doubt(struct redis_link *link)
{
    if (link->url->master == NULL || !link->up)
        return false;
    link->up = false;
    link->told[0] = '\0';
    redis_connection_stop(link->connection);
    event_add(link->timer, &(struct timeval){0, 0});
    return true;
}

struct redis_link *redis_link_open(struct event_base *base, const struct redis_url *url,
                                   unsigned deadline_ms, char error[ERROR_MAX])
{
    struct redis_link *link = calloc(1, sizeof *link);

    snprintf(error, ERROR_MAX, "out of memory");
    if (link == NULL)
        return NULL;
    *link = (struct redis_link){.base = base, .url = url};
    TAILQ_INIT(&link->lanes);
    if (url->host != NULL) {
        snprintf(link->endpoint.host, sizeof link->endpoint.host, "%s", url->host);
        link->endpoint.port = url->port;
    }
    link->timer = evtimer_new(base, on_timer, link);
    link->connection = redis_connection_create(
        &(struct redis_connection_settings){base, url->tls, deadline_ms, on_up, on_down, link},
        error);
    if (link->timer == NULL || link->connection == NULL) {
        redis_link_close(link);
        return NULL;
    }
    event_add(link->timer, &(struct timeval){0, 0});
    return link;
}

void redis_link_close(struct redis_link *link)
{
    struct redis_lane *lane;

    if (link == NULL)
        return;
    link->up = false;
    while ((lane = TAILQ_FIRST(&link->lanes)) != NULL)
        redis_lane_leave(lane);
    redis_connection_free(link->connection);
    if (link->timer != NULL)
        event_free(link->timer);
    free(link);
}

/* Commands */

static void on_loaded(struct redis_command *command, const struct redisReply *reply)
{
    struct redis_link *link = command->owner;

    (void)reply; /* who needs the script hears more */
    link->loading = NULL;
    free(command);
}

static int script_load(struct redis_link *link, const struct redis_script *script)
{
    const char *const argv[] = {"SCRIPT", "LOAD", script->text};
    const size_t lengths[] = {6, 4, script->length};
    const struct redis_words words = {.argc = 3, .argv = argv, .lengths = lengths};

    if (redis_connection_send(link->connection, &words, on_loaded, link) == NULL)
        return -1;
    link->loading = script;
    return 0;
}

/* Whether the command, whose script Redis does not know, is on its way again. */
static bool command_repeat(struct redis_link *link, struct redis_command *command)
{
    const struct redis_script *script = command->script;

    command->script = NULL; /* only once */
    return (script == link->loading || script_load(link, script) == 0) &&
           redis_connection_resend(link->connection, command) == 0;
}

static void on_done(struct redis_command *command, const struct redisReply *reply)
{
    struct redis_link *link = command->owner;
    struct redis_lane *lane = command->lane;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && command->script != NULL &&
        lane != NULL && redis_error_is(reply, "NOSCRIPT") && command_repeat(link, command))
        return;
    if (lane != NULL) {
        lane->in_flight--;
        if (command->callback != NULL)
            command->callback(reply, command->arg);
    }
    free(command);
}

static enum store_status words_send(struct redis_lane *lane, const struct redis_words *words,
                                    void (*callback)(const struct redisReply *reply, void *arg),
                                    void *arg)
{
    if (!redis_lane_up(lane))
        return STORE_DOWN;
    if (lane->in_flight >= lane->in_flight_max)
        return STORE_FULL;
    struct redis_command *command =
        redis_connection_send(lane->link->connection, words, on_done, lane->link);
    if (command == NULL)
        return STORE_DOWN;
    command->lane = lane;
    command->callback = callback;
    command->arg = arg;
    lane->in_flight++;
    return STORE_LATER;
}

enum store_status redis_lane_send(struct redis_lane *lane, int argc, const char *const *argv,
                                  const size_t *lengths,
                                  void (*callback)(const struct redisReply *reply, void *arg),
                                  void *arg)
{
    return words_send(lane, &(struct redis_words){NULL, 0, argc, argv, lengths}, callback, arg);
}

enum store_status redis_lane_run(struct redis_lane *lane, const struct redis_script *script,
                                 unsigned key_count, int argc, const char *const *argv,
                                 const size_t *lengths,
                                 void (*callback)(const struct redisReply *reply, void *arg),
                                 void *arg)
{
    return words_send(lane, &(struct redis_words){script, key_count, argc, argv, lengths}, callback,
                      arg);
}

/* Lanes */

void redis_lane_join(struct redis_lane *lane, struct redis_link *link, unsigned in_flight_max,
                     const struct store_watch *watch)
{
    *lane = (struct redis_lane){.link = link, .in_flight_max = in_flight_max};
    if (watch != NULL)
        lane->watch = *watch;
    TAILQ_INSERT_TAIL(&link->lanes, lane, next);
}

/* The replies that are still to come are nobody's. Callbacks may send for other lanes, so the list
 * may grow at its end. */
void redis_lane_leave(struct redis_lane *lane)
{
    struct redis_link *link = lane->link;
    struct redis_command *command;

    if (link == NULL)
        return;
    lane->link = NULL;
    TAILQ_REMOVE(&link->lanes, lane, next);
    for (command = redis_connection_first(link->connection); lane->in_flight > 0 && command != NULL;
         command = TAILQ_NEXT(command, next)) {
        if (command->lane != lane)
            continue;
        command->lane = NULL;
        lane->in_flight--;
        if (command->callback != NULL)
            command->callback(NULL, command->arg);
    }
}

bool redis_lane_up(const struct redis_lane *lane)
{
    return lane->link != NULL && lane->link->up;
}
