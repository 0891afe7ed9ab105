/*
 * Sessions: what a person said so far, kept for some minutes under a key that tells nothing,
 * sealed. Two backends, memory and Redis.
 *
 *     struct session_store *store = session_store_open(&settings, error);      once
 *     struct session_link *link = session_attach(store, redis, &watch, error); in each thread
 *     session_init(&session, address, length);
 *     session_load(link, &session); ... read session.bytes ...; session_wipe(&session);
 *     ... write session.bytes ...; session_save(link, &session); session_wipe(&session);
 *     session_detach(link); session_store_close(store);
 *
 * Redis key: "uic:s:" + 22 base64url characters of HMAC-SHA256(address_key, address). Value: sealed
 * (store/base/seal.h) under a subkey of seal_key, with the Redis key as label; in it are the bytes,
 * and a note of the mark that stands beside them. The mark of an expired session lives under
 * "uic:m:" for mark_ttl_ms.
 */
#ifndef STORE_SESSIONS_H
#define STORE_SESSIONS_H

#include "store/health.h"
#include "store/ticket.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_link;

#define SESSION_KEY_SIZE 32
#define SESSION_BYTES_MAX 6656
#define SESSION_MARK_MAX 16
/* "uic:s:" + 22 characters + NUL. */
#define SESSION_NAME_MAX 32
/* The head of a sealed value (version byte, key, time, nonce), unique for every save. */
#define SESSION_VERSION_SIZE 21

/* Of the hash that names a session, the bytes that the name does not show. */
#define SESSION_WHO_SIZE 16

/* A mark that does not change is written so often in its life at most, not with each message: it
 * may end this part of its life sooner after the last save. */
#define SESSION_MARK_WRITES 24

struct session_settings {
    bool in_redis; /* else in this process's memory */
    unsigned char address_key[SESSION_KEY_SIZE];
    unsigned char seal_key[SESSION_KEY_SIZE];
    unsigned ttl_ms;        /* of a session, from its last save */
    unsigned mark_ttl_ms;   /* of the mark, from when it was written last */
    unsigned in_flight_max; /* Redis commands under way on one link */
    size_t memory_max;      /* sessions that the memory backend holds */
    unsigned replicas;      /* of Redis, that must have a save before it counts as done */
};

struct session_store;
struct session_link;

/* Copies the settings. Returns NULL with error. */
struct session_store *session_store_open(const struct session_settings *settings,
                                         char error[ERROR_MAX]);
/* After every link is detached. */
void session_store_close(struct session_store *store);

/* redis is the thread's prompt link, borrowed; not used in memory. watch is copied and may be
 * NULL. */
struct session_link *session_attach(struct session_store *store, struct redis_link *redis,
                                    const struct store_watch *watch, char error[ERROR_MAX]);
/* Tickets under way finish with STORE_DOWN before this returns: their `done` is called from here,
 * the one exception to the ticket's rule. */
void session_detach(struct session_link *link);
/* Whether an operation started now has a chance. */
bool session_link_up(const struct session_link *link);
/* Why Redis refuses sessions, and what it may lose, as far as it was found; of memory nothing. */
const struct redis_health *session_link_health(const struct session_link *link);

/* The mark that stands beside a session, as it is sealed behind the session's bytes: so the mark
 * itself is opened only when the session is gone. */
struct session_note {
    uint64_t saved_s; /* when, seconds since 1970, little-endian */
    uint8_t layout;
    uint8_t mark_length; /* 255: not known */
    unsigned char mark[SESSION_MARK_MAX];
    unsigned char unused[6];
};

/* What the store has. */
struct session_known {
    unsigned char version[SESSION_VERSION_SIZE];
    size_t version_length; /* 0: no session */
    struct session_note note;
};

/* One session being handled; embedded in the caller. */
struct session {
    struct store_ticket ticket;
    /* load: out; save: in; in clear. One room of the link, for SESSION_BYTES_MAX, serves all its
     * sessions: what is loaded is to be read and wiped before anything else is asked of the link, or
     * control goes back to the loop; what is to be saved is written there just before. */
    unsigned char *bytes;
    size_t length;                        /* save with 0 deletes the session */
    unsigned char mark[SESSION_MARK_MAX]; /* load: out; save: in, length 0 deletes the mark */
    size_t mark_length;
    /* Out: who it is, for this process alone; no store has it. */
    unsigned char who[SESSION_WHO_SIZE];
    /* The store's own: */
    struct session_link *link;
    char name[SESSION_NAME_MAX], mark_name[SESSION_NAME_MAX];
    unsigned subkey;            /* under which both are sealed: the first 12 bits of the name */
    bool too_old;               /* the session or the mark that was found is older than its life */
    bool asked_time;            /* whether Redis's clock says so was asked once more */
    struct session_known known; /* from the last load or save */
    struct session_known next;  /* once the save under way is done */
};

/* Prepares for one person's session; address is at most 128 opaque bytes. The caller then sets
 * ticket.done. */
void session_init(struct session_link *link, struct session *session, const char *address,
                  size_t address_length);

/* STORE_OK with bytes; STORE_ABSENT with length 0 and perhaps a mark; STORE_DOWN; STORE_REFUSED;
 * STORE_FULL; STORE_LATER. A value that cannot be opened (other salt, damaged), or that was sealed
 * longer ago than its life, by Redis's clock, counts as absent. */
enum store_status session_load(struct session_link *link, struct session *session);

/* Saves if nobody saved since the load, and renews both lives, a mark's that did not change only
 * when a part of it has passed: STORE_OK; STORE_CONFLICT (load again); STORE_DOWN: nobody knows
 * whether it was saved; STORE_UNREPLICATED: it was, and a failover may lose it; STORE_REFUSED: it
 * was not; STORE_FULL; STORE_LATER. */
enum store_status session_save(struct session_link *link, struct session *session);

/* The bytes, which are nobody's any more. */
void session_wipe(struct session *session);

/* Whether a failover may lose what was loaded: settings.replicas are asked for, and it may be that
 * a save, ours or another's, is not with them yet. Who saves it again will know. */
bool session_may_be_lost(const struct session *session);

/* Deletes the session whatever its version, and its mark unless keep_mark (then it is as if the
 * session had expired). No load is needed before: STORE_OK; STORE_ABSENT when there was nothing to
 * delete; STORE_DOWN; STORE_REFUSED; STORE_FULL; STORE_LATER. A message of the person that is being
 * handled meanwhile meets a conflict, and begins anew. */
enum store_status session_forget(struct session_link *link, struct session *session,
                                 bool keep_mark);

#endif
