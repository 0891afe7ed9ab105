/* A link on a loop of its own, which turns only while somebody waits. */
#include "store/redis/call.h"
#include "store/redis/link.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

struct redis_call {
    struct redis_url url;
    struct event_base *base;
    struct redis_link *link;
    struct redis_lane lane;
    /* Of the command under way, or of the attempt to connect: */
    bool waiting;
    void (*on_reply)(void *arg, const struct redisReply *reply);
    void *arg;
    char why[ERROR_MAX]; /* it failed; "": it did not */
};

static int wait(struct redis_call *call, char error[ERROR_MAX])
{
    while (call->waiting && redis_call_turn(call))
        continue;
    call->waiting = false;
    snprintf(error, ERROR_MAX, "%s", call->why);
    return call->why[0] == '\0' ? 0 : -1;
}

/* A command under way ends after this. */
static void on_changed(void *arg, bool up, const char *why)
{
    struct redis_call *call = arg;

    snprintf(call->why, sizeof call->why, "%s", up ? "" : why);
    if (call->lane.in_flight == 0)
        call->waiting = false;
}

struct redis_call *redis_call_open(const char *url, unsigned deadline_ms, char error[ERROR_MAX])
{
    struct redis_call *call = calloc(1, sizeof *call);

    snprintf(error, ERROR_MAX, "out of memory");
    if (call == NULL)
        return NULL;
    if (redis_url_parse(&call->url, url, error) != 0)
        goto failed;
    call->base = event_base_new();
    if (call->base == NULL)
        goto failed;
    call->link = redis_link_open(call->base, &call->url, deadline_ms, error);
    if (call->link == NULL)
        goto failed;
    redis_lane_join(&call->lane, call->link, 1, &(struct store_watch){on_changed, call});
    call->waiting = true;
    if (wait(call, error) == 0)
        return call;
failed:
    redis_call_close(call);
    return NULL;
}

void redis_call_close(struct redis_call *call)
{
    if (call == NULL)
        return;
    redis_link_close(call->link);
    if (call->base != NULL)
        event_base_free(call->base);
    redis_url_deinit(&call->url);
    free(call);
}

struct redis_link *redis_call_link(struct redis_call *call)
{
    return call->link;
}

bool redis_call_turn(struct redis_call *call)
{
    return event_base_loop(call->base, EVLOOP_ONCE) == 0;
}

static void on_answer(const struct redisReply *reply, void *arg)
{
    struct redis_call *call = arg;

    call->waiting = false;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        snprintf(call->why, sizeof call->why, "Redis: %.200s", reply->str);
    else if (reply == NULL && call->why[0] == '\0')
        snprintf(call->why, sizeof call->why, "Redis does not answer");
    else if (reply != NULL && call->on_reply != NULL)
        call->on_reply(call->arg, reply);
}

static int finish(struct redis_call *call, enum store_status sent,
                  void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
                  char error[ERROR_MAX])
{
    call->waiting = sent == STORE_LATER;
    call->on_reply = on_reply;
    call->arg = arg;
    snprintf(call->why, sizeof call->why, "%s", call->waiting ? "" : "Redis is away");
    return wait(call, error);
}

int redis_call(struct redis_call *call, int argc, const char *const *argv, const size_t *lengths,
               void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
               char error[ERROR_MAX])
{
    return finish(call, redis_lane_send(&call->lane, argc, argv, lengths, on_answer, call),
                  on_reply, arg, error);
}

int redis_call_run(struct redis_call *call, const struct redis_script *script, int argc,
                   const char *const *argv, const size_t *lengths, char error[ERROR_MAX])
{
    return finish(call,
                  redis_lane_run(&call->lane, script, 1, argc, argv, lengths, on_answer, call),
                  NULL, NULL, error);
}
