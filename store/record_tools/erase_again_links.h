/*
 * What an older backup brings back of which user ids came with which numbers, and which came after
 * which: what is of those who were erased goes once more.
 */
#ifndef STORE_RECORD_TOOLS_ERASE_AGAIN_LINKS_H
#define STORE_RECORD_TOOLS_ERASE_AGAIN_LINKS_H

#include "store/record_tools/erased_list.h"
#include "store/sql/sql.h"

/* Numbers, each by the beginning of its hash, in hexadecimal digits. Begins as {0}. */
struct askers {
    char (*digits)[RECORD_ASKER_TEXT_MAX];
    size_t count;
};

/* Returns 0, or -1 without memory. */
int askers_add(struct askers *askers, const char digits[RECORD_ASKER_TEXT_MAX]);
void askers_free(struct askers *askers);

/* left: numbers that were erased, of which there are records that are nobody's. Returns SQL_DONE or a failure. */
enum sql_result erase_again_links(struct sql *sql, const struct erased_list *list,
                                  const struct askers *left);

#endif
