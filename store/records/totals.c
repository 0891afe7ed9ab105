/* Reading the totals, which the database keeps itself. */
#include "store/records/store.h"

#include "store/base/container_of.h"
#include "store/base/record_time.h"

extern const char *const totals_sql[];

static const char pairs_sql[] = "SELECT count(*) FROM (SELECT 1 FROM uic_pairs"
                                " WHERE decision IS NULL LIMIT $1) AS undecided";

/* The sums of an hour, if it is one that was asked for; or those since ever. */
static void row_read(const struct sql *sql, struct record_totals *totals)
{
    const int64_t hour_s = sql_column_number(sql, 0);
    const int64_t hour = hour_s < totals->since_s ? -1 : (hour_s - totals->since_s) / 3600;
    const struct record_total sums = {sql_column_number(sql, 1), sql_column_number(sql, 2),
                                      sql_column_number(sql, 3)};

    if (sql_column(sql, 0) == NULL)
        totals->all = sums;
    else if (hour >= 0 && hour < (int64_t)totals->hour_count)
        totals->hours[hour] = sums;
}

/* What `backup` notes when it has made one. */
static enum sql_result backup_read(struct sql *sql, struct record_totals *totals)
{
    const enum sql_result result = sql_query(
        sql, "SELECT value FROM uic_marks WHERE name = '" RECORD_BACKUP_MARK "'", SQL_NOTHING);

    if (result != SQL_ROW)
        return result;
    if (record_time_parse(sql_column(sql, 0), &totals->backup_us) != 0)
        totals->backup_us = INT64_MIN;
    return sql_next(sql);
}

enum store_status record_totals_run(struct sql *sql, struct record_errand *errand)
{
    struct record_totals *totals = container_of(errand, struct record_totals, errand);
    enum sql_result result =
        sql_query(sql, totals_sql[sql->dialect], SQL_VALUES(sql_number(totals->since_s)));

    for (; result == SQL_ROW; result = sql_next(sql))
        row_read(sql, totals);
    if (result == SQL_DONE)
        result = sql_run(sql, pairs_sql, SQL_VALUES(sql_number(RECORD_PAIRS_MAX)), &totals->pairs);
    if (result == SQL_DONE)
        result = backup_read(sql, totals);
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}
