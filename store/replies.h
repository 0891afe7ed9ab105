/*
 * Replies on their way to people: put once, kept until they were sent, sent in order for each
 * person, whichever instance put them. In Redis, each sealed like a session; or in the memory of
 * the process, lost with it.
 *
 *     struct replies_store *store = replies_open(&settings, error);                        once
 *     struct replies_link *link =                                                in each thread
 *         replies_attach(store, base, &links, &sender, &watch, error);
 *     entry.ticket.done = ...; entry.address = ...; entry.body = ...;
 *     replies_put(link, &entry);
 *     replies_detach(link); replies_close(store);
 *
 * A link with a sender takes replies that are due, as many as its sender has room for, each with a
 * lease: of one person one at a time, of all people together in no second more than the store
 * allows. One person gets 45 at once and then one in six seconds, as Meta documents.
 *
 * What another salt has sealed is put off, again and again, for those who have that salt.
 *
 * A reply is sent again if its end was not told before its lease ended, after a crash or while
 * Redis was away: at least once, and rarely twice. Needs Redis 6.2.
 */
#ifndef STORE_REPLIES_H
#define STORE_REPLIES_H

#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct redis_links;

#define REPLIES_KEY_SIZE 32
#define REPLY_ADDRESS_MAX 160
#define REPLY_BODY_MAX 8192
/* Nobody is put off for longer. */
#define REPLY_DELAY_MAX_MS 3600000

struct replies_settings {
    bool in_redis; /* else in memory */
    unsigned char seal_key[REPLIES_KEY_SIZE];
    unsigned char address_key[REPLIES_KEY_SIZE]; /* address -> whose it is */
    unsigned in_flight_max;                      /* replies being put at once, on one link */
    uint64_t length_max;                         /* replies that may wait */
    int64_t put_ttl_ms;  /* for so long a key that was put is known, and a person's newest reply */
    int64_t age_max_ms;  /* an older reply, by our clock and the queue's, is dropped */
    unsigned per_second; /* replies handed out in any second, by all links of all instances; 0: any
                            number */
    unsigned lease_ms;   /* of what is handed out: it comes to its end in three quarters of it */
    unsigned look_ms;    /* between two looks for what is due, when nothing tells of it */
};

struct replies_store;
struct replies_link;

/* Copies the settings. Returns NULL with error. */
struct replies_store *replies_open(const struct replies_settings *settings, char error[ERROR_MAX]);
/* After every link is detached. */
void replies_close(struct replies_store *store);

/* One reply being put; embedded in the caller. */
struct replies_entry {
    struct store_ticket ticket;
    const char *address; /* of the person, opaque; this and body are read during replies_put only */
    size_t address_length;
    const void *body; /* what the sender will send, opaque */
    size_t body_length;
    int64_t created_ms; /* since 1970 */
    uint64_t key;       /* of this reply: put again with the same one, it is not sent again */
    struct replies_link *link; /* the store's own */
};

/* STORE_OK: it will be sent, now or when it was put with this key before. STORE_FULL: too many
 * wait, or are being put. STORE_DOWN: Redis is away, or address or body are too long; it may be
 * kept all the same, and putting it again does no harm. STORE_LATER. */
enum store_status replies_put(struct replies_link *link, struct replies_entry *entry);

/* Which reply a person has last; embedded in the caller. */
struct replies_newest {
    struct store_ticket ticket;
    const char *address; /* read during replies_newest only */
    size_t address_length;
    uint64_t id; /* out: the sent_id that its sender gave it */
};

/* STORE_OK with the id. STORE_ABSENT: it is not known, for one is on its way, or was sent without a
 * sent_id, or long ago, or somewhere else than in this store. STORE_DOWN; STORE_FULL;
 * STORE_LATER. */
enum store_status replies_newest(struct replies_link *link, struct replies_newest *newest);

/* A reply that was handed out: the store's, and constant, until reply_done or cancel. */
struct reply {
    const char *address; /* ends with a NUL that does not count */
    size_t address_length;
    const char *body; /* likewise */
    size_t body_length;
    int64_t created_ms;
    unsigned attempts; /* times that it ended with REPLY_LATER before, 255 at most */
    unsigned memo;     /* the sender's own, 255 at most: 0 at first, kept from one attempt to the
                          next, whoever makes it */
    void *arg;         /* of the sender that it is handed to */
    void *transfer;    /* the sender's own, while it is handed out */
    uint64_t sent_id;  /* the sender's, of one that was sent: for replies_newest; 0: none */
};

enum reply_end {
    REPLY_SENT,
    REPLY_REFUSED, /* it cannot be sent, ever */
    REPLY_LATER,   /* handed out again after a time; only this person's replies wait */
};

/* Ends a hand-out, on the link's thread, also from within `send`. delay_ms is for REPLY_LATER. When
 * Redis is away, the end is told to it as soon as it is back; only if another took the reply
 * meanwhile, because the lease had ended, it is sent twice. */
void reply_done(struct reply *reply, enum reply_end end, int64_t delay_ms);

/* Who sends; called on the link's thread. */
struct replies_sender {
    void (*send)(struct reply *reply);
    /* The link is being detached: what is under way is to be broken off, and reply_done not
     * called. */
    void (*cancel)(struct reply *reply);
    void *arg;               /* of each reply that is handed out */
    unsigned handed_out_max; /* at once */
};

/* Why a reply was given up unsent. */
enum reply_drop {
    REPLY_TOO_OLD,
    REPLY_DAMAGED, /* it does not open */
};

/* What a link tells its owner, on the link's thread. */
struct replies_watch {
    struct store_watch connection; /* of Redis; memory tells nothing */
    /* About each second: how many replies wait, those that are handed out too. */
    void (*length)(void *arg, uint64_t length, int64_t oldest_age_ms);
    void (*dropped)(void *arg, enum reply_drop drop);
    /* What waits cannot be taken, or does not end: one line without secrets, each reason once. */
    void (*trouble)(void *arg, const char *why);
    void *arg;
};

/* redis is borrowed and not used in memory: all goes by the prompt link. sender and watch are
 * copied; with sender NULL, the link only puts; watch may be NULL. Returns NULL with error. */
struct replies_link *replies_attach(struct replies_store *store, struct event_base *base,
                                    const struct redis_links *redis,
                                    const struct replies_sender *sender,
                                    const struct replies_watch *watch, char error[ERROR_MAX]);
/* Replies being put finish with STORE_DOWN before this returns: their `done` is called from here,
 * the one exception to the ticket's rule; those handed out are cancelled. */
void replies_detach(struct replies_link *link);

/* Whether a put now has a chance. */
bool replies_link_up(const struct replies_link *link);

/* Before the end: no reply is handed out any more, and what comes to its end is given back; in
 * memory, where nobody else would send them, all go on instead. */
void replies_rest(struct replies_link *link);
/* Whether nothing is left to wait for after replies_rest. */
bool replies_at_rest(const struct replies_link *link);

/*
 * Erasing a person's replies that wait in Redis. Blocks: for the command line; servers may run
 * meanwhile, and what one of them has in hand just now may still be sent. With dry_run they are
 * only counted. Returns 0 with *found, or -1 with error.
 */
struct redis_call;
int replies_erase(const struct replies_settings *settings, struct redis_call *call,
                  const char *address, bool dry_run, size_t *found, char error[ERROR_MAX]);

#endif
