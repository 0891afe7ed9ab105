/* What is asked and set on a new connection before it counts as good for records. */
#include "store/records/store.h"

#include "store/records/schema.h"
#include <stdio.h>
#include <string.h>

/* For each statement of the greeting. */
#define ANSWER_MS 1000

static const char *const look_sql[] = {
    [SQL_SQLITE] = "SELECT 'UTF8', 'off', (SELECT coalesce(max(version), 0)"
                   " FROM schema_migrations)",
    [SQL_POSTGRES] = "SELECT current_setting('server_encoding'),"
                     " current_setting('transaction_read_only'),"
                     " (SELECT coalesce(max(version), 0) FROM schema_migrations)",
};

/* One plan for all batches, made for big tables even while they are small. The timeouts free what a
 * statement has locked when we are gone, and what another program has locked too long. */
static const char set_sql[] =
    "SET statement_timeout = '3s'; SET lock_timeout = '700ms'; SET plan_cache_mode ="
    " force_generic_plan; SET enable_seqscan = off; SET enable_nestloop = off; SET jit = off";

static enum sql_result look_judge(struct sql *sql)
{
    const int needed = schema_migrations[sql->dialect].count;
    const int64_t version = sql_column_number(sql, 2);
    char why[STORE_ERROR_MAX];

    if (strcmp(sql_column(sql, 0), "UTF8") != 0) {
        snprintf(why, sizeof why, "the database's encoding is %.40s, not UTF8", sql_column(sql, 0));
        return sql_explain(sql, SQL_FAILED, why);
    }
    if (strcmp(sql_column(sql, 1), "off") != 0)
        return sql_explain(sql, SQL_FAILED, "the server is read-only");
    /* A server goes on when another instance has brought its tables further. */
    if (version == needed || (version > needed && sql->dialect == SQL_POSTGRES))
        return SQL_DONE;
    snprintf(why, sizeof why,
             version > needed ? "the tables (schema version %lld) are newer than this program (%d)"
                              : "the tables have schema version %lld, this program needs %d: run "
                                "whatsapp-uic init-db",
             (long long)version, needed);
    return sql_explain(sql, SQL_FAILED, why);
}

static enum sql_result look(struct sql *sql)
{
    enum sql_result result = sql_start(sql, look_sql[sql->dialect], SQL_NOTHING);

    if (result == SQL_DONE)
        result = sql_next(sql);
    if (result == SQL_ROW)
        return look_judge(sql);
    if (strcmp(sql->state, "42P01") == 0 || strstr(sql->error, "no such table"))
        return sql_explain(sql, SQL_FAILED, "there are no tables: run whatsapp-uic init-db");
    return result;
}

enum sql_result record_greet(struct sql *sql)
{
    char report[STORE_ERROR_MAX];

    /* A database that lives as long as the connection. */
    if (strcmp(sql_place(sql), ":memory:") == 0)
        return schema_migrate(sql, &schema_migrations[SQL_SQLITE], report);
    if (sql->dialect == SQL_SQLITE)
        return look(sql);
    sql->answer_ms = ANSWER_MS;
    enum sql_result result = look(sql);
    /* What is set through a pooler would be set for others. */
    if (result == SQL_DONE && !sql->pooled)
        result = sql_run(sql, set_sql, SQL_NOTHING, NULL);
    return result;
}
