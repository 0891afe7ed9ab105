/*
 * Private to the replies: the link, and what keeps replies behind it. A backend keeps sealed
 * replies in the order of putting, a queue for each person, and leases the first of each to a
 * consumer, which hands it to the sender and tells the backend how it ended.
 */
#ifndef STORE_REPLIES_BACKEND_H
#define STORE_REPLIES_BACKEND_H

#include "store/base/keyed_hash.h"
#include "store/redis/link.h"
#include "store/replies.h"
#include "store/replies/entry.h"

#include <sys/queue.h>

/* What Meta documents of messages to one person: one in so many ms, of which some may come at once
 * and are then waited for, so many ms ahead. */
#define PACE_MS 6000
#define PACE_AHEAD_MS (44 * PACE_MS)

/* Replies taken at once. */
#define TAKE_MAX 32

struct replies_store {
    const struct replies_backend *backend;
    struct replies_settings settings;
    struct seal_keys *keys;
    struct replies_memory *memory; /* NULL in Redis */
};

/* A reply that was taken, and how its lease ends. */
struct replies_item {
    struct reply reply; /* first; its texts lie in clear */
    TAILQ_ENTRY(replies_item) next;
    struct replies_link *link;
    uint64_t who;
    int64_t lease_end;
    unsigned char token[REPLY_TOKEN_SIZE];
    size_t token_length; /* shorter when it was damaged */
    bool over, sent;     /* else it is put off */
    int64_t delay_ms;
    unsigned char tail[REPLY_TAIL_SIZE];
    size_t size;
    unsigned char clear[];
};

TAILQ_HEAD(replies_items, replies_item);

struct replies_link {
    struct replies_store *store;
    struct seal *seal;
    struct keyed_hash *addresses;
    struct redis_lane puts, takes; /* in memory on no link */
    struct replies_sender sender;
    struct replies_watch watch;
    /* The consumer's: */
    struct event *look; /* NULL: the link only puts */
    struct replies_items out, unsettled;
    unsigned held; /* out, being settled, unsettled */
    bool taking, again, resting, stopped;
    int64_t took_at;
    uint64_t length;
    int64_t oldest_age_ms; /* of all that wait, by the queue's own clock */
    char told[ERROR_MAX];  /* the last trouble */
};

/* A reply as it is kept. */
struct replies_kept {
    uint64_t who; /* whose it is: a keyed hash of the address */
    const unsigned char *bytes;
    size_t length;
};

/* What a take found. */
struct replies_taken {
    uint64_t length;       /* of all that wait */
    int64_t oldest_age_ms; /* of these */
    int64_t wait_ms;       /* until something is due, or allowed */
    int64_t lease_end;     /* by the queue's clock; tells this lease from others */
    size_t count;
    struct replies_kept kept[TAKE_MAX];
};

/* take and settle return STORE_LATER, and then, perhaps from within, the consumer is told once how
 * it ended; or another status, and it is not told. */
struct replies_backend {
    enum store_status (*put)(struct replies_link *link, struct replies_entry *entry,
                             const struct replies_kept *kept);
    /* most is TAKE_MAX at most. */
    enum store_status (*take)(struct replies_link *link, unsigned most);
    enum store_status (*settle)(struct replies_item *item);
    enum store_status (*newest)(struct replies_link *link, uint64_t who,
                                struct replies_newest *newest);
};

extern const struct replies_backend replies_in_memory, replies_in_redis;

/* settings is borrowed. Returns NULL when memory is out. */
struct replies_memory *replies_memory_create(const struct replies_settings *settings);
void replies_memory_free(struct replies_memory *memory);

/* The consumer of a link, which has a sender. Begins when the loop runs. Returns 0, or -1 when
 * memory is out. */
int replies_consumer_start(struct replies_link *link, struct event_base *base);
/* Cancels what is out. The backend may tell of ends until it is freed. */
void replies_consumer_stop(struct replies_link *link);
void replies_consumer_free(struct replies_link *link);
/* Something was put on this link, or the store can be reached again. */
void replies_consumer_wake(struct replies_link *link);

/* From the backend: how its operations ended. */

/* NULL: it failed. */
void replies_consumer_taken(struct replies_link *link, const struct replies_taken *taken);
void replies_consumer_settled(struct replies_item *item);
void replies_consumer_unsettled(struct replies_item *item);

#endif
