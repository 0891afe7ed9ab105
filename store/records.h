/*
 * Records: which code belongs to which answers, for good. Backends: SQLite (sqlite:///path) and
 * PostgreSQL (postgresql://user:password@host/database).
 *
 *     struct record_store *store = record_store_open(url, key, marks, error); once
 *     struct record_link *link = record_attach(store, base, &watch, error);   in each thread
 *     claim.ticket.done = ...; ... fill in ...; record_claim(link, &claim);
 *     record_detach(link); record_store_close(store);
 *
 * A claim inserts the record, or finds it by its input hash and counts the request, unless
 * the record remembers this event: then it changes nothing and answers as it did the first time.
 * The record remembers who asked, as keyed hashes, the newest sixteen: what a person is told
 * depends on what she asked herself. She is known by her user id, and by her number as long as no
 * id came with it; so a number that comes with another id than before is another person. Which ids
 * came with which numbers is remembered too: what a number had before there were ids is the first
 * one's.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;
struct keyed_hash;
struct sql;

#define RECORD_HASH_SIZE 32
#define RECORD_CODE_MAX 128
#define RECORD_EVENT_ID_MAX 40
/* A number of 160 bytes, sealed. */
#define RECORD_PHONE_MAX 240
/* Of a keyed hash of a user id or number; of its beginning, by which it is known who asked; as
 * hexadecimal digits, with a NUL. */
#define RECORD_PERSON_HASH_SIZE 16
#define RECORD_ASKER_SIZE 5
#define RECORD_ASKER_TEXT_MAX (2 * RECORD_ASKER_SIZE + 1)
/* What a record keeps of each of the newest people who asked: her asker, and three bytes of her
 * message. */
#define RECORD_ASKED_SIZE 8
#define RECORD_ASKERS_MAX 16
/* What a record keeps to be found by answers that are nearly its own: five keyed hashes of its
 * answers, each without one of them. */
#define RECORD_NEAR_HASHES 5
#define RECORD_NEAR_HASH_SIZE 5
#define RECORD_NEAR_SIZE (RECORD_NEAR_HASHES * RECORD_NEAR_HASH_SIZE)

/* A claim from the outbox, where whoever can write to Redis may have put it back: one that is older
 * than the erasure of whom it is of ends with STORE_ABSENT; one that is_old and that its record
 * does not know, with STORE_REFUSED. Neither writes anything. */
#define RECORD_ERASED_SIZE 16
struct record_replay {
    struct keyed_hash *erased; /* the key of the list of erased people; of the link's thread */
    bool is_old;
    int64_t made_us; /* what was erased later is not written */
    /* The store's own: */
    unsigned char who[8][RECORD_ERASED_SIZE];
    size_t who_count;
};

/* On its way to one of the store's threads, and back. All the store's own. */
struct record_job {
    STAILQ_ENTRY(record_job) entry;
    struct record_link *link;
    struct store_ticket *ticket;
    int64_t due_ms; /* monotonic */
};

/* Whoever asks, as keyed hashes under one key: her asker is the beginning of the user id's, or of the
 * number's for who has none. Both together are remembered as belonging together. */
struct record_person {
    bool has_user_id, has_number;
    bool number_is_cut; /* only its asker is known: an earlier release put it into the outbox */
    unsigned char user_id[RECORD_PERSON_HASH_SIZE];
    unsigned char number[RECORD_PERSON_HASH_SIZE];
};

/* What a person said when she was asked whether nearly the same answers are the same person's. */
enum record_said { RECORD_SAID_NOTHING, RECORD_SAID_SAME, RECORD_SAID_DIFFERENT };

struct record_claim {
    struct store_ticket ticket;
    /* In; the store keeps the claim, not copies, until it is done: */
    unsigned char input_hash[RECORD_HASH_SIZE];
    char event_id[RECORD_EVENT_ID_MAX]; /* of this message, the same when it comes again; or "" */
    /* As the record is to hold it, in clear or sealed; a user id, for who shows no number. */
    char phone_number[RECORD_PHONE_MAX];
    struct record_person person;  /* nobody: it is whoever has the number, which is clear then */
    char code[RECORD_CODE_MAX];   /* wanted; after STORE_OK the person's code */
    int64_t now_us;               /* microseconds since 1970, UTC */
    struct record_replay *replay; /* or NULL: somebody asks just now */
    bool has_near;                /* of the answers: */
    unsigned char near[RECORD_NEAR_SIZE];
    /* Look first among what this person asked for, the newest 200 records and never others', for one of
     * nearly these answers: one of its hashes is the one that is sought at the same place. */
    bool asks_near;
    unsigned char sought[RECORD_NEAR_SIZE];
    /* RECORD_SAID_SAME: the claim is of the near record, by its input_hash and code, and said_of is
     * the input hash of the answers that were given; no record is made. RECORD_SAID_DIFFERENT: the
     * claim is of the answers, and said_of is the near record's. */
    enum record_said said;
    unsigned char said_of[RECORD_HASH_SIZE];
    /* Out: */
    bool is_near; /* nothing was claimed: code and near_input_hash are the near record's */
    unsigned char near_input_hash[RECORD_HASH_SIZE];
    bool is_new;       /* registered by this event; for counting */
    bool asked_before; /* by this person, before this event; for the reply */
    /* The store's own: */
    unsigned char asked[RECORD_ASKED_SIZE];
    bool is_signed; /* somebody asks */
    struct record_job job;
};

/* What is done by the store's maintenance, which claims do not wait for. All the store's own. */
struct record_errand {
    struct record_job job;
    enum store_status (*run)(struct sql *sql, struct record_errand *errand);
    char error[ERROR_MAX]; /* after STORE_DOWN: why; may be "" */
};

/* What the totals sum: codes registered, numbers that came with their first record, requests
 * made. */
struct record_total {
    int64_t codes, phones, requests;
};

/* Pairs that are counted at most. */
#define RECORD_PAIRS_MAX 10000

/* The totals being read; embedded in the caller. */
struct record_totals {
    struct store_ticket ticket;
    /* In: */
    int64_t since_s;            /* a full hour UTC, in seconds since 1970 */
    struct record_total *hours; /* the caller's room for as many hours from then on */
    size_t hour_count;
    /* Out, besides the hours: */
    struct record_total all; /* since ever */
    int64_t pairs;           /* possible duplicates that nobody decided, RECORD_PAIRS_MAX at most */
    int64_t backup_us;       /* when the last backup was made; INT64_MIN: none that is noted */
    struct record_errand errand;
};

struct record_store;
struct record_link;

/* Creates or migrates the tables; idempotent, safe when two do it at once. Blocks: for the command
 * line and the start. Returns 0 with report saying in one line what was done, -1 with error, or
 * RECORD_AWAY with error when the database's server cannot be reached just now, does not answer
 * within seconds, or keeps us waiting for a lock that somebody holds. */
#define RECORD_AWAY (-2)
int record_store_prepare(const char *url, char report[ERROR_MAX], char error[ERROR_MAX]);

/* Whether the database can be reached and has its tables; blocks. Returns 0, or -1 with error. */
int record_store_probe(const char *url, char error[ERROR_MAX]);

/*
 * Something that a prepared database belongs to: a short name and what stands for it. The value
 * that is told with remember is kept, and from the first record on later ones are compared with it:
 * without records it binds nobody. Blocks. Returns 0 when they are the same (or nothing is kept),
 * RECORD_DIFFERS, RECORD_AWAY, or -1 with error.
 */
#define RECORD_DIFFERS 1
int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[ERROR_MAX]);

/* The check values of salt and flow, as marks. */
#define RECORD_MARK_MAX 33
struct record_marks {
    char salt[RECORD_MARK_MAX], flow[RECORD_MARK_MAX];
};

/* Opens a prepared database. The key is for the hashes of who asked. Each connection begins with
 * comparing the marks, and the first code binds a database without records to them; NULL: it
 * belongs to nobody. Both are copied. Returns NULL with error. */
#define RECORD_ASKER_KEY_SIZE 32
struct record_store *record_store_open(const char *url,
                                       const unsigned char asker_key[RECORD_ASKER_KEY_SIZE],
                                       const struct record_marks *marks, char error[ERROR_MAX]);
/* Whether a connection found that the database is of another salt or flow: the links are told that
 * it is down, with the reason. It stays so. */
bool record_store_foreign(const struct record_store *store);
/* Whether the database, which has records, was found to be of these marks. */
bool record_store_confirmed(const struct record_store *store);
/* After every link is detached. */
void record_store_close(struct record_store *store);

struct record_link *record_attach(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[ERROR_MAX]);
/* Waits for claims under way; their `done` is called from here. Never from inside a `done`. */
void record_detach(struct record_link *link);

/* Is told of each committed transaction with claims of this link (of several links: one is told):
 * how many claims it had, and how long it took. On any thread, perhaps under a lock: to count, and
 * nothing else. */
struct record_commit_watch {
    void (*committed)(void *arg, size_t claims, int64_t took_us);
    void *arg;
    /* May be NULL: a claim was refused alone, as a row that another transaction holds; once a
     * minute. */
    void (*refused)(void *arg, const char *why);
};
/* Before the link's first claim. watch is copied. */
void record_watch_commits(struct record_link *link, const struct record_commit_watch *watch);

/* Whether the last transaction went well. */
bool record_link_up(const struct record_link *link);

/* STORE_LATER; or STORE_FULL when too many claims wait. Later: STORE_OK, committed; STORE_CONFLICT
 * when the wanted code is another person's (claim again with a longer one); STORE_ABSENT when a
 * near record that is said to be the same is there no more (claim the answers as they are);
 * STORE_DOWN. */
enum store_status record_claim(struct record_link *link, struct record_claim *claim);

/* Reads totals that the database keeps itself, in a few milliseconds however many records there
 * are. STORE_LATER, then STORE_OK, or STORE_DOWN within two seconds; or STORE_DOWN at once. */
enum store_status record_totals(struct record_link *link, struct record_totals *totals);

/* Rows that one step of a sweep looks at, and removes, at most. */
#define RECORD_SWEEP_LOOK 5000
#define RECORD_SWEEP_REMOVE 500

/* What a sweep would take, and by which clock. */
struct record_survey {
    int64_t now_us; /* the earlier of the server's clock and the database's */
    int64_t
        trusted_us;    /* so far sweeps have believed a clock: see record_sweep; INT64_MIN: never */
    int64_t newest_us; /* when somebody asked last; INT64_MIN: there is no record */
    int64_t records;
    int64_t due; /* nobody asked for them in the age before now_us */
};

/*
 * A step of a sweep through all records, which either counts those that are due, or removes them,
 * with a line about it in uic_audit, in a transaction of their own. The last step of counting moves
 * on, by a day at most, how far the database trusts clocks: a clock that is years ahead stays
 * unbelieved for months, whatever is written by it meanwhile.
 */
struct record_sweep {
    struct store_ticket ticket;
    /* In: */
    bool removes;
    int64_t age_us;
    /* In: now_us, our clock; the step lowers it to the database's, and adds what it saw. */
    struct record_survey survey;
    int64_t after_id; /* in: where to go on, at first 0; out: where the next step does */
    /* Out: */
    unsigned removed;
    bool more; /* there may be records behind after_id */
    struct record_errand errand;
};

/* One after the other; claims go on meanwhile. STORE_LATER, then STORE_OK or, within five seconds,
 * STORE_DOWN; or STORE_DOWN or STORE_FULL at once. */
enum store_status record_sweep(struct record_link *link, struct record_sweep *sweep);

/*
 * A person has another number, or another user id, than before: her records stand under the new one
 * from then on, and what she asked for is hers. Done again, it changes nothing. In steps, the last of
 * which says to all instances that it is done.
 */
struct record_move_text {
    char from[RECORD_PHONE_MAX]; /* in clear; "": what stands in records stays */
    char from_sealed[RECORD_PHONE_MAX];
    char to[RECORD_PHONE_MAX]; /* as records are to hold it */
};
struct record_move {
    struct store_ticket ticket;
    /* In: */
    struct record_move_text number, hidden; /* hidden: a user id in place of a number */
    /* What is known of each side; to has a user id, the one that she had where no other is known. */
    struct record_person from, to;
    uint64_t message; /* the keyed hash of the one that tells of it; 0: it is not remembered */
    int64_t at_us;    /* what the number alone registered or asked for later is not hers */
    /* Out: */
    bool was_done; /* it was carried out before, by whomever, and nothing was done */
    bool more;     /* there is a next step, of the same struct */
    /* The store's own: */
    const unsigned char *user_ids[2]; /* of from and to; both the same where one is known */
    bool own_moved;                   /* her own records are */
    int64_t asked_after;              /* and what she asked for, up to this record */
    struct record_errand errand;
};

/* One step. STORE_LATER, then STORE_OK or, within five seconds, STORE_DOWN; or STORE_DOWN or
 * STORE_FULL at once. */
enum store_status record_move(struct record_link *link, struct record_move *move);

#endif
