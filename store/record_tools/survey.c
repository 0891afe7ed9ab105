/* What a sweep would take, and what clocks say. */
#include "store/record_tools.h"
#include "store/records/schema.h"
#include "store/records/store.h"

/* INT64_MIN for NULL. */
static enum sql_result time_read(struct sql *sql, int column, int64_t *time_us)
{
    const char *text = sql_column(sql, column);

    *time_us = INT64_MIN;
    if (text == NULL || record_time_parse(text, time_us) == 0)
        return SQL_DONE;
    return sql_explain(sql, SQL_FAILED, "the database holds a time that is none");
}

/* The clock is UTC in both databases, to the second at least. */
static enum sql_result clock_read(struct sql *sql, struct record_survey *survey)
{
    int64_t clock_us;
    enum sql_result result = sql_query(sql,
                                       "SELECT CURRENT_TIMESTAMP, (SELECT value FROM uic_marks"
                                       " WHERE name = '" RECORD_TRUSTED_MARK "')",
                                       SQL_NOTHING);

    if (result == SQL_ROW)
        result = time_read(sql, 0, &clock_us);
    if (result != SQL_DONE)
        return result;
    survey->trusted_us = sql_column_number(sql, 1);
    if (clock_us < survey->now_us)
        survey->now_us = clock_us;
    return SQL_DONE;
}

static enum sql_result records_read(struct sql *sql, int64_t age_us, struct record_survey *survey)
{
    char before[RECORD_TIME_MAX];

    record_time_format(survey->now_us - age_us, before);
    const enum sql_result result =
        sql_query(sql,
                  "SELECT count(*), count(*) FILTER (WHERE last_requested_at < $1),"
                  " max(last_requested_at) FILTER (WHERE last_requested_at < 'infinity')"
                  " FROM uic_records",
                  SQL_VALUES(sql_text(before)));
    if (result != SQL_ROW)
        return result;
    survey->records = sql_column_number(sql, 0);
    survey->due = sql_column_number(sql, 1);
    return time_read(sql, 2, &survey->newest_us);
}

int record_survey(const char *url, int64_t now_us, int64_t age_us, struct record_survey *survey,
                  char error[ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, NULL, error);

    *survey = (struct record_survey){.now_us = now_us};
    if (sql == NULL)
        return -1;
    enum sql_result result = clock_read(sql, survey);
    if (result == SQL_DONE)
        result = records_read(sql, age_us, survey);
    return sql_finish(sql, result, error);
}

int record_last_backup(const char *url, int64_t *backup_us, int64_t *first_us,
                       char error[ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, NULL, error);

    if (sql == NULL)
        return -1;
    enum sql_result result =
        sql_query(sql,
                  "SELECT (SELECT value FROM uic_marks WHERE name = '" RECORD_BACKUP_MARK "'),"
                  " (SELECT created_at FROM uic_records ORDER BY id LIMIT 1)",
                  SQL_NOTHING);
    if (result == SQL_ROW)
        result = time_read(sql, 0, backup_us);
    if (result == SQL_DONE)
        result = time_read(sql, 1, first_us);
    return sql_finish(sql, result, error);
}

int record_clock(const char *url, int64_t *now_us, char error[ERROR_MAX])
{
    struct record_survey survey = {.now_us = INT64_MAX};
    const int dialect = sql_url_dialect(url, error);

    if (dialect != SQL_POSTGRES)
        return dialect < 0 ? -1 : 0;
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, NULL, error);
    if (sql == NULL || sql_finish(sql, clock_read(sql, &survey), error) != 0)
        return -1;
    *now_us = survey.now_us;
    return 1;
}
