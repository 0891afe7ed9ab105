/*
 * Sessions in Redis, shared by all instances: MGET loads a session and its mark, one script saves
 * both if nobody did in between.
 */
#include "store/redis/link.h"
#include "store/sessions/backend.h"

#include <hiredis/hiredis.h>
#include <string.h>

extern const struct redis_script session_save_script;

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
        session_health_refused(&session->link->health, reply->str);
    store_ticket_finish(&session->ticket, refused ? STORE_REFUSED : STORE_DOWN);
}

static void on_loaded(const struct redisReply *reply, void *arg);

static enum store_status redis_load(struct session_link *link, struct session *session)
{
    const char *argv[] = {"MGET", session->name, session->mark_name};

    /* So a save that follows does not tell the time of a clock that was set long since. */
    session_clock_ask(&link->clock);
    return redis_lane_send(&link->lane, 3, argv, NULL, on_loaded, session);
}

static void on_time(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;
    enum store_status status = STORE_DOWN;

    if (reply != NULL) {
        session_clock_set(&session->link->clock, reply);
        status = redis_load(session->link, session);
    }
    if (status != STORE_LATER)
        store_ticket_finish(&session->ticket, status);
}

/* What seems too old, while Redis keeps it, is loaded once more when Redis has said what time it
 * is: its clock may have been set since we heard it. */
static void on_loaded(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;
    struct session_link *link = session->link;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        session_fail(session, reply);
        return;
    }
    const enum store_status status =
        session_loaded(session, reply_value(reply->element[0]), reply_value(reply->element[1]),
                       session_clock_now_s(&link->clock));
    if (session->too_old && !session->asked_time) {
        const char *argv[] = {"TIME"};
        session->asked_time = true;
        if (redis_lane_send(&link->lane, 1, argv, NULL, on_time, session) == STORE_LATER) {
            session_wipe(session); /* what was found beside a mark that seems too old */
            return;
        }
    }
    store_ticket_finish(&session->ticket, status);
}

static void on_saved(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        session_fail(session, reply);
        return;
    }
    const enum store_status status = reply->integer == 1 ? session_saved(session) : STORE_CONFLICT;
    if (status == STORE_OK && session->link->store->settings.replicas > 0)
        redis_replicas_await(&session->link->replicas, &session->ticket);
    else
        store_ticket_finish(&session->ticket, status);
}

/* Without a mark the words around the others are not said. */
static enum store_status redis_save(struct session_link *link, struct session *session,
                                    struct session_value value, const struct session_value *mark)
{
    const struct session_store *store = link->store;
    const struct session_known *known = &session->known;
    const struct session_value none = {(const unsigned char *)"", 0};
    const unsigned first = mark != NULL ? 0 : 1;

    if (mark == NULL)
        mark = &none;
    const char *argv[] = {session->mark_name,
                          session->name,
                          (const char *)known->version,
                          (const char *)value.bytes,
                          store->ttl,
                          (const char *)mark->bytes,
                          store->mark_ttl};
    const size_t lengths[] = {
        strlen(session->mark_name), strlen(session->name), known->version_length,  value.length,
        strlen(store->ttl),         mark->length,          strlen(store->mark_ttl)};
    return redis_lane_run(&link->lane, &session_save_script, 2 - first, first == 0 ? 7 : 4,
                          argv + first, lengths + first, on_saved, session);
}

static void on_forgotten(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        session_fail(session, reply);
    else
        store_ticket_finish(&session->ticket, reply->integer > 0 ? STORE_OK : STORE_ABSENT);
}

static enum store_status redis_forget(struct session_link *link, struct session *session,
                                      bool keep_mark)
{
    const char *argv[] = {"DEL", session->name, session->mark_name};

    return redis_lane_send(&link->lane, keep_mark ? 2 : 3, argv, NULL, on_forgotten, session);
}

const struct session_backend session_redis = {
    .load = redis_load,
    .save = redis_save,
    .forget = redis_forget,
};
