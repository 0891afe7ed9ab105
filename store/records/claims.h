/* A batch of claims and the statements that write it, for each dialect. Blocks; knows no
 * threads. */
#ifndef STORE_RECORDS_CLAIMS_H
#define STORE_RECORDS_CLAIMS_H

#include "store/records.h"
#include "store/sql/sql.h"

struct record_store;

/* Claims in one transaction at most: in PostgreSQL's one statement, and in any. */
#define CLAIMS_STATEMENT_MAX 256
#define CLAIMS_BATCH_MAX 512

/* What becomes of a claim, kept beside it until the commit: after a failure it still says what was
 * wanted. */
struct claim_outcome {
    enum store_status status; /* STORE_LATER: it has to be made again */
    bool is_new;
    bool asked_before;
    bool is_near;
    char code[RECORD_CODE_MAX];
    unsigned char near_input_hash[RECORD_HASH_SIZE];
};

/* A parameter of PostgreSQL's statement: an array in binary form. */
#define CLAIMS_ELEMENT_MAX 240
#define CLAIMS_ARRAYS 10
struct claims_array {
    size_t length;
    char bytes[20 + CLAIMS_STATEMENT_MAX * (4 + CLAIMS_ELEMENT_MAX)];
};

struct claims_batch {
    /* The one that came first is first; all are replays, or none; one that says something is alone. */
    struct record_claim *claims[CLAIMS_BATCH_MAX];
    size_t count;
    char refused[ERROR_MAX]; /* why one was, alone */
    struct claim_outcome outcomes[CLAIMS_BATCH_MAX];
    /* Those that are in the arrays, in the order of their hashes. */
    size_t order[CLAIMS_STATEMENT_MAX];
    struct claims_array arrays[CLAIMS_ARRAYS];
};

/* Before a connection's first batch. Returns SQL_DONE or a failure. */
enum sql_result claims_prepare(struct sql *sql);

/* The batch, perhaps empty, in one transaction. SQL_DONE: committed, the outcomes are told. A
 * failure: nothing is committed, or after SQL_DOWN nobody knows. What sweeps trust: see
 * record_sweep. binding: the store whose marks the batch binds (see record_marks_bind), or NULL. */
enum sql_result claims_sqlite_run(struct sql *sql, struct claims_batch *batch, int64_t trusted_us,
                                  struct record_store *binding);
/* The batch has no record twice, and no code twice. A row that another transaction holds is waited
 * for lock_ms; with CLAIMS_LOCK_MS, a connection of our own does so by itself. */
#define CLAIMS_LOCK_MS 700
enum sql_result claims_postgres_run(struct sql *sql, struct claims_batch *batch, int lock_ms,
                                    struct record_store *binding);

/* For both: the outcome that is in a row: the code, whether the person is new, whether she asked
 * before, from this column on. A code that somebody made too long by hand: STORE_DOWN. */
void claim_outcome_read(struct claim_outcome *outcome, const struct sql *sql, int column);
/* The same of a near record: its code and its hash in hexadecimal digits. One that somebody spoilt
 * by hand: STORE_DOWN. */
void claim_near_read(struct claim_outcome *outcome, const struct sql *sql, int code, int hash);
/* The claim is refused alone, with the last failure's reason: STORE_DOWN. */
void claim_refuse(struct claims_batch *batch, size_t index, const struct sql *sql);

#endif
