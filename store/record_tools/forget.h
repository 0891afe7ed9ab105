/*
 * What makes one record, or all, forget a person. Each statement runs inside the caller's
 * transaction; returns SQL_DONE or a failure.
 */
#ifndef STORE_RECORD_TOOLS_FORGET_H
#define STORE_RECORD_TOOLS_FORGET_H

#include "store/record_tools.h"
#include "store/records.h"
#include "store/sql/sql.h"

/* What is to be done with a record: nothing; it loses what stands for its owner; it goes. */
enum remedy { REMEDY_NONE, REMEDY_BLANK, REMEDY_DELETE };

enum sql_result forget_owner(struct sql *sql, int64_t id, enum remedy remedy);
/* Everybody who asked for it. */
enum sql_result forget_askers(struct sql *sql, int64_t id);
/* One of them; asker: in hexadecimal digits, as asked_by begins. */
enum sql_result forget_asker(struct sql *sql, int64_t id, const char *asker);
/* A number in notes, in clear, of one record, or with 0 of all; one that is too short to be looked for
 * is nobody's there. */
enum sql_result forget_notes(struct sql *sql, int64_t id, const char *phone_number);
/* The number's digits, or NULL when it is too short. */
const char *noted_digits(const char *phone_number);

/* Rows beside the records that know her, uic_links and uic_asked: adds how many there are; and takes
 * them away. Where a number is somebody else's, too, or has other records still, that there was somebody stays: once her own
 * records are forgotten. */
enum sql_result count_names(struct sql *sql, const struct record_identifiers *person,
                            int64_t *count);
enum sql_result forget_names(struct sql *sql, const struct record_identifiers *person);

/* One row of uic_former_ids, as digits. */
enum sql_result forget_former(struct sql *sql, const char *former);
/* One row of uic_links; leaves_nobody: that somebody had the number stays. */
enum sql_result forget_link(struct sql *sql, const char *number, const char *user_id,
                            bool leaves_nobody);

/* In what is written to a SQLite file from now on, what is deleted is overwritten. */
enum sql_result forget_begin(struct sql *sql);
/* And in the log beside the file. */
void forget_end(struct sql *sql);

#endif
