/* What the start and the command line do with a database before records are claimed in it. */
#include "store/records.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

/* How long a database may take to be reached: whoever starts does not wait for a name server. */
#define REACH_MS 3000
/* And how long a statement may: not for as long as somebody holds a lock, or a standby is away. */
#define ANSWER_MS 3000

static struct sql *open_for(const char *url, enum sql_access access, int *status,
                            char error[STORE_ERROR_MAX])
{
    bool away;
    struct sql *sql = sql_open_or_away(url, access, REACH_MS, &away, error);

    *status = away ? RECORD_AWAY : -1;
    if (sql != NULL && sql->dialect == SQL_POSTGRES)
        sql->answer_ms = ANSWER_MS;
    return sql;
}

/* No answer, or a lock that was waited for too long: it may go well later. */
static bool is_away(const struct sql *sql, enum sql_result result)
{
    return sql->dialect == SQL_POSTGRES &&
           (result == SQL_DOWN || (result == SQL_REFUSED && strcmp(sql->state, "55P03") == 0));
}

/* Returns status, or RECORD_AWAY or -1 with error when the result is a failure. */
static int close_with(struct sql *sql, enum sql_result result, int status,
                      char error[STORE_ERROR_MAX])
{
    if (result != SQL_DONE) {
        sql_fail(sql, error);
        status = is_away(sql, result) ? RECORD_AWAY : -1;
    }
    sql_close(sql);
    return status;
}

int record_store_prepare(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    int status;
    struct sql *sql = open_for(url, SQL_CREATE, &status, error);

    if (sql == NULL)
        return status;
    enum sql_result result = schema_migrate(sql, &schema_migrations[sql->dialect], report);
    /* Makes the totals of past hours smaller; when it cannot, they stay as they are. */
    if (result == SQL_DONE && sql->dialect == SQL_POSTGRES)
        sql_run(sql, "SET LOCAL lock_timeout = '1s'; SELECT uic_totals_fold()", SQL_NOTHING, NULL);
    return close_with(sql, result, 0, error);
}

int record_store_probe(const char *url, char error[STORE_ERROR_MAX])
{
    struct sql *sql = schema_open(url, REACH_MS, error);

    sql_close(sql);
    return sql != NULL ? 0 : -1;
}

int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[STORE_ERROR_MAX])
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
    enum sql_result result = SQL_DONE;

    if (sql == NULL)
        return status;
    if (strcmp(sql_place(sql), ":memory:") == 0)
        return close_with(sql, SQL_DONE, 0, error);
    if (remember)
        result = sql_run(sql, remember_sql, SQL_VALUES(sql_text(name), sql_text(value)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, differs_sql, SQL_VALUES(sql_text(name), sql_text(value)), &differs);
    return close_with(sql, result, differs ? RECORD_DIFFERS : 0, error);
}
