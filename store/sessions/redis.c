/*
 * Sessions in Redis, shared by all instances: MGET loads a session and its mark, one script saves
 * both if nobody did in between.
 */
#include "store/base/hex.h"
#include "store/redis/link.h"
#include "store/sessions/backend.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA_MAX 41

extern const char session_save_script[];
extern const size_t session_save_script_length;

struct redis_store {
    struct session_store store;
    struct redis_url url;
    struct redis_script script;
    char script_sha[SHA_MAX];
    char ttl[16], mark_ttl[16]; /* as they stand in commands */
};

struct redis_session_link {
    struct session_link link;
    struct redis_link *redis;
};

static struct redis_link *redis_of(struct session_link *link)
{
    return ((struct redis_session_link *)link)->redis;
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

static void on_loaded(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        session_finish(session, STORE_DOWN);
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

    return redis_link_command(redis_of(link), 3, argv, lengths, on_loaded, session);
}

static void on_saved(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        session_finish(session, STORE_DOWN);
    else
        session_finish(session, reply->integer == 1 ? session_saved(session) : STORE_CONFLICT);
}

/* how and script: EVALSHA and the script's name, or EVAL and its text. */
static enum store_status save_by(struct session *session, const char *how, const char *script,
                                 size_t script_length,
                                 void (*callback)(const struct redisReply *reply, void *arg))
{
    const struct redis_store *store = (const struct redis_store *)session->link->store;
    const bool stays = session_mark_stays(session);
    struct session_value value, mark = {0};
    char mark_name[SESSION_NAME_MAX];

    if (session_seal(session, &value, stays ? NULL : &mark) < 0)
        return STORE_DOWN;
    session_mark_name(session, mark_name);
    const struct {
        const void *bytes;
        size_t length;
        bool of_mark;
    } arguments[] = {
        {how, strlen(how), false},
        {script, script_length, false},
        {stays ? "1" : "2", 1, false},
        {session->name, strlen(session->name), false},
        {mark_name, strlen(mark_name), true},
        {session->version, session->version_length, false},
        {value.bytes, value.length, false},
        {store->ttl, strlen(store->ttl), false},
        {mark.bytes, mark.length, true},
        {store->mark_ttl, strlen(store->mark_ttl), true},
    };
    enum { COUNT = sizeof(arguments) / sizeof(arguments[0]) };
    const char *argv[COUNT];
    size_t lengths[COUNT];
    int count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (stays && arguments[i].of_mark)
            continue;
        argv[count] = arguments[i].length > 0 ? arguments[i].bytes : "";
        lengths[count++] = arguments[i].length;
    }
    return redis_link_command(redis_of(session->link), count, argv, lengths, callback, session);
}

/* A Redis that lost its scripts (restarted as a replica, SCRIPT FLUSH) gets this one again. */
static void on_saved_by_sha(const struct redisReply *reply, void *arg)
{
    static const char lost[] = "NOSCRIPT";
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR ||
        strncmp(reply->str, lost, strlen(lost)) != 0) {
        on_saved(reply, session);
        return;
    }
    enum store_status status =
        save_by(session, "EVAL", session_save_script, session_save_script_length, on_saved);
    if (status != STORE_LATER)
        session_finish(session, status);
}

static enum store_status redis_save(struct session_link *link, struct session *session)
{
    const struct redis_store *store = (const struct redis_store *)link->store;

    if (!redis_link_up(redis_of(link)))
        return STORE_DOWN;
    return save_by(session, "EVALSHA", store->script_sha, strlen(store->script_sha),
                   on_saved_by_sha);
}

static void on_forgotten(const struct redisReply *reply, void *arg)
{
    struct session *session = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        session_finish(session, STORE_DOWN);
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

    return redis_link_command(redis_of(link), keep_mark ? 2 : 3, argv, lengths, on_forgotten,
                              session);
}

static bool redis_up(const struct session_link *link)
{
    return redis_link_up(((const struct redis_session_link *)link)->redis);
}

static struct redis_link *connect_to(struct redis_store *store, struct event_base *base,
                                     const struct store_watch *watch, char error[STORE_ERROR_MAX])
{
    struct redis_link_settings link = {
        .url = &store->url,
        .scripts = &store->script,
        .script_count = 1,
        .deadline_ms = store->store.settings.deadline_ms,
        .in_flight_max = store->store.settings.in_flight_max,
    };
    if (watch != NULL)
        link.watch = *watch;
    return redis_link_open(base, &link, error);
}

static struct session_link *redis_attach(struct session_store *store, struct event_base *base,
                                         const struct store_watch *watch,
                                         char error[STORE_ERROR_MAX])
{
    struct redis_session_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    link->redis = connect_to((struct redis_store *)store, base, watch, error);
    if (link->redis == NULL) {
        free(link);
        return NULL;
    }
    return &link->link;
}

static void redis_detach(struct session_link *link)
{
    redis_link_close(redis_of(link));
    free(link);
}

struct probe {
    struct event_base *base;
    char *error;
    int result;
};

static void probe_changed(void *arg, bool up, const char *why)
{
    struct probe *probe = arg;

    probe->result = up ? 0 : -1;
    if (!up)
        snprintf(probe->error, STORE_ERROR_MAX, "%s", why);
    event_base_loopbreak(probe->base);
}

/* A link on a loop of its own, until the first attempt to connect went well or did not. */
static int redis_probe(struct session_store *store, char error[STORE_ERROR_MAX])
{
    struct probe probe = {event_base_new(), error, -1};
    const struct store_watch watch = {probe_changed, &probe};

    snprintf(error, STORE_ERROR_MAX, "out of memory");
    if (probe.base == NULL)
        return -1;
    struct redis_link *link = connect_to((struct redis_store *)store, probe.base, &watch, error);
    if (link != NULL)
        event_base_dispatch(probe.base);
    redis_link_close(link);
    event_base_free(probe.base);
    return probe.result;
}

static void redis_close(struct session_store *opened)
{
    struct redis_store *store = (struct redis_store *)opened;

    redis_url_deinit(&store->url);
    free(store);
}

/* Redis names a script by its SHA-1 in hexadecimal. */
static int script_name(char name[SHA_MAX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;

    if (EVP_Digest(session_save_script, session_save_script_length, digest, &length, EVP_sha1(),
                   NULL) != 1)
        return -1;
    hex_write(digest, length, name);
    return 0;
}

static struct session_store *redis_open(const struct session_settings *settings,
                                        char error[STORE_ERROR_MAX])
{
    struct redis_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    snprintf(store->ttl, sizeof(store->ttl), "%u", settings->ttl_ms);
    snprintf(store->mark_ttl, sizeof(store->mark_ttl), "%u", settings->mark_ttl_ms);
    store->script = (struct redis_script){session_save_script, session_save_script_length};
    if (redis_url_parse(&store->url, settings->url, error) < 0) {
        redis_close(&store->store);
        return NULL;
    }
    if (script_name(store->script_sha) < 0) {
        snprintf(error, STORE_ERROR_MAX, "the cryptographic library has no SHA-1");
        redis_close(&store->store);
        return NULL;
    }
    return &store->store;
}

const struct session_backend session_redis = {
    .open = redis_open,
    .close = redis_close,
    .probe = redis_probe,
    .attach = redis_attach,
    .detach = redis_detach,
    .up = redis_up,
    .load = redis_load,
    .save = redis_save,
    .forget = redis_forget,
};
