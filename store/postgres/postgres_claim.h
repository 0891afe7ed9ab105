/*
 * The statement of a batch of claims: one INSERT over arrays, a transaction of its own. Knows no
 * connection and no queue.
 */
#ifndef STORE_POSTGRES_CLAIM_H
#define STORE_POSTGRES_CLAIM_H

#include "store/claim_list.h"
#include "store/postgres/postgres_connection.h"

/* Claims in one statement at most. */
#define POSTGRES_BATCH_MAX 256

extern const struct postgres_statement postgres_claim_statement;

struct postgres_batch;

/* Returns NULL when there is no memory. */
struct postgres_batch *postgres_batch_create(void);
void postgres_batch_free(struct postgres_batch *batch);
size_t postgres_batch_count(const struct postgres_batch *batch);
/* The claim that waited longest; the batch is not empty. */
const struct record_claim *postgres_batch_first(const struct postgres_batch *batch);

/* Takes from waiting the first claims that can go together, max at most: no person twice, and no
 * code twice. The batch is empty, waiting is not. */
void postgres_batch_take(struct postgres_batch *batch, struct claim_list *waiting, size_t max);
/* The statement's parameters for the batch; they live until its next change. */
void postgres_batch_parameters(struct postgres_batch *batch,
                               struct postgres_parameters *parameters);

/* Each empties the batch: into finished, with the statuses that the result gives, except claims
 * that have to be made again, which go back to the head of waiting; */
void postgres_batch_finish(struct postgres_batch *batch, const PGresult *result,
                           struct claim_list *waiting, struct claim_list *finished);
/* with one status for all; */
void postgres_batch_finish_all(struct postgres_batch *batch, enum store_status status,
                               struct claim_list *finished);
/* to the head of waiting. */
void postgres_batch_return(struct postgres_batch *batch, struct claim_list *waiting);

#endif
