/* What a database belongs to: compared each time that it is connected, and bound by the first
 * code. */
#include "store/records/store.h"

#include <string.h>

/* How many of the marks are there, and how many of them say something else; whether there are
 * records, without which they bind nobody. */
static const char compare_sql[] =
    "SELECT (SELECT count(*) FROM uic_marks WHERE name IN ('salt', 'flow')),"
    " (SELECT count(*) FROM uic_marks WHERE name = 'salt' AND value <> $1),"
    " (SELECT count(*) FROM uic_marks WHERE name = 'flow' AND value <> $2),"
    " (SELECT count(*) FROM (SELECT 1 FROM uic_records LIMIT 1) AS record)";
/* What is there stays, whose ever it is. */
static const char remember_sql[] =
    "INSERT INTO uic_marks VALUES ('flow', $2), ('salt', $1) ON CONFLICT (name) DO NOTHING";
/* The same, and nobody else changes or locks the two until the transaction ends. */
static const char lock_sql[] = "INSERT INTO uic_marks AS mark VALUES ('flow', $2), ('salt', $1)"
                               " ON CONFLICT (name) DO UPDATE SET value = mark.value";
static const char replace_sql[] =
    "UPDATE uic_marks SET value = CASE name WHEN 'salt' THEN $1 ELSE $2 END"
    " WHERE name IN ('salt', 'flow')";

struct comparison {
    int64_t kept, other_salt, other_flow, records;
};

static enum sql_result marks_run(struct record_store *store, struct sql *sql, const char *statement)
{
    const struct record_marks *marks = &store->marks;

    return sql_run(sql, statement, SQL_VALUES(sql_text(marks->salt), sql_text(marks->flow)), NULL);
}

/* Returns SQL_FAILED, and the store is foreign, when they are those of others and there are
 * records. */
static enum sql_result compare(struct record_store *store, struct sql *sql,
                               struct comparison *found)
{
    const struct record_marks *marks = &store->marks;
    enum sql_result result =
        sql_query(sql, compare_sql, SQL_VALUES(sql_text(marks->salt), sql_text(marks->flow)));

    if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    *found = (struct comparison){sql_column_number(sql, 0), sql_column_number(sql, 1),
                                 sql_column_number(sql, 2), sql_column_number(sql, 3)};
    result = sql_next(sql);
    if (result != SQL_DONE || found->records == 0 ||
        (found->other_salt == 0 && found->other_flow == 0))
        return result;
    atomic_store(&store->foreign, true);
    return sql_explain(sql, SQL_FAILED, "its codes were made with another %s",
                       found->other_salt > 0 ? "UIC_SALT" : "FLOW_FILE");
}

enum sql_result record_marks_check(struct record_store *store, struct sql *sql)
{
    struct comparison found = {0};
    enum sql_result result = compare(store, sql, &found);

    if (result == SQL_DONE && found.kept < 2) {
        result = marks_run(store, sql, remember_sql);
        if (result == SQL_DONE)
            result = compare(store, sql, &found);
    }
    if (result == SQL_DONE && found.records > 0)
        atomic_store(&store->confirmed, true);
    return result;
}

/* Who waits for the other's first code waits for its end, as long as the claims may. */
enum sql_result record_marks_bind(struct record_store *store, struct sql *sql)
{
    struct comparison found = {0};
    enum sql_result result = marks_run(store, sql, lock_sql);

    if (result == SQL_REFUSED && strcmp(sql->state, "55P03") == 0)
        return SQL_AGAIN;
    if (result == SQL_DONE)
        result = compare(store, sql, &found);
    if (result == SQL_DONE && (found.other_salt > 0 || found.other_flow > 0))
        result = marks_run(store, sql, replace_sql);
    return result;
}

bool record_store_foreign(const struct record_store *store)
{
    return atomic_load(&store->foreign);
}

bool record_store_confirmed(const struct record_store *store)
{
    return atomic_load(&store->confirmed);
}
