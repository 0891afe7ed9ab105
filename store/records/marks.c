/* What a database belongs to: compared each time that it is connected. */
#include "store/records/store.h"

#include <stdio.h>
#include <string.h>

/* How many of the marks are there, and how many of them say something else; whether there are
 * records, without which they bind nobody. */
static const char compare_sql[] =
    "SELECT (SELECT count(*) FROM uic_marks WHERE name IN ('salt', 'flow')),"
    " (SELECT count(*) FROM uic_marks WHERE name = 'salt' AND value <> $1),"
    " (SELECT count(*) FROM uic_marks WHERE name = 'flow' AND value <> $2),"
    " (SELECT count(*) FROM (SELECT 1 FROM uic_records LIMIT 1) AS record)";
static const char remember_sql[] =
    "INSERT INTO uic_marks VALUES ('salt', $1), ('flow', $2) ON CONFLICT (name) DO UPDATE"
    " SET value = excluded.value WHERE NOT EXISTS (SELECT 1 FROM uic_records)";

struct comparison {
    int64_t kept, other_salt, other_flow, records;
};

static enum sql_result compare(struct record_store *store, struct sql *sql,
                               struct comparison *comparison)
{
    const struct record_marks *marks = &store->marks;
    const enum sql_result result =
        sql_query(sql, compare_sql, SQL_VALUES(sql_text(marks->salt), sql_text(marks->flow)));

    if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    *comparison = (struct comparison){sql_column_number(sql, 0), sql_column_number(sql, 1),
                                      sql_column_number(sql, 2), sql_column_number(sql, 3)};
    return sql_next(sql);
}

/* What was written between comparing and remembering is seen by the next connection. */
enum sql_result record_marks_check(struct record_store *store, struct sql *sql)
{
    const struct record_marks *marks = &store->marks;
    struct comparison found = {0};
    const enum sql_result result = compare(store, sql, &found);
    const bool differs = found.other_salt > 0 || found.other_flow > 0;

    if (result != SQL_DONE)
        return result;
    if (differs && found.records > 0) {
        atomic_store(&store->foreign, true);
        return sql_explain(sql, SQL_FAILED, "its codes were made with another %s",
                           found.other_salt > 0 ? "UIC_SALT" : "FLOW_FILE");
    }
    if (found.records > 0)
        atomic_store(&store->confirmed, true);
    if (!differs && found.kept == 2)
        return SQL_DONE;
    return sql_run(sql, remember_sql, SQL_VALUES(sql_text(marks->salt), sql_text(marks->flow)),
                   NULL);
}

bool record_store_foreign(const struct record_store *store)
{
    return atomic_load(&store->foreign);
}

bool record_store_confirmed(const struct record_store *store)
{
    return atomic_load(&store->confirmed);
}
