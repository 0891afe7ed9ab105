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
    /* Of the command under way, and of the attempt to connect: */
    void (*on_reply)(void *arg, const struct redisReply *reply);
    void *arg;
    char *error; /* NULL: nobody waits */
    int status;
};

static void wait_end(struct redis_call *call, int status)
{
    call->status = status;
    call->error = NULL;
}

static int wait(struct redis_call *call)
{
    while (call->error != NULL && redis_call_turn(call))
        continue;
    call->error = NULL;
    return call->status;
}

/* A command under way ends after this. */
static void on_changed(void *arg, bool up, const char *why)
{
    struct redis_call *call = arg;

    if (call->error != NULL && !up)
        snprintf(call->error, STORE_ERROR_MAX, "%s", why);
    if (call->lane.in_flight == 0)
        wait_end(call, up ? 0 : -1);
}

struct redis_call *redis_call_open(const char *url, unsigned deadline_ms,
                                   char error[STORE_ERROR_MAX])
{
    struct redis_call *call = calloc(1, sizeof *call);

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (call == NULL)
        return NULL;
    if (redis_url_parse(&call->url, url, error) != 0)
        goto failed;
    call->base = event_base_new();
    call->link =
        call->base != NULL ? redis_link_open(call->base, &call->url, deadline_ms, error) : NULL;
    if (call->link == NULL)
        goto failed;
    redis_lane_join(&call->lane, call->link, 1, &(struct store_watch){on_changed, call});
    call->error = error;
    call->status = -1;
    if (wait(call) == 0)
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
    const bool done = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (done && call->on_reply != NULL)
        call->on_reply(call->arg, reply);
    else if (reply != NULL && !done)
        snprintf(call->error, STORE_ERROR_MAX, "Redis: %.200s", reply->str);
    else if (!done && call->error[0] == '\0')
        snprintf(call->error, STORE_ERROR_MAX, "Redis does not answer");
    wait_end(call, done ? 0 : -1);
}

static int finish(struct redis_call *call, enum store_status sent, char error[STORE_ERROR_MAX])
{
    if (sent == STORE_LATER)
        return wait(call);
    call->error = NULL;
    snprintf(error, STORE_ERROR_MAX, "Redis is away");
    return -1;
}

static void begin(struct redis_call *call,
                  void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
                  char error[STORE_ERROR_MAX])
{
    error[0] = '\0';
    call->on_reply = on_reply;
    call->arg = arg;
    call->error = error;
    call->status = -1;
}

int redis_call(struct redis_call *call, int argc, const char *const *argv, const size_t *lengths,
               void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
               char error[STORE_ERROR_MAX])
{
    begin(call, on_reply, arg, error);
    return finish(call, redis_lane_send(&call->lane, argc, argv, lengths, on_answer, call), error);
}

int redis_call_run(struct redis_call *call, const struct redis_script *script, int argc,
                   const char *const *argv, const size_t *lengths, char error[STORE_ERROR_MAX])
{
    begin(call, NULL, NULL, error);
    return finish(
        call, redis_lane_run(&call->lane, script, 1, argc, argv, lengths, on_answer, call), error);
}
