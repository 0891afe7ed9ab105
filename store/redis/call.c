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
    /* Of the command under way: */
    void (*on_reply)(void *arg, const struct redisReply *reply);
    void *arg;
    char *error;
    int status;
    bool waiting;
};

static void on_changed(void *arg, bool up, const char *why)
{
    struct redis_call *call = arg;

    if (!up && call->error)
        snprintf(call->error, STORE_ERROR_MAX, "%s", why);
    call->status = up ? 0 : -1;
    call->waiting = false;
}

static void loop_until_done(struct redis_call *call)
{
    call->waiting = true;
    while (call->waiting && event_base_loop(call->base, EVLOOP_ONCE) == 0)
        continue;
}

struct redis_call *redis_call_open(const char *url, unsigned deadline_ms,
                                   char error[STORE_ERROR_MAX])
{
    struct redis_call *call = calloc(1, sizeof *call);

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (!call)
        return NULL;
    if (redis_url_parse(&call->url, url, error) < 0)
        goto failed;
    call->base = event_base_new();
    call->error = error;
    call->status = -1;
    const struct redis_link_settings settings = {
        .url = &call->url,
        .deadline_ms = deadline_ms,
        .in_flight_max = 1,
        .watch = {on_changed, call},
    };
    call->link = call->base ? redis_link_open(call->base, &settings, error) : NULL;
    if (!call->link)
        goto failed;
    loop_until_done(call);
    call->error = NULL;
    if (call->status == 0)
        return call;
failed:
    redis_call_close(call);
    return NULL;
}

void redis_call_close(struct redis_call *call)
{
    if (!call)
        return;
    if (call->link)
        redis_link_close(call->link);
    if (call->base)
        event_base_free(call->base);
    redis_url_deinit(&call->url);
    free(call);
}

static void on_answer(const struct redisReply *reply, void *arg)
{
    struct redis_call *call = arg;

    call->waiting = false;
    if (reply && reply->type != REDIS_REPLY_ERROR) {
        call->status = 0;
        if (call->on_reply)
            call->on_reply(call->arg, reply);
    } else if (reply) {
        snprintf(call->error, STORE_ERROR_MAX, "Redis: %.200s", reply->str);
    } else if (call->error[0] == '\0') {
        snprintf(call->error, STORE_ERROR_MAX, "Redis does not answer");
    }
}

int redis_call(struct redis_call *call, int argc, const char *const *argv, const size_t *lengths,
               void (*on_reply)(void *arg, const struct redisReply *reply), void *arg,
               char error[STORE_ERROR_MAX])
{
    error[0] = '\0';
    call->on_reply = on_reply;
    call->arg = arg;
    call->error = error;
    call->status = -1;
    if (redis_link_command(call->link, argc, argv, lengths, on_answer, call) == STORE_LATER)
        loop_until_done(call);
    else
        snprintf(error, STORE_ERROR_MAX, "Redis is away");
    call->error = NULL;
    return call->status;
}
