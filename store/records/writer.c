/*
 * The writer, a thread of the store: writes claims, on one connection for all links, so that as
 * many as wait share a transaction.
 *
 *     record_claim ──> inbox ──> waiting ──> batch ──> finished
 *     (link's thread)            one transaction       (link's thread)
 *
 * Every claim is due a few seconds after it was made. A connection that fails takes all claims with
 * it, those that wait too, because the outbox keeps them better than we. While PostgreSQL is away,
 * links refuse claims at once; those that wait for the first attempt to connect do so until it
 * ends.
 */
#include "store/records/claims.h"
#include "store/records/store.h"

#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 3000
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
/* For a file, which is nobody else's burden. */
#define PAUSE_MAX_SQLITE_MS 1000

/* Of a claim that goes alone, because somebody holds a row of its batch: it waits no second
 * time. */
#define LOCK_ALONE_MS 100
/* A claim with less time left is not begun any more: a server that says that a row is held would
 * look like one that says nothing. */
#define LEFT_MIN_MS 300
/* That claims are refused is told so often at most. */
#define REFUSED_TOLD_MS 60000

struct writer {
    struct record_store *store;
    struct sql *sql;
    struct record_jobs waiting;
    struct claims_batch *batch;
    size_t alone;      /* so many of those that wait go one by one, to find who made a batch fail */
    unsigned failures; /* since a statement went well */
    int64_t retry_ms;  /* when to connect again */
    int64_t refused_ms; /* from when on a claim that is refused is told of */
};

/* Those that wait: all of them, or up to the first that is not due yet. */
static void waiting_refuse(struct writer *writer, int64_t due_ms)
{
    struct record_job *job;

    while ((job = STAILQ_FIRST(&writer->waiting)) != NULL && job->due_ms <= due_ms) {
        STAILQ_REMOVE_HEAD(&writer->waiting, entry);
        record_job_finish(job, STORE_DOWN);
    }
}

/* To the head of those that wait, in their order. */
static void batch_return(struct writer *writer)
{
    struct claims_batch *batch = writer->batch;

    for (; batch->count > 0; batch->count--)
        STAILQ_INSERT_HEAD(&writer->waiting, &batch->claims[batch->count - 1]->job, entry);
}

/* The connection is of no use; all claims go back together. */
static void connection_fail(struct writer *writer, const char *why)
{
    const int64_t max_ms =
        writer->store->dialect == SQL_SQLITE ? PAUSE_MAX_SQLITE_MS : PAUSE_MAX_MS;

    record_store_tell(writer->store, false, why);
    sql_close(writer->sql);
    writer->sql = NULL;
    writer->retry_ms =
        clock_monotonic_ms() + backoff_ms(++writer->failures, PAUSE_FIRST_MS, max_ms);
    writer->alone = 0;
    batch_return(writer);
    mailbox_take(&writer->store->writer.inbox, &writer->waiting);
    waiting_refuse(writer, INT64_MAX);
}

/* The store is confirmed by what it has written itself, too. */
static void confirm(struct record_store *store, const struct claims_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->outcomes[i].status == STORE_OK)
            atomic_store(&store->confirmed, true);
}

static enum sql_result batch_write(struct writer *writer, int lock_ms)
{
    struct record_store *store = writer->store;
    struct claims_batch *batch = writer->batch;
    const bool binds = store->has_marks && batch->count > 0 && !atomic_load(&store->confirmed);
    struct record_store *binding = binds ? store : NULL;
    enum sql_result result;

    if (store->dialect == SQL_POSTGRES) {
        result = claims_postgres_run(writer->sql, batch, lock_ms, binding);
    } else {
        record_turn_take(store);
        result = claims_sqlite_run(writer->sql, batch, atomic_load(&store->trusted_us), binding);
        record_turn_give(store);
    }
    if (binds && result == SQL_DONE)
        confirm(store, batch);
    return result;
}

/* A file that was down is up when it can be written, even if only nothing. */
static void writer_connect(struct writer *writer)
{
    const bool is_file = writer->store->dialect == SQL_SQLITE;
    char why[ERROR_MAX];

    writer->sql = record_store_connect(writer->store, CONNECT_MS, why);
    if (writer->sql == NULL) {
        connection_fail(writer, why);
        return;
    }
    enum sql_result result = claims_prepare(writer->sql);
    if (result == SQL_DONE && is_file)
        result = batch_write(writer, 0);
    if (result != SQL_DONE) {
        connection_fail(writer, writer->sql->error);
        return;
    }
    snprintf(why, sizeof why, "%.200s: %s", writer->sql->name,
             is_file               ? "the database takes records again"
             : writer->sql->pooled ? "connected through a pooler"
                                   : "connected");
    record_store_tell(writer->store, true, why);
}

static bool batch_fits(const struct claims_batch *batch, const struct record_claim *claim)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct record_claim *other = batch->claims[i];
        if (memcmp(other->input_hash, claim->input_hash, RECORD_HASH_SIZE) == 0 ||
            strncmp(other->code, claim->code, RECORD_CODE_MAX) == 0)
            return false;
    }
    return true;
}

/* A limit to the claims that are looked at, as all that wait may be one person's. */
#define LOOKED_AT_MAX (2 * CLAIMS_STATEMENT_MAX)

/* Of those who ask just now, or of the outbox's; one that says something goes alone, for it locks its
 * record before others are locked in their order. */
static bool batch_is_of(const struct claims_batch *batch, const struct record_claim *claim)
{
    const struct record_claim *first = batch->claims[0];

    return batch->count == 0 ||
           (first->said == RECORD_SAID_NOTHING && claim->said == RECORD_SAID_NOTHING &&
            (first->replay == NULL) == (claim->replay == NULL));
}

/* The first that can go together. In one statement no record and no code may come twice. */
static void batch_take(struct writer *writer)
{
    const bool is_statement = writer->store->dialect == SQL_POSTGRES;
    const size_t max = writer->alone > 0 ? 1
                       : is_statement    ? CLAIMS_STATEMENT_MAX
                                         : CLAIMS_BATCH_MAX;
    struct claims_batch *batch = writer->batch;
    struct record_jobs left = STAILQ_HEAD_INITIALIZER(left);
    struct record_job *job;

    batch->refused[0] = '\0';
    for (int i = 0; i < LOOKED_AT_MAX && batch->count < max; i++) {
        if ((job = STAILQ_FIRST(&writer->waiting)) == NULL)
            break;
        STAILQ_REMOVE_HEAD(&writer->waiting, entry);
        struct record_claim *claim = container_of(job, struct record_claim, job);
        if (batch_is_of(batch, claim) && (!is_statement || batch_fits(batch, claim)))
            batch->claims[batch->count++] = claim;
        else
            STAILQ_INSERT_TAIL(&left, job, entry);
    }
    STAILQ_CONCAT(&left, &writer->waiting);
    STAILQ_CONCAT(&writer->waiting, &left);
}

/* That a claim was refused, and no others with it. */
static void refused_tell(struct writer *writer, const struct record_claim *claim)
{
    const struct record_commit_watch *watch = &claim->job.link->commits;
    const int64_t now_ms = clock_monotonic_ms();

    if (writer->batch->refused[0] == '\0' || watch->refused == NULL || now_ms < writer->refused_ms)
        return;
    watch->refused(watch->arg, writer->batch->refused);
    writer->refused_ms = now_ms + REFUSED_TOLD_MS;
}

static void batch_finish(struct writer *writer)
{
    struct claims_batch *batch = writer->batch;
    size_t again = 0;

    for (size_t i = 0; i < batch->count; i++) {
        struct record_claim *claim = batch->claims[i];
        const struct claim_outcome *outcome = &batch->outcomes[i];
        if (outcome->status == STORE_LATER) {
            batch->claims[again++] = claim;
            continue;
        }
        if (outcome->status == STORE_DOWN)
            refused_tell(writer, claim);
        if (outcome->status == STORE_OK) {
            claim->is_new = outcome->is_new;
            claim->asked_before = outcome->asked_before;
            claim->is_near = outcome->is_near;
            if (outcome->is_near)
                memcpy(claim->near_input_hash, outcome->near_input_hash,
                       sizeof claim->near_input_hash);
            memcpy(claim->code, outcome->code, sizeof claim->code);
        }
        record_job_finish(&claim->job, outcome->status);
    }
    batch->count = again;
    batch_return(writer);
}

/* SQL_AGAIN: another instance was in the way, and has ended its transaction. A code that was free
 * when the statement began is another person's now, or this person's own by another message: that
 * is seen when it is made again. */
static void batch_failed(struct writer *writer, enum sql_result result)
{
    struct claims_batch *batch = writer->batch;
    const bool is_guilt =
        result == SQL_REFUSED ||
        (result == SQL_UNIQUE && strcmp(writer->sql->constraint, "uic_records_uic_code_key") != 0);

    if (result == SQL_DOWN || result == SQL_FAILED) {
        if (writer->store->dialect == SQL_POSTGRES && clock_monotonic_ms() >= writer->sql->due_ms)
            sql_explain(writer->sql, SQL_DOWN, "no answer within 3000 ms");
        connection_fail(writer, writer->sql->error);
    } else if (is_guilt && batch->count == 1) {
        claim_refuse(batch, 0, writer->sql);
        batch_finish(writer);
    } else {
        if (is_guilt)
            writer->alone += batch->count;
        batch_return(writer);
    }
}

/* As long as the one that waited longest may wait. */
static void batch_run(struct writer *writer)
{
    const int64_t began_us = clock_monotonic_us();
    const bool is_alone = writer->alone > 0;

    batch_take(writer);
    if (is_alone)
        writer->alone--;
    const struct record_claim *first = writer->batch->claims[0];
    const struct record_commit_watch *watch = &first->job.link->commits;
    const int64_t left_ms = first->job.due_ms - clock_monotonic_ms();
    if (writer->store->dialect == SQL_POSTGRES)
        writer->sql->due_ms = first->job.due_ms;
    const enum sql_result result =
        batch_write(writer, is_alone || left_ms < CLAIMS_LOCK_MS + LEFT_MIN_MS ? LOCK_ALONE_MS
                                                                               : CLAIMS_LOCK_MS);
    if (result != SQL_DONE) {
        batch_failed(writer, result);
        return;
    }
    writer->failures = 0;
    if (watch->committed != NULL)
        watch->committed(watch->arg, writer->batch->count, clock_monotonic_us() - began_us);
    batch_finish(writer);
}

/* Does what is to be done now. */
static void work(struct writer *writer)
{
    const bool is_file = writer->store->dialect == SQL_SQLITE;
    const int64_t now_ms = clock_monotonic_ms();

    if (writer->sql == NULL &&
        (now_ms >= writer->retry_ms || (is_file && !STAILQ_EMPTY(&writer->waiting))))
        writer_connect(writer);
    if (writer->sql == NULL)
        waiting_refuse(writer, INT64_MAX);
    else if (!is_file)
        waiting_refuse(writer, now_ms + LEFT_MIN_MS);
    if (!STAILQ_EMPTY(&writer->waiting))
        batch_run(writer);
}

/* Sleeps if there is nothing to do, until it is time to connect again. */
static void rest(struct writer *writer)
{
    const int64_t left_ms = writer->retry_ms - clock_monotonic_ms();

    if (STAILQ_EMPTY(&writer->waiting) && record_thread_sleep(&writer->store->writer, writer->sql,
                                                              writer->sql != NULL ? -1
                                                              : left_ms > 0       ? left_ms
                                                                                  : 0) == SQL_DOWN)
        connection_fail(writer, writer->sql->error);
}

void *record_writer_run(void *arg)
{
    struct record_store *store = arg;
    struct writer writer = {.store = store, .sql = store->first, .batch = store->batch};

    store->first = NULL;
    STAILQ_INIT(&writer.waiting);
    if (writer.sql != NULL && claims_prepare(writer.sql) != SQL_DONE)
        connection_fail(&writer, writer.sql->error);
    while (!atomic_load(&store->stopping)) {
        work(&writer);
        rest(&writer);
        mailbox_take(&store->writer.inbox, &writer.waiting);
    }
    sql_close(writer.sql);
    return NULL;
}
