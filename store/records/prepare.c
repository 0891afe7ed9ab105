/* What the start and the command line do with a database before records are claimed in it. */
#include "store/records.h"
#include "store/records/schema.h"

#include "store/base/clock.h"
#include <stdio.h>
#include <string.h>

/* How long a database may take to be reached: whoever starts does not wait for a name server. */
#define REACH_MS 3000
/* And how long it may take to answer: not for as long as somebody holds a lock, or a standby is
 * away. */
#define ANSWER_MS 3000

static struct sql *open_for(const char *url, enum sql_access access, int *status,
                            char error[ERROR_MAX])
{
    bool away;
    struct sql *sql = sql_open(url, access, REACH_MS, &away, error);

    *status = away ? RECORD_AWAY : -1;
    if (sql != NULL && sql->dialect == SQL_POSTGRES)
        sql->due_ms = clock_monotonic_ms() + ANSWER_MS;
    return sql;
}

/* Closes. Returns 0, -1, or RECORD_AWAY after no answer, or a lock that was waited for too long: it
 * may go well later. */
static int close_with(struct sql *sql, enum sql_result result, char error[ERROR_MAX])
{
    const bool away =
        sql->dialect == SQL_POSTGRES &&
        (result == SQL_DOWN || (result == SQL_REFUSED && strcmp(sql->state, "55P03") == 0));
    const int status = sql_finish(sql, result, error);

    return away ? RECORD_AWAY : status;
}

int record_store_prepare(const char *url, char report[ERROR_MAX], char error[ERROR_MAX])
{
    int status;
    struct sql *sql = open_for(url, SQL_CREATE, &status, error);

    if (sql == NULL)
        return status;
    const enum sql_result result = schema_migrate(sql, &schema_migrations[sql->dialect], report);
    /* Makes the totals of past hours smaller; when it cannot, they stay as they are. */
    if (result == SQL_DONE && sql->dialect == SQL_POSTGRES)
        sql_run(sql, "SET LOCAL lock_timeout = '1s'; SELECT uic_totals_fold()", SQL_NOTHING, NULL);
    return close_with(sql, result, error);
}

int record_store_probe(const char *url, char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, REACH_MS, error);

    sql_close(sql);
    return sql != NULL ? 0 : -1;
}

int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[ERROR_MAX])
{
    static const char remember_sql[] =
        "INSERT INTO uic_marks SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM uic_records)"
        " OR NOT EXISTS (SELECT 1 FROM uic_marks WHERE name = $1) ON CONFLICT (name) DO UPDATE"
        " SET value = excluded.value WHERE NOT EXISTS (SELECT 1 FROM uic_records)";
    static const char differs_sql[] =
        "SELECT count(*) FROM uic_marks WHERE name = $1 AND value <> $2"
        " AND EXISTS (SELECT 1 FROM uic_records)";
    int status;
    int64_t differs = 0;
    struct sql *sql = open_for(url, SQL_WRITE, &status, error);

    if (sql == NULL)
        return status;
    enum sql_result result = SQL_DONE;
    if (strcmp(sql->name, ":memory:") == 0)
        return close_with(sql, result, error);
    if (remember)
        result = sql_run(sql, remember_sql, SQL_VALUES(sql_text(name), sql_text(value)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, differs_sql, SQL_VALUES(sql_text(name), sql_text(value)), &differs);
    status = close_with(sql, result, error);
    return status == 0 && differs > 0 ? RECORD_DIFFERS : status;
}
