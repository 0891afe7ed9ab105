/* Which records are meant, as a list of their ids: each once, the oldest first. */
#ifndef STORE_RECORD_TOOLS_SELECT_H
#define STORE_RECORD_TOOLS_SELECT_H

#include "store/record_tools.h"
#include "store/sql/sql.h"

/* Begins as {0}. */
struct record_ids {
    int64_t *ids;
    size_t count, capacity;
};

void record_ids_free(struct record_ids *ids);
bool record_ids_have(const struct record_ids *ids, int64_t id);

/* Adds the ids in the first column of what a statement answers. Returns SQL_DONE or a failure. */
enum sql_result record_ids_add(struct record_ids *ids, struct sql *sql, const char *statement,
                               const struct sql_value *values, int count);
/* Adds all of a person's: what is under the number that was given, what her other numbers registered
 * alone, and what is of a user id of hers. Returns the same. */
enum sql_result record_ids_add_person(struct record_ids *ids, struct sql *sql,
                                      const struct record_identifiers *person);
/* Adds those that an erasure is about, of a person or a code. */
enum sql_result record_ids_add_erased(struct record_ids *ids, struct sql *sql,
                                      const struct record_erasure *erasure);

/* What stands for a person where she asked, by the hash i of hers, in hexadecimal digits. Returns it. */
const char *record_asker_write(const struct record_identifiers *person, size_t i,
                               char asker[RECORD_ASKER_TEXT_MAX]);

#endif
