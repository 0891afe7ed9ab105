/* PostgreSQL is told that the time is of UTC, whatever zone the connection has. */
#include "store/records/audit.h"

#include "store/base/record_time.h"
#include <string.h>

static const char write_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES ($1, $2, $3, $4)";

enum sql_result audit_write(struct sql *sql, int64_t now_us, const char *action, int64_t records,
                            const char *author)
{
    char now[RECORD_TIME_MAX + sizeof "+00"];

    record_time_format(now_us, now);
    if (sql->dialect == SQL_POSTGRES)
        strcat(now, "+00");
    return sql_run(
        sql, write_sql,
        SQL_VALUES(sql_text(now), sql_text(action), sql_number(records), sql_text(author)), NULL);
}
