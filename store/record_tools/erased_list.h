/*
 * The list of whom is erased, uic_erased, for the command line: an erasure writes to it, and what an old
 * backup brought back is looked for in it. What stands in it, see store/records/erased.h.
 */
#ifndef STORE_RECORD_TOOLS_ERASED_LIST_H
#define STORE_RECORD_TOOLS_ERASED_LIST_H

#include "store/record_tools.h"
#include "store/record_tools/forget.h"
#include "store/records/erased.h"
#include "store/sql/sql.h"

/* Notes who is being erased, before it is done, in its transaction. PostgreSQL's list is locked from then
 * on: what the outbox brings is either there already, and goes with the rest, or waits and finds the
 * note. Returns SQL_DONE or a failure. */
enum sql_result erased_list_write(struct sql *sql, const struct record_erasure *erasure);

/* The whole list, in memory. */
struct erased_list;

/* NULL when the cryptographic library fails, or without memory. */
struct erased_list *erased_list_create(const unsigned char *erased_key);
/* NULL is fine. */
void erased_list_free(struct erased_list *list);

enum sql_result erased_list_read(struct erased_list *list, struct sql *sql);
bool erased_list_is_empty(const struct erased_list *list);
/* What was done, after made_us, to whom the hash stands for; "" stands for nobody. */
enum remedy erased_list_remedy(const struct erased_list *list, enum erased_subject subject,
                               const char *hash, int64_t made_us);

#endif
