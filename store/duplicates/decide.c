/*
 * What an administrator decides of a pair. Records that are one person are a group: same_as of all
 * but the oldest is its id. A pair that was found to be the same joins two groups; when that is
 * undone, those whom nothing else links to the rest are a group of their own again.
 */
#include "store/duplicates.h"
#include "store/duplicates/turn.h"
#include "store/records/audit.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SELECT pg_advisory_xact_lock(" DUPLICATES_TURN ")",
};
static const char numbered_sql[] =
    "SELECT p.record, r.id FROM uic_pairs AS p JOIN uic_records AS o ON o.id = p.record"
    " LEFT JOIN uic_records AS r ON r.input_hash = p.answers WHERE p.number = $1";
static const char coded_sql[] = "SELECT (SELECT id FROM uic_records WHERE uic_code = $1),"
                                " (SELECT id FROM uic_records WHERE uic_code = $2)";

/* The pairs of the records $1 and $2, in whichever order, and the one of the number $3. */
#define PAIRS                                                               \
    " WHERE number IN (SELECT p.number FROM uic_pairs AS p"                 \
    " JOIN uic_records AS r ON r.input_hash = p.answers"                    \
    " WHERE (p.record = $1 AND r.id = $2) OR (p.record = $2 AND r.id = $1)" \
    " UNION ALL SELECT CAST($3 AS bigint))"
static const char count_sql[] = "SELECT count(*) FROM uic_pairs" PAIRS;
static const char settle_sql[] = "UPDATE uic_pairs SET decision = $4" PAIRS
                                 " AND coalesce(decision, '') <> coalesce(CAST($4 AS text), '')";
static const char add_sql[] = "INSERT INTO uic_pairs (record, answers, why, decision)"
                              " SELECT CAST($1 AS bigint), input_hash, 'hand', $3"
                              " FROM uic_records WHERE id = $2";
static const char tidy_sql[] =
    "DELETE FROM uic_pairs" PAIRS " AND why = 'hand' AND said IS NULL AND decision IS NULL";

static const char root_sql[] = "SELECT coalesce(same_as, id) FROM uic_records WHERE id = $1";
/* A pair that says that of the groups $1 and $2 two are different persons. */
static const char apart_sql[] =
    "SELECT coalesce(min(p.number), 0) FROM uic_records AS o"
    " JOIN uic_pairs AS p ON p.record = o.id AND p.decision = 'different'"
    " JOIN uic_records AS r ON r.input_hash = p.answers"
    " WHERE (o.id = $1 OR o.same_as = $1 OR o.id = $2 OR o.same_as = $2)"
    " AND (coalesce(o.same_as, o.id) = $1 AND coalesce(r.same_as, r.id) = $2"
    " OR coalesce(o.same_as, o.id) = $2 AND coalesce(r.same_as, r.id) = $1)";
static const char join_sql[] = "UPDATE uic_records SET same_as = $1 WHERE id = $2 OR same_as = $2";
/* Of the group $1 those whom pairs link to the record $2, itself included. */
#define PART                                                                     \
    "WITH RECURSIVE member AS ("                                                 \
    " SELECT id, input_hash FROM uic_records WHERE id = $1 OR same_as = $1),"    \
    " link (a, b) AS ("                                                          \
    " SELECT o.id, r.id FROM member AS o JOIN uic_pairs AS p ON p.record = o.id" \
    " JOIN member AS r ON r.input_hash = p.answers WHERE p.decision = 'same'),"  \
    " part (id) AS (SELECT CAST($2 AS bigint) UNION"                             \
    " SELECT CASE WHEN link.a = part.id THEN link.b ELSE link.a END"             \
    " FROM part JOIN link ON part.id IN (link.a, link.b)) "
static const char part_has_sql[] = PART "SELECT count(*) FROM part WHERE id = $3";
static const char split_sql[] =
    PART "UPDATE uic_records SET same_as = nullif((SELECT min(id) FROM part), id)"
         " WHERE id IN (SELECT id FROM part)";

static const char counts_sql[] =
    "SELECT counting.uic_code FROM uic_records AS r"
    " JOIN uic_records AS counting ON counting.id = coalesce(r.same_as, r.id) WHERE r.id = $1";

/* As a pair's decision, and in the audit. */
static const struct {
    const char *decision, *action;
} verdicts[] = {
    [DUPLICATES_SAME] = {"same", "duplicates: same"},
    [DUPLICATES_DIFFERENT] = {"different", "duplicates: different"},
    [DUPLICATES_UNDONE] = {NULL, "duplicates: undone"},
};

struct deciding {
    struct sql *sql;
    const struct duplicates_decision *decision;
    struct duplicates_decided *decided;
    int64_t ids[2]; /* INT64_MIN: there is no such record */
    int status;     /* why nothing is changed; 0 */
};

/* The transaction ends without a change. */
static enum sql_result refuse(struct deciding *deciding, int status)
{
    deciding->status = status;
    return SQL_FAILED;
}

static enum sql_result records_find(struct deciding *deciding)
{
    const struct duplicates_decision *decision = deciding->decision;
    const bool is_numbered = decision->number > 0;
    struct sql *sql = deciding->sql;
    enum sql_result result =
        is_numbered
            ? sql_query(sql, numbered_sql, SQL_VALUES(sql_number(decision->number)))
            : sql_query(sql, coded_sql,
                        SQL_VALUES(sql_text(decision->codes[0]), sql_text(decision->codes[1])));

    if (result != SQL_ROW)
        return result == SQL_DONE ? refuse(deciding, DUPLICATES_ABSENT) : result;
    deciding->ids[0] = sql_column_number(sql, 0);
    deciding->ids[1] = sql_column_number(sql, 1);
    result = sql_next(sql);
    if (result == SQL_DONE &&
        (deciding->ids[0] == INT64_MIN || (!is_numbered && deciding->ids[1] == INT64_MIN)))
        return refuse(deciding, DUPLICATES_ABSENT);
    return result == SQL_DONE && deciding->ids[0] == deciding->ids[1]
               ? refuse(deciding, DUPLICATES_UNCHANGED)
               : result;
}

/* What is said of the pair. A pair that was not listed is, as long as something is said of it. */
static enum sql_result pair_settle(struct deciding *deciding, int64_t *settled)
{
    const int64_t *ids = deciding->ids;
    const char *decision = verdicts[deciding->decision->verdict].decision;
    const struct sql_value values[] = {sql_number(ids[0]), sql_number(ids[1]),
                                       sql_number(deciding->decision->number), sql_text(decision)};
    int64_t count = 0, tidied = 0;
    enum sql_result result = sql_run(deciding->sql, count_sql, values, 3, &count);

    if (result == SQL_DONE)
        result = sql_run(deciding->sql, settle_sql, values, 4, settled);
    if (result == SQL_DONE && decision == NULL)
        result = sql_run(deciding->sql, tidy_sql, values, 3, &tidied);
    if (result != SQL_DONE || count > 0 || decision == NULL)
        return result;
    const bool in_order = ids[0] < ids[1];
    return sql_run(deciding->sql, add_sql,
                   SQL_VALUES(sql_number(ids[in_order ? 0 : 1]), sql_number(ids[in_order ? 1 : 0]),
                              sql_text(decision)),
                   settled);
}

static enum sql_result groups_join(struct deciding *deciding, int64_t one, int64_t other)
{
    const int64_t root = one < other ? one : other, joins = one < other ? other : one;
    struct duplicates_decided *decided = deciding->decided;
    const enum sql_result result = sql_run(
        deciding->sql, apart_sql, SQL_VALUES(sql_number(one), sql_number(other)), &decided->number);

    if (result == SQL_DONE && decided->number > 0)
        return refuse(deciding, DUPLICATES_APART);
    return result == SQL_DONE
               ? sql_run(deciding->sql, join_sql, SQL_VALUES(sql_number(root), sql_number(joins)),
                         &decided->changed)
               : result;
}

static enum sql_result part_has(struct sql *sql, int64_t root, int64_t of, int64_t id, int64_t *has)
{
    return sql_run(sql, part_has_sql, SQL_VALUES(sql_number(root), sql_number(of), sql_number(id)),
                   has);
}

/* Who is linked to the second one leaves the group; when the root is among these, who is linked to
 * the first. Others, whom a record linked that was erased since, stay. */
static enum sql_result group_split(struct deciding *deciding, int64_t root)
{
    const int64_t first = deciding->ids[0], second = deciding->ids[1];
    struct sql *sql = deciding->sql;
    int64_t is_linked = 0, has_root = 0;
    enum sql_result result = part_has(sql, root, second, first, &is_linked);

    if (result == SQL_DONE && is_linked > 0)
        return deciding->decision->verdict == DUPLICATES_DIFFERENT
                   ? refuse(deciding, DUPLICATES_TOGETHER)
                   : SQL_DONE;
    if (result == SQL_DONE)
        result = part_has(sql, root, second, root, &has_root);
    return result == SQL_DONE
               ? sql_run(sql, split_sql,
                         SQL_VALUES(sql_number(root), sql_number(has_root > 0 ? first : second)),
                         &deciding->decided->changed)
               : result;
}

static enum sql_result groups_change(struct deciding *deciding)
{
    int64_t roots[2] = {0};
    enum sql_result result = SQL_DONE;

    if (deciding->ids[1] == INT64_MIN)
        return SQL_DONE;
    for (int i = 0; i < 2 && result == SQL_DONE; i++)
        result =
            sql_run(deciding->sql, root_sql, SQL_VALUES(sql_number(deciding->ids[i])), &roots[i]);
    if (result != SQL_DONE)
        return result;
    if (deciding->decision->verdict == DUPLICATES_SAME)
        return roots[0] == roots[1] ? SQL_DONE : groups_join(deciding, roots[0], roots[1]);
    return roots[0] == roots[1] ? group_split(deciding, roots[0]) : SQL_DONE;
}

static enum sql_result counting_find(struct deciding *deciding)
{
    struct sql *sql = deciding->sql;
    const enum sql_result result =
        sql_query(sql, counts_sql, SQL_VALUES(sql_number(deciding->ids[0])));

    if (result != SQL_ROW)
        return result;
    snprintf(deciding->decided->counts, RECORD_CODE_MAX, "%s", sql_column(sql, 0));
    return sql_next(sql);
}

static enum sql_result decide(struct deciding *deciding)
{
    const struct duplicates_decision *decision = deciding->decision;
    int64_t settled = 0;
    enum sql_result result = records_find(deciding);

    if (result == SQL_DONE)
        result = pair_settle(deciding, &settled);
    if (result == SQL_DONE)
        result = groups_change(deciding);
    if (result == SQL_DONE && settled + deciding->decided->changed == 0)
        return refuse(deciding, DUPLICATES_UNCHANGED);
    if (result == SQL_DONE)
        result = audit_write(deciding->sql, decision->now_us, verdicts[decision->verdict].action,
                             deciding->decided->changed, decision->author);
    return result == SQL_DONE ? counting_find(deciding) : result;
}

int duplicates_decide(const char *url, const struct duplicates_decision *decision,
                      struct duplicates_decided *decided, char error[ERROR_MAX])
{
    struct deciding deciding = {.decision = decision, .decided = decided};

    *decided = (struct duplicates_decided){0};
    deciding.sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (deciding.sql == NULL)
        return -1;
    enum sql_result result =
        sql_run(deciding.sql, begin_sql[deciding.sql->dialect], SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        result = decide(&deciding);
    result = sql_end(deciding.sql, result);
    const int status = sql_finish(deciding.sql, result, error);
    return deciding.status != 0 ? deciding.status : status;
}
