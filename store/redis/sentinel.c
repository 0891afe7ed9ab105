/*
 * A question walks along the sentinels:
 *
 *     on_step --start--> connecting --on_up--> asked --on_answer: the place--> on_step --> done
 *        ^                   |                   |
 *        +------- on_down, or an answer that is none
 *
 * A connection is not freed from its own callbacks, so these leave their result and let the timer
 * take the next step.
 */
#include "store/redis/sentinel.h"
#include "store/redis/connection.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_question {
    struct event_base *base;
    const struct redis_url *url;
    unsigned first;
    unsigned asked;
    unsigned deadline_ms;
    void (*done)(const struct redis_place *place, const char *why, void *arg);
    void *arg;
    struct event *step;
    struct redis_url sentinel; /* the one being asked; its texts are url's */
    struct redis_connection *connection;
    bool found;
    struct redis_place place;
    char why[STORE_ERROR_MAX];
};

static void step_soon(struct redis_question *question)
{
    event_add(question->step, &(struct timeval){0, 0});
}

/* Host and port, as texts. */
static int place_read(struct redis_place *place, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return -1;
    const struct redisReply *host = reply->element[0];
    unsigned long port = strtoul(reply->element[1]->str, NULL, 10);
    if (host->len == 0 || host->len >= sizeof place->host || strlen(host->str) != host->len ||
        port == 0 || port > 65535)
        return -1;
    memcpy(place->host, host->str, host->len + 1);
    place->port = (unsigned)port;
    return 0;
}

static void on_answer(struct redis_command *command, const struct redisReply *reply)
{
    struct redis_question *question = command->owner;
    const struct redis_url *sentinel = &question->sentinel;

    free(command);
    if (reply == NULL)
        return; /* on_down heard why, or it is cancelled */
    question->found = place_read(&question->place, reply) == 0;
    if (!question->found)
        snprintf(question->why, sizeof question->why, "the sentinel at %.100s:%u: %.100s",
                 sentinel->host, sentinel->port,
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "knows no master of that name");
    step_soon(question);
}

static void on_down(void *arg, const char *why)
{
    struct redis_question *question = arg;

    snprintf(question->why, sizeof question->why, "as sentinel, Redis at %.100s:%u: %.100s",
             question->sentinel.host, question->sentinel.port, why);
    step_soon(question);
}

static void on_up(void *arg)
{
    struct redis_question *question = arg;
    const char *argv[] = {"SENTINEL", "get-master-addr-by-name", question->url->master};
    const size_t lengths[] = {strlen(argv[0]), strlen(argv[1]), strlen(argv[2])};
    struct redis_command *command =
        redis_command_create(&(struct redis_words){.argc = 3, .argv = argv, .lengths = lengths});

    if (command != NULL) {
        command->done = on_answer;
        command->owner = question;
        if (redis_connection_send(question->connection, command) == 0)
            return;
        free(command);
    }
    on_down(question, "out of memory");
}

static void sentinel_ask(struct redis_question *question)
{
    const struct redis_url *url = question->url;
    const struct redis_host *host =
        &url->sentinels[(question->first + question->asked++) % url->sentinel_count];
    struct redis_place place = {.port = host->port};

    question->sentinel = (struct redis_url){
        .host = host->name, .port = host->port, .password = url->sentinel_password};
    question->connection = redis_connection_create(
        &(struct redis_connection_settings){question->base, &question->sentinel,
                                            question->deadline_ms, on_up, on_down, question},
        question->why);
    if (question->connection == NULL) {
        step_soon(question);
        return;
    }
    snprintf(place.host, sizeof place.host, "%s", host->name);
    redis_connection_start(question->connection, &place, 0);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
    struct redis_question *question = arg;
    (void)fd;
    (void)what;

    redis_connection_free(question->connection);
    question->connection = NULL;
    if (!question->found && question->asked < question->url->sentinel_count) {
        sentinel_ask(question);
        return;
    }
    question->done(question->found ? &question->place : NULL, question->why, question->arg);
    redis_sentinel_cancel(question);
}

struct redis_question *redis_sentinel_ask(
    struct event_base *base, const struct redis_url *url, unsigned first, unsigned deadline_ms,
    void (*done)(const struct redis_place *place, const char *why, void *arg), void *arg)
{
    struct redis_question *question = calloc(1, sizeof *question);

    if (question == NULL)
        return NULL;
    question->base = base;
    question->url = url;
    question->first = first;
    question->deadline_ms = deadline_ms;
    question->done = done;
    question->arg = arg;
    question->step = evtimer_new(base, on_step, question);
    if (question->step == NULL) {
        free(question);
        return NULL;
    }
    step_soon(question);
    return question;
}

void redis_sentinel_cancel(struct redis_question *question)
{
    redis_connection_free(question->connection);
    event_free(question->step);
    free(question);
}
