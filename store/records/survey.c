/* What a sweep would take, and what clocks say, read in one look by the command line. */
#include "store/record_tools.h"
#include "store/records/schema.h"
#include "store/records/store.h"

#include <stdio.h>

/* The one row of a statement. Returns 0 or -1. */
static int row_read(struct sql *sql, const char *statement, const struct sql_value *values,
                    int count)
{
    return sql_start(sql, statement, values, count) == SQL_DONE && sql_next(sql) == SQL_ROW ? 0
                                                                                            : -1;
}

static int time_read(struct sql *sql, int column, int64_t *time_us)
{
    const char *text = sql_column(sql, column);

    *time_us = INT64_MIN;
    if (text == NULL || record_time_parse(text, time_us) == 0)
        return 0;
    sql_explain(sql, SQL_FAILED, "the database holds a time that is none");
    return -1;
}

/* The clock is UTC in both databases, to the second at least. */
static int clock_read(struct sql *sql, struct record_survey *survey)
{
    int64_t clock_us;

    if (row_read(sql,
                 "SELECT CURRENT_TIMESTAMP, (SELECT value FROM uic_marks"
                 " WHERE name = '" RECORD_TRUSTED_MARK "')",
                 SQL_NOTHING) != 0 ||
        time_read(sql, 0, &clock_us) != 0)
        return -1;
    survey->trusted_us = sql_column_number(sql, 1);
    if (clock_us < survey->now_us)
        survey->now_us = clock_us;
    return 0;
}

static int records_read(struct sql *sql, int64_t age_us, struct record_survey *survey)
{
    char before[RECORD_TIME_MAX];

    record_time_format(survey->now_us - age_us, before);
    if (row_read(sql,
                 "SELECT count(*), count(*) FILTER (WHERE last_requested_at < $1),"
                 " max(last_requested_at) FILTER (WHERE last_requested_at < 'infinity')"
                 " FROM uic_records",
                 SQL_VALUES(sql_text(before))) != 0)
        return -1;
    survey->records = sql_column_number(sql, 0);
    survey->due = sql_column_number(sql, 1);
    return time_read(sql, 2, &survey->newest_us);
}

/* Returns status. */
static int close_with(struct sql *sql, int status, char error[STORE_ERROR_MAX])
{
    if (status < 0)
        sql_fail(sql, error);
    sql_close(sql);
    return status;
}

int record_survey(const char *url, int64_t now_us, int64_t age_us, struct record_survey *survey,
                  char error[STORE_ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, error);

    *survey = (struct record_survey){.now_us = now_us};
    if (sql == NULL)
        return -1;
    int status = clock_read(sql, survey);
    if (status == 0)
        status = records_read(sql, age_us, survey);
    return close_with(sql, status, error);
}

int record_last_backup(const char *url, int64_t *backup_us, int64_t *first_us,
                       char error[STORE_ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, error);

    if (sql == NULL)
        return -1;
    int status = row_read(sql,
                          "SELECT (SELECT value FROM uic_marks WHERE name = 'last_backup'),"
                          " (SELECT created_at FROM uic_records ORDER BY id LIMIT 1)",
                          SQL_NOTHING);
    if (status == 0)
        status = time_read(sql, 0, backup_us);
    if (status == 0)
        status = time_read(sql, 1, first_us);
    return close_with(sql, status, error);
}

int record_clock(const char *url, int64_t *now_us, char error[STORE_ERROR_MAX])
{
    struct record_survey survey = {.now_us = INT64_MAX};
    int dialect = sql_url_dialect(url, error);
    struct sql *sql;

    if (dialect != SQL_POSTGRES)
        return dialect < 0 ? -1 : 0;
    sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, error);
    if (sql == NULL)
        return -1;
    int status = clock_read(sql, &survey) == 0 ? 1 : -1;
    *now_us = survey.now_us;
    return close_with(sql, status, error);
}
