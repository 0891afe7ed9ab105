/*
 * Sessions in Redis, shared by all instances: MGET loads a session and its mark, one script saves
 * both if nobody did in between.
 */
#include "store/redis/link.h"
#include "store/sessions/backend.h"
#include "store/sessions/health.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct redis_script session_save_script;

struct redis_store {
    struct session_store store;
    char ttl[16], mark_ttl[16]; /* as they stand in commands */
};

struct redis_session_link {
    struct session_link link;
    struct redis_lane lane;
    struct session_health health;
};

static struct redis_lane *lane_of(struct session_link *link)
{
    return &((struct redis_session_link *)link)->lane;
}

static void session_finish(struct session *session, enum store_status status)
{
    session->ticket.status = status;
    session->ticket.done(&session->ticket);
}

static struct session_value reply_value(const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING)
        return (struct session_value){0};
    return (struct session_value){(const unsigned char *)reply->str, reply->len};
}

/* Redis's word is that it did nothing; without one nobody knows. */
static void session_fail(struct session *session, const struct redisReply *reply)
{
    const bool refused = reply != NULL && reply->type == REDIS_REPLY_ERROR;

    if (refused)
        session_health_refused(&((struct redis_session_link *)session->link)->health, reply->str);
    session_finish(session, refused ? STORE_REFUSED : STORE_DOWN);
}

static void on_loaded(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        session_fail(session, reply);
    else
        session_finish(session, session_loaded(session, reply_value(reply->element[0]),
                                               reply_value(reply->element[1])));
}

static enum store_status redis_load(struct session_link *link, struct session *session)
{
    char mark_name[SESSION_NAME_MAX];
    session_mark_name(session, mark_name);
    const char *argv[] = {"MGET", session->name, mark_name};
    const size_t lengths[] = {4, strlen(session->name), strlen(mark_name)};

    return redis_lane_send(lane_of(link), 3, argv, lengths, on_loaded, session);
}

static void on_saved(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        session_fail(session, reply);
    else
        session_finish(session, reply->integer == 1 ? session_saved(session) : STORE_CONFLICT);
}

static enum store_status redis_save(struct session_link *link, struct session *session)
{
    const struct redis_store *store = (const struct redis_store *)link->store;
    const bool stays = session_mark_stays(session);
    struct session_value value, mark = {0};
    char mark_name[SESSION_NAME_MAX];

    if (!redis_lane_up(lane_of(link)) || session_seal(session, &value, stays ? NULL : &mark) != 0)
        return STORE_DOWN;
    session_mark_name(session, mark_name);
    const struct {
        const void *bytes;
        size_t length;
        bool of_mark;
    } arguments[] = {
        {session->name, strlen(session->name), false},
        {mark_name, strlen(mark_name), true},
        {session->version, session->version_length, false},
        {value.bytes, value.length, false},
        {store->ttl, strlen(store->ttl), false},
        {mark.bytes, mark.length, true},
        {store->mark_ttl, strlen(store->mark_ttl), true},
    };
    enum { COUNT = sizeof arguments / sizeof arguments[0] };
    const char *argv[COUNT];
    size_t lengths[COUNT];
    int count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (stays && arguments[i].of_mark)
            continue;
        argv[count] = arguments[i].length > 0 ? arguments[i].bytes : "";
        lengths[count++] = arguments[i].length;
    }
    return redis_lane_run(lane_of(link), &session_save_script, stays ? 1 : 2, count, argv, lengths,
                          on_saved, session);
}

static void on_forgotten(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        session_fail(session, reply);
    else
        session_finish(session, reply->integer > 0 ? STORE_OK : STORE_ABSENT);
}

static enum store_status redis_forget(struct session_link *link, struct session *session,
                                      bool keep_mark)
{
    char mark_name[SESSION_NAME_MAX];
    session_mark_name(session, mark_name);
    const char *argv[] = {"DEL", session->name, mark_name};
    const size_t lengths[] = {3, strlen(session->name), strlen(mark_name)};

    return redis_lane_send(lane_of(link), keep_mark ? 2 : 3, argv, lengths, on_forgotten, session);
}

static bool redis_up(const struct session_link *link)
{
    return ((const struct redis_session_link *)link)->health.serves;
}

static const struct redis_health *redis_health(const struct session_link *link)
{
    return &((const struct redis_session_link *)link)->health.found;
}

static void redis_detach(struct session_link *link)
{
    redis_lane_leave(lane_of(link));
    session_health_stop(&((struct redis_session_link *)link)->health);
    free(link);
}

static struct session_link *redis_attach(struct redis_link *redis, unsigned in_flight_max,
                                         const struct store_watch *watch)
{
    struct redis_session_link *link = calloc(1, sizeof *link);

    if (link == NULL)
        return NULL;
    redis_lane_join(&link->lane, redis, in_flight_max, NULL);
    if (session_health_start(&link->health, redis, watch) == 0)
        return &link->link;
    redis_detach(&link->link);
    return NULL;
}

static struct session_store *redis_open(const struct session_settings *settings,
                                        char error[STORE_ERROR_MAX])
{
    struct redis_store *store = calloc(1, sizeof *store);

    if (store == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    snprintf(store->ttl, sizeof store->ttl, "%u", settings->ttl_ms);
    snprintf(store->mark_ttl, sizeof store->mark_ttl, "%u", settings->mark_ttl_ms);
    return &store->store;
}

static void redis_close(struct session_store *store)
{
    free(store);
}

const struct session_backend session_redis = {
    .open = redis_open,
    .close = redis_close,
    .attach = redis_attach,
    .detach = redis_detach,
    .up = redis_up,
    .health = redis_health,
    .load = redis_load,
    .save = redis_save,
    .forget = redis_forget,
};
