/*
 * What a move does to uic_links: which of a person's user ids came with which of her numbers, and who
 * was first at each. Inside a transaction in UTC. A move's last step, for by the links it is known
 * what is hers.
 */
#ifndef STORE_RECORDS_MOVE_LINKS_H
#define STORE_RECORDS_MOVE_LINKS_H

#include "store/records.h"
#include "store/sql/sql.h"

/* Returns SQL_DONE or a failure. */
enum sql_result move_links(struct sql *sql, const struct record_move *move);

#endif
