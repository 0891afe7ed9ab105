/*
 * What an older backup brings back of which user ids came with which numbers: the links of those who were
 * erased go once more.
 */
#ifndef STORE_RECORD_TOOLS_ERASE_AGAIN_LINKS_H
#define STORE_RECORD_TOOLS_ERASE_AGAIN_LINKS_H

#include "store/record_tools/erased_list.h"
#include "store/sql/sql.h"

/* Numbers, each by the beginning of its hash, in hexadecimal digits. Begins as {0}. */
#define IDENTITY_MAX (2 * RECORD_IDENTITY_SIZE + 1)
struct identities {
    char (*digits)[IDENTITY_MAX];
    size_t count;
};

/* Returns 0, or -1 without memory. */
int identities_add(struct identities *identities, const char digits[IDENTITY_MAX]);
void identities_free(struct identities *identities);

/* left: numbers that were erased, of which there are records that are nobody's. Returns SQL_DONE or a failure. */
enum sql_result erase_again_links(struct sql *sql, const struct erased_list *list,
                                  const struct identities *left);

#endif
