/*
 * Private to the session store: what a backend is to the front (session.c). The front makes names
 * and seals; a backend keeps sealed values under names and compares versions, and sees nothing in
 * clear. A backend's store and link begin with the structs below.
 */
#ifndef STORE_SESSIONS_BACKEND_H
#define STORE_SESSIONS_BACKEND_H

#include "store/base/seal.h"
#include "store/sessions.h"
#include <stdint.h>

#define SESSION_SEALED_MAX (SESSION_BYTES_MAX + SEAL_OVERHEAD)
/* Sealed with a mark is the time at which it was saved, in seconds. */
#define SESSION_MARK_TIME_SIZE 8
#define SESSION_MARK_SEALED_MAX (SESSION_MARK_TIME_SIZE + SESSION_MARK_MAX + SEAL_OVERHEAD)

/* Bytes that are somebody else's; length 0: there are none. */
struct session_value {
    const unsigned char *bytes;
    size_t length;
};

struct session_store {
    const struct session_backend *backend;
    struct session_settings settings;
};

struct session_link {
    struct session_store *store;
    struct session_crypto *crypto; /* the front's */
};

struct session_backend {
    struct session_store *(*open)(const struct session_settings *settings,
                                  char error[STORE_ERROR_MAX]);
    void (*close)(struct session_store *store);
    struct session_link *(*attach)(struct redis_link *redis, unsigned in_flight_max,
                                   const struct store_watch *watch);
    void (*detach)(struct session_link *link);
    bool (*up)(const struct session_link *link);
    const struct redis_health *(*health)(const struct session_link *link);
    enum store_status (*load)(struct session_link *link, struct session *session);
    enum store_status (*save)(struct session_link *link, struct session *session);
    enum store_status (*forget)(struct session_link *link, struct session *session, bool keep_mark);
};

extern const struct session_backend session_memory;
extern const struct session_backend session_redis;

/* What the front does for a backend: */

/* The name of the session's mark. */
void session_mark_name(const struct session *session, char name[SESSION_NAME_MAX]);
/* Whether the mark to be saved is the one that the store has already, with nearly all its life. */
bool session_mark_stays(const struct session *session);
/* Seals what is to be saved (mark may be NULL), and notes its version for session_saved. The values
 * live until the next call on this link. Returns 0, or -1 when the cryptographic library fails. */
int session_seal(struct session *session, struct session_value *value, struct session_value *mark);
/* Opens what was found. Returns STORE_OK or STORE_ABSENT. */
enum store_status session_loaded(struct session *session, struct session_value value,
                                 struct session_value mark);
/* After a save that was done: the session's version is what session_seal noted. */
enum store_status session_saved(struct session *session);

/* For tests: the memory backend reads this clock (milliseconds that only grow) from now on. */
void session_memory_set_clock(struct session_store *store, int64_t (*clock_ms)(void));
/* For tests: sessions that the memory backend holds, with those that nobody has cleared away. */
size_t session_memory_count(struct session_store *store);

#endif
