/*
 * What people said when they were asked whether nearly the same answers are the same person's: a
 * row of uic_pairs for each, and no record for who is the same.
 */
#ifndef STORE_RECORDS_CLAIMS_SAID_H
#define STORE_RECORDS_CLAIMS_SAID_H

#include "store/records/claims.h"

/* Of one that says nothing both do nothing. In the transaction that the claim goes alone in, before it is
 * written: a near record that is there no more ends it with STORE_ABSENT; another stays there until
 * the transaction ends. */
enum sql_result claims_said_find(struct sql *sql, struct claims_batch *batch);
/* And after it. */
enum sql_result claims_said_write(struct sql *sql, const struct claims_batch *batch);

#endif
