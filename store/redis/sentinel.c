/*
 * A question walks along the sentinels:
 *
 *     on_step --open a link--> CONNECTING --on_changed: up--> ASKED --on_answer: the place-->
 * on_step ^                          |                           |                              |
 *        +---- why it did not ------+---------------------------+                    done <----+
 *
 * A link cannot be closed from its own callbacks, so these leave their result and let the timer
 * take the next step. A sentinel's link has no master of its own to ask for: nothing recurses.
 */
#include "store/redis/sentinel.h"
#include "store/redis/link.h"

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
    struct redis_link *link;
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
    if (host->len == 0 || host->len >= sizeof(place->host) || strlen(host->str) != host->len ||
        port == 0 || port > 65535)
        return -1;
    memcpy(place->host, host->str, host->len + 1);
    place->port = (unsigned)port;
    return 0;
}

static void on_answer(const struct redisReply *reply, void *arg)
{
    struct redis_question *question = arg;
    const struct redis_url *sentinel = &question->sentinel;

    if (reply == NULL)
        return; /* on_changed hears why, or it is cancelled */
    question->found = place_read(&question->place, reply) == 0;
    if (!question->found)
        snprintf(question->why, sizeof(question->why), "the sentinel at %.100s:%u: %.100s",
                 sentinel->host, sentinel->port,
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "knows no master of that name");
    step_soon(question);
}

static void on_changed(void *arg, bool up, const char *why)
{
    struct redis_question *question = arg;
    const char *argv[] = {"SENTINEL", "get-master-addr-by-name", question->url->master};
    const size_t lengths[] = {strlen(argv[0]), strlen(argv[1]), strlen(argv[2])};

    if (up &&
        redis_link_command(question->link, 3, argv, lengths, on_answer, question) == STORE_LATER)
        return;
    snprintf(question->why, sizeof(question->why), "as sentinel, %.240s", why);
    step_soon(question);
}

static void sentinel_ask(struct redis_question *question)
{
    const struct redis_url *url = question->url;
    const struct redis_host *host =
        &url->sentinels[(question->first + question->asked++) % url->sentinel_count];
    const struct redis_link_settings settings = {
        .url = &question->sentinel,
        .deadline_ms = question->deadline_ms,
        .in_flight_max = 1,
        .watch = {on_changed, question},
    };

    question->sentinel = (struct redis_url){
        .host = host->name, .port = host->port, .password = url->sentinel_password};
    question->link = redis_link_open(question->base, &settings, question->why);
    if (question->link == NULL)
        step_soon(question);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
    struct redis_question *question = arg;
    (void)fd;
    (void)what;

    redis_link_close(question->link);
    question->link = NULL;
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
    struct redis_question *question = calloc(1, sizeof(*question));

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
    redis_link_close(question->link);
    event_free(question->step);
    free(question);
}
