/* Inside the store of records: what its two threads and its links share. */
#ifndef STORE_RECORDS_STORE_H
#define STORE_RECORDS_STORE_H

#include "store/records/mailbox.h"
#include "store/sql/sql.h"
#include <stdatomic.h>

struct claims_batch;

struct record_thread {
    pthread_t thread;
    struct mailbox inbox;
    bool runs;
};

struct record_store {
    char *url;
    enum sql_dialect dialect;
    unsigned char asker_key[RECORD_ASKER_KEY_SIZE];
    bool has_marks;
    struct record_marks marks;
    atomic_bool foreign, confirmed; /* by the marks */
    struct sql *first;              /* SQLite: opened with the store, for the writer */
    struct claims_batch *batch;     /* the writer's */
    struct record_thread writer, maintenance;
    atomic_bool stopping;
    /* SQLite: how far sweeps have believed a clock; INT64_MIN: nothing says so. */
    _Atomic int64_t trusted_us;
    pthread_mutex_t turn, next_turn; /* see record_turn_take */
    pthread_mutex_t mutex;
    /* Guarded by it, like all mailboxes: */
    SLIST_HEAD(, record_link) links;
    bool up;
    unsigned tellings; /* so often it was told */
    char why[ERROR_MAX];
};

struct record_link {
    struct record_store *store;
    SLIST_ENTRY(record_link) entry; /* guarded by the store's mutex */
    struct mailbox finished;
    /* Of the link's thread: */
    struct event *event;
    struct store_watch watch;
    struct record_commit_watch commits;
    struct keyed_hash *keyed;  /* makes people's hashes */
    struct record_jobs claims; /* of this pass of the loop: they leave together */
    size_t under_way;
    bool up;
    bool detaching;    /* no errand begins any more */
    unsigned tellings; /* heard */
};

/* Operations that one link may have under way. */
#define RECORD_UNDER_WAY_MAX 8192

/* By one of the store's threads: the job goes back to its link. */
void record_job_finish(struct record_job *job, enum store_status status);
/* The same: all links hear of it, before what is finished later than now, unless they know. Of a file
 * that is down, the first reason is enough. */
void record_store_tell(struct record_store *store, bool up, const char *why);
/* A connection that was found good for records, within ms. Returns NULL with error. */
struct sql *record_store_connect(struct record_store *store, int ms, char error[ERROR_MAX]);
/* Sleeps until there are jobs, or the connection (may be NULL) has something to say, or ms have
 * passed; -1: for ever. Returns SQL_DOWN when the connection has ended. */
enum sql_result record_thread_sleep(struct record_thread *thread, struct sql *sql, int64_t ms);

/*
 * SQLite has one lock for who writes, and who comes first is chance. Here each of our two threads
 * has its turn: a claim waits for one step of a sweep at most, and a sweep for one batch.
 */
void record_turn_take(struct record_store *store);
void record_turn_give(struct record_store *store);

/* marks.c: compares them on a connection, or remembers them where there are none. Returns
 * SQL_FAILED, with sql->error, when there are records and they are another salt's or flow's. */
enum sql_result record_marks_check(struct record_store *store, struct sql *sql);
/* In a transaction, before the first claims of a store that is not confirmed: without records they
 * are ours from now on, whose ever they were; with records they are compared. Until it ends nobody
 * else's first claims are written. */
enum sql_result record_marks_bind(struct record_store *store, struct sql *sql);

/* For the maintenance: begins a transaction in SQLite in its turn, however often others have the
 * lock meanwhile, until the errand is due; and ends it with its turn. The lock is to be held for
 * RECORD_HOLD_MS at most, so that a claim hardly waits for it. */
#define RECORD_HOLD_MS 25
enum sql_result record_write_begin(struct sql *sql, struct record_store *store);
enum sql_result record_write_end(struct sql *sql, struct record_store *store,
                                 enum sql_result result);

/* writer.c, maintenance.c: the threads' functions; arg is the store. */
void *record_writer_run(void *arg);
void *record_maintenance_run(void *arg);

/* On a link's thread: hands an errand, whose run is set, to the maintenance, where it is done
 * within ms. STORE_LATER, or STORE_DOWN or STORE_FULL at once. */
enum store_status record_errand_begin(struct record_link *link, struct record_errand *errand,
                                      struct store_ticket *ticket, int64_t ms);

/* totals.c, sweep.c, move.c: errands. */
enum store_status record_totals_run(struct sql *sql, struct record_errand *errand);
enum store_status record_sweep_run(struct sql *sql, struct record_errand *errand);
enum store_status record_move_run(struct sql *sql, struct record_errand *errand);

/* In uic_marks: how far sweeps have believed a clock, microseconds since 1970. */
#define RECORD_TRUSTED_MARK "retention_clock"
/* When the last backup was made. */
#define RECORD_BACKUP_MARK "last_backup"

#endif
