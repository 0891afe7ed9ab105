/*
 * Private to the replies: what a backend is to the front (replies.c) and to the drain. The front
 * seals; a backend keeps sealed replies in the order of putting, in partitions, and says who may
 * send a partition's. A backend's store and link begin with the structs below.
 */
#ifndef STORE_REPLIES_BACKEND_H
#define STORE_REPLIES_BACKEND_H

#include "store/replies.h"
#include "store/replies/entry.h"

#define REPLIES_PARTITIONS 16
/* Digits of a 64-bit number twice, '-', NUL. */
#define REPLY_ID_MAX 42

struct replies_store {
    const struct replies_backend *backend;
    struct replies_settings settings;
};

struct replies_link {
    struct replies_store *store;
    struct seal *seal;
    struct replies_drain *drain; /* NULL: it only puts */
    struct store_watch connection;
};

/* A sealed reply as it is kept. */
struct replies_kept {
    const char *id; /* of the entry, unique and growing in its partition */
    uint64_t who;   /* whose it is: a keyed hash of the address */
    const unsigned char *sealed;
    size_t length;
};

/* What a link asks for about each second. */
struct replies_lease_wish {
    const char *owner; /* a name that no other link has */
    unsigned life_ms;  /* of the lease */
    bool take;         /* free partitions, up to its share */
    bool keep[REPLIES_PARTITIONS];
};

struct replies_lease {
    unsigned share; /* partitions that are fair for this link to have */
    int64_t oldest_age_ms;
    bool mine[REPLIES_PARTITIONS];
    uint64_t length[REPLIES_PARTITIONS];
};

/* From where to read a partition. */
struct replies_place {
    unsigned partition;
    const char *after; /* an id */
};

struct replies_item;

/* Each operation of the drain returns STORE_LATER, and then, perhaps from within, the drain is told
 * once how it ended; or another status, and the drain is not told. */
struct replies_backend {
    struct replies_store *(*open)(const struct replies_settings *settings,
                                  char error[STORE_ERROR_MAX]);
    void (*close)(struct replies_store *store);
    /* `changed` gets the link. */
    struct replies_link *(*attach)(struct replies_store *store, const struct redis_links *redis,
                                   void (*changed)(void *arg, bool up, const char *why),
                                   char error[STORE_ERROR_MAX]);
    void (*detach)(struct replies_link *link);
    bool (*up)(const struct replies_link *link);
    /* kept->id is not used. */
    enum store_status (*put)(struct replies_link *link, struct replies_entry *entry,
                             const struct replies_kept *kept);
    enum store_status (*lease)(struct replies_link *link, const struct replies_lease_wish *wish);
    /* At most `most` replies of each partition. */
    enum store_status (*read)(struct replies_link *link, const struct replies_place *places,
                              size_t count, unsigned most);
    enum store_status (*remove)(struct replies_link *link, unsigned partition, const char *id,
                                struct replies_item *item);
    /* Notes that the reply with this id in the store was sent, if no other of this person was put
     * since; nobody hears how that went. */
    void (*note)(struct replies_link *link, uint64_t who, const char *id, uint64_t sent_id);
    enum store_status (*newest)(struct replies_link *link, uint64_t who,
                                struct replies_newest *newest);
    bool lasting; /* what is kept outlives the process */
};

extern const struct replies_backend replies_memory;
extern const struct replies_backend replies_redis;

/* In Redis, the key of what a person has last. */
#define REPLIES_NAME_MAX 48
void replies_newest_name(uint64_t who, char name[REPLIES_NAME_MAX]);

/* Whose replies those to an address are. Returns 0, or -1 when the cryptographic library fails. */
int replies_who(const unsigned char address_key[REPLIES_KEY_SIZE], const char *address,
                size_t length, uint64_t *who);

/* The partition of a person. */
static inline unsigned replies_partition(uint64_t who)
{
    return (unsigned)(who % REPLIES_PARTITIONS);
}

#endif
