/*
 * Private to the session store: what a backend is to the front. The front makes names and
 * seals; a backend keeps sealed values under names and compares versions, and sees nothing in
 * clear.
 */
#ifndef STORE_SESSIONS_BACKEND_H
#define STORE_SESSIONS_BACKEND_H

#include "store/base/seal.h"
#include "store/sessions.h"
#include "store/sessions/clock.h"
#include "store/sessions/health.h"

#define SESSION_SEALED_MAX (SESSION_BYTES_MAX + sizeof(struct session_note) + SEAL_OVERHEAD)
#define SESSION_MARK_SEALED_MAX (SESSION_MARK_MAX + SEAL_OVERHEAD)

/* Bytes that are somebody else's; length 0: there are none. */
struct session_value {
    const unsigned char *bytes;
    size_t length;
};

struct session_store {
    const struct session_backend *backend;
    struct session_settings settings;
    struct seal_keys *keys;
    char ttl[16], mark_ttl[16];    /* as they stand in commands */
    struct session_memory *memory; /* NULL: in Redis */
};

struct session_link {
    struct session_store *store;
    /* The front's contexts, armed with the keys once, and room for what one operation handles. */
    struct keyed_hash *names;
    struct seal *seal;
    unsigned char clear[SESSION_BYTES_MAX + sizeof(struct session_note)];
    unsigned char value[SESSION_SEALED_MAX];
    unsigned char mark[SESSION_MARK_SEALED_MAX];
    struct redis_lane lane;         /* in memory on no link, like the next two */
    struct redis_replicas replicas; /* saves that were done wait there, if any are asked for */
    struct session_clock clock;     /* Redis's */
    struct session_health health;
};

/* A mark of NULL stays as it is; an empty value or mark is deleted. What is found or saved goes to
 * session_loaded or session_saved. */
struct session_backend {
    enum store_status (*load)(struct session_link *link, struct session *session);
    enum store_status (*save)(struct session_link *link, struct session *session,
                              struct session_value value, const struct session_value *mark);
    enum store_status (*forget)(struct session_link *link, struct session *session, bool keep_mark);
};

extern const struct session_backend session_memory;
extern const struct session_backend session_redis;

/* What the front does for a backend: */

/* Opens what was found, unless it is too old at now_s; 0: nothing is. Returns STORE_OK or
 * STORE_ABSENT. */
enum store_status session_loaded(struct session *session, struct session_value value,
                                 struct session_value mark, int64_t now_s);
/* After a save that was done. Returns STORE_OK. */
enum store_status session_saved(struct session *session);

/* Returns NULL when memory is out. */
struct session_memory *session_memory_open(const struct session_settings *settings);
void session_memory_close(struct session_memory *memory);
/* For tests: the memory backend reads this clock (milliseconds that only grow) from now on. */
void session_memory_set_clock(struct session_store *store, int64_t (*clock_ms)(void));
/* For tests: sessions that the memory backend holds, with those that nobody has cleared away. */
size_t session_memory_count(struct session_store *store);

#endif
