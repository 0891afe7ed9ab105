/*
 * What a move does to what people asked for: in the records that somebody registered, who asked stands
 * beside them (asked_by), and in uic_asked. Inside a transaction.
 */
#ifndef STORE_RECORDS_MOVE_ASKED_H
#define STORE_RECORDS_MOVE_ASKED_H

#include "store/records.h"
#include "store/sql/sql.h"

/* Moves a page, behind move->asked_after, which is then its end. Sets is_last when there is none
 * behind it. Returns SQL_DONE or a failure. */
enum sql_result move_asked(struct sql *sql, struct record_move *move, bool *is_last);

#endif
