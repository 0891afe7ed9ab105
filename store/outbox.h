/*
 * The outbox: records on their way to a database that does not answer, durable in the Redis stream
 * "uic:outbox", each sealed like a session. The person has the code already; any instance writes
 * the record when the database is back.
 *
 *     struct outbox_link *outbox = outbox_attach(&settings, base, redis, records, &watch,
 *                                                error);
 *     entry.ticket.done = ...; entry.claim = &claim; outbox_put(outbox, &entry);
 *     outbox_detach(outbox);
 *
 * Every link that was attached with drain set also takes part in emptying the stream: a consumer
 * group for each salt, which leaves other salts' entries alone, entries of dead instances claimed
 * after a while, batches bounded, backoff with jitter while the database is away. Writing is
 * idempotent by the claim's event id. An entry may wait for as long as it takes; but one that is
 * more than a day older than the last look that found the stream empty was put back there by
 * somebody, and is not written. Needs Redis 6.2.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/records.h"
#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct record_identifiers;
struct redis_link;
struct seal_keys;

/* Of the key of the list of erased people. */
#define OUTBOX_ERASED_KEY_SIZE 32

struct outbox_settings {
    const struct seal_keys *keys;                     /* borrowed */
    unsigned char erased_key[OUTBOX_ERASED_KEY_SIZE]; /* of the list of erased people */
    unsigned in_flight_max;                           /* entries being put at once */
    unsigned replicas;     /* of Redis, that must have an entry before it counts as put */
    uint64_t length_max;   /* of this salt's entries in the stream: beyond it nothing is taken */
    uint64_t length_alarm; /* of the stream: a put that goes beyond has the watch told at once */
    bool drain;            /* this link empties the stream too */
};

/* What the outbox tells its owner, on the link's thread; replicated may be NULL where none are
 * asked for. */
struct outbox_watch {
    /* Entries waiting, from each look at the stream that found some, and from the first that found
     * none again: about each second. */
    void (*length)(void *arg, uint64_t length, int64_t oldest_age_ms);
    /* An entry was written to the database; or never can be (the code is another person's by now,
     * the bytes do not open, somebody put it back): then it is kept in the stream
     * "uic:outbox:refused", and `why` says so, one line without secrets. Also told when the stream
     * itself cannot be read. Or it was of somebody who was erased since, and is gone. */
    void (*written)(void *arg);
    void (*refused)(void *arg, const char *why);
    void (*dropped)(void *arg, const char *why);
    /* So many entries are left alone in the stream: they were sealed under another salt, or by a
     * later program. Told when it changes. */
    void (*foreign)(void *arg, uint64_t entries);
    /* So many entries that were put are with the replicas that settings.replicas asks for; or are
     * not, and why, in Redis's words where it refused to wait. */
    void (*replicated)(void *arg, size_t entries, const char *why_not);
    void *arg;
};

struct outbox_link;

/* settings and watch are copied. redis, the thread's patient link, and records, on which drained
 * entries are claimed, are borrowed; detach the outbox first. Returns NULL with error. */
struct outbox_link *outbox_attach(const struct outbox_settings *settings, struct event_base *base,
                                  struct redis_link *redis, struct record_link *records,
                                  const struct outbox_watch *watch, char error[ERROR_MAX]);
/* Entries being put finish with STORE_DOWN before this returns: their `done` is called from here,
 * the one exception to the ticket's rule. Claims under way on records end by themselves, and their
 * entries stay in the stream. Not to be called from a `done` or the watch. */
void outbox_detach(struct outbox_link *link);

/* One record being put; embedded in the caller. */
struct outbox_entry {
    struct store_ticket ticket;
    const struct record_claim *claim; /* read during outbox_put only */
    struct outbox_link *link;         /* the store's own */
};

/* In one round trip: STORE_LATER, then STORE_OK (it is in the stream), STORE_FULL (the stream has
 * length_max entries of this salt); or it may be in the stream all the same: STORE_DOWN (Redis is
 * away), STORE_UNREPLICATED (too few replicas had it within a second). At once: STORE_DOWN or
 * STORE_FULL. */
enum store_status outbox_put(struct outbox_link *link, struct outbox_entry *entry);

/*
 * Erasing a person from the outbox: from the records on their way, and from those that were refused
 * and kept. Blocks: for the command line; servers may run meanwhile.
 */
struct redis_call;

struct outbox_erasure {
    const struct seal_keys *keys;
    const struct record_identifiers *person; /* or NULL, then the entries of this code */
    const char *code;
    bool delete;  /* the entries go; else they stay without their numbers */
    bool dry_run; /* they are only counted */
    /* Out: */
    size_t found;
    /* The input hash of one that waits; what was refused may be another's. */
    bool has_answers;
    unsigned char answers[RECORD_HASH_SIZE];
    size_t unreadable; /* entries of another salt, or damaged: nobody knows whose */
};

/* Returns 0 or -1 with error; then some may be gone already. */
int outbox_erase(struct outbox_erasure *erasure, struct redis_call *call, char error[ERROR_MAX]);

/*
 * Looking at the outbox, and putting back what was refused. Blocks: for the command line; servers
 * may run meanwhile.
 */
enum outbox_key { OUTBOX_OURS, OUTBOX_FOREIGN, OUTBOX_DAMAGED };

/* An entry, without anything that it holds; lives during the call that brings it. */
struct outbox_seen {
    const char *id;  /* in the stream that it was put into */
    const char *why; /* it was refused: one word; NULL: not told */
    bool refused;    /* else it waits */
    int64_t age_s;   /* since it was put, by Redis's clock */
    enum outbox_key key;
};

/* Brings each entry that waits, the oldest first, then each that was refused. Returns 0, or -1 with
 * error. */
int outbox_list(struct redis_call *call, const struct seal_keys *keys,
                void (*seen)(void *arg, const struct outbox_seen *seen), void *arg,
                char error[ERROR_MAX]);
/* Takes away, for good, what another salt or a later program sealed, of what waits and of what was
 * refused. Returns 0 or -1 with error; some may be gone then. */
int outbox_delete_foreign(struct redis_call *call, const struct seal_keys *keys, size_t *deleted,
                          char error[ERROR_MAX]);
/* Puts what was refused back into the stream, as long as that holds fewer than length_max of this
 * salt. What is of these keys is sealed anew, as of now. Returns 0 or -1 with error; some may be
 * back then. */
int outbox_retry(struct redis_call *call, const struct seal_keys *keys, uint64_t length_max,
                 size_t *put_back, char error[ERROR_MAX]);

#endif
