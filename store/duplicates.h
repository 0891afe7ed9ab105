/*
 * Records that may be of one person twice: pairs that agree in four of five answers, or in all that
 * the code shows, found step by step behind the claims; pairs that people and administrators name;
 * and what administrators decide of them. Of a pair that is one person the older record counts: the
 * other one's same_as says so, and each keeps its code. What people are told never depends on any
 * of it.
 *
 *     duplicates_build(link, &build)                     a server, once in a while
 *     reader = duplicates_open(url, DUPLICATES_OPEN, error);       the command line; these block
 *     while ((found = duplicates_next(reader, &pair, error)) > 0) ...
 *     duplicates_close(reader);
 *     duplicates_decide(url, &decision, &decided, error);
 */
#ifndef STORE_DUPLICATES_H
#define STORE_DUPLICATES_H

#include "store/records.h"

/* In what a pair may differ while the rest agrees; a record's near has a hash for each. Of SOUND all
 * sounds agree, and nothing but the spelling differs. */
enum duplicates_kind {
    DUPLICATES_SOUND,
    DUPLICATES_PLACE,
    DUPLICATES_YEAR,
    DUPLICATES_DAY,
    DUPLICATES_KINDS
};

/* Records that one step looks at, and compares, at most. */
#define DUPLICATES_LOOK 5000
#define DUPLICATES_COMPARE 500
/* A hash that so many records have says nothing of another one: it is in no pair for it. */
#define DUPLICATES_CROWD 8

/*
 * A step through the records in the order of their ids, each record once: uic_marks holds how far
 * all instances are. Records without near are passed over. A record that is committed after others
 * with a higher id is not missed when until_id is what newest_id was a minute before.
 */
struct duplicates_build {
    struct store_ticket ticket;
    /* In: */
    int at[DUPLICATES_KINDS]; /* which of near's hashes it is; -1: none */
    bool code_shows;          /* what stands before the code's last hyphen is of the answers */
    int64_t until_id;         /* records up to here only */
    /* Out: */
    int64_t newest_id; /* the newest record */
    bool more;         /* there may be records up to until_id; false too while others are at it */
    struct record_errand errand;
};

/* STORE_LATER, then STORE_OK or, within five seconds, STORE_DOWN; or STORE_DOWN or STORE_FULL at
 * once. */
enum store_status duplicates_build(struct record_link *link, struct duplicates_build *build);

/* Which pairs. */
enum duplicates_filter { DUPLICATES_OPEN, DUPLICATES_DECIDED, DUPLICATES_ALL };

struct duplicates_pair {
    int64_t number;
    char codes[2][RECORD_CODE_MAX]; /* the second one: "" where these answers have no code */
    char counts[RECORD_CODE_MAX];   /* the code that counts for the first one */
    /* Static: place, year, day, spelling, code (its readable part agrees), said (by the person
     * alone) or hand (an administrator's). */
    const char *why;
    const char *said, *decision; /* static: same or different; or NULL */
};

struct duplicates_reader;

/* Of a prepared database. Returns NULL with error. */
struct duplicates_reader *duplicates_open(const char *url, enum duplicates_filter filter,
                                          char error[ERROR_MAX]);
/* How many records there are. Before the first pair. Returns 0, or -1 with error. */
int duplicates_records(struct duplicates_reader *reader, int64_t *records, char error[ERROR_MAX]);
/* The next pair, the one that was found first first. Returns 1; 0 after the last; -1 with error. */
int duplicates_next(struct duplicates_reader *reader, struct duplicates_pair *pair,
                    char error[ERROR_MAX]);
void duplicates_close(struct duplicates_reader *reader);

enum duplicates_verdict { DUPLICATES_SAME, DUPLICATES_DIFFERENT, DUPLICATES_UNDONE };

/* Of a pair by its number; or of two codes, listed or not, with number 0. */
struct duplicates_decision {
    enum duplicates_verdict verdict;
    int64_t number;
    const char *codes[2];
    const char *author; /* for the audit */
    int64_t now_us;
};

struct duplicates_decided {
    int64_t changed;              /* records for which another code counts than before */
    char counts[RECORD_CODE_MAX]; /* the one that counts for the first of the two */
    int64_t number;               /* of the pair that stands against it */
};

#define DUPLICATES_ABSENT 1    /* no such pair, or no such code */
#define DUPLICATES_UNCHANGED 2 /* it was so already */
#define DUPLICATES_APART 3     /* not the same: another pair of them was found to be different */
#define DUPLICATES_TOGETHER 4  /* not different: others that were found to be the same link them */

/* With a line in uic_audit, which does not say of whom. Blocks. Returns 0; one of these, and
 * nothing is changed; or -1 with error. */
int duplicates_decide(const char *url, const struct duplicates_decision *decision,
                      struct duplicates_decided *decided, char error[ERROR_MAX]);

#endif
