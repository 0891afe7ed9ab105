/* Lines of uic_audit: what an administrator, or a sweep, took away or decided, never of whom. */
#ifndef STORE_RECORDS_AUDIT_H
#define STORE_RECORDS_AUDIT_H

#include "store/sql/sql.h"

/* In the transaction of what it is about. now_us: microseconds since 1970. Returns SQL_DONE or a failure. */
enum sql_result audit_write(struct sql *sql, int64_t now_us, const char *action, int64_t records,
                            const char *author);

#endif
