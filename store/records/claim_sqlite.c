/* A batch of claims in SQLite: one transaction, a statement or two for each claim. */
#include "store/records/claims.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include <stdio.h>
#include <string.h>

extern const char claim_sqlite_sql[], find_sqlite_sql[];

static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
/* Whether the file can be written. */
static const char touch_sql[] = "UPDATE schema_migrations SET applied_at = applied_at";

_Static_assert(RECORD_ASKER_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

void claim_outcome_set(struct claim_outcome *outcome, const char *code, bool is_new,
                       bool asked_before)
{
    const size_t length = code != NULL ? strlen(code) : sizeof outcome->code;

    outcome->status = STORE_DOWN;
    if (length >= sizeof outcome->code)
        return;
    memcpy(outcome->code, code, length + 1);
    outcome->is_new = is_new;
    outcome->asked_before = !is_new && asked_before;
    outcome->status = STORE_OK;
}

enum sql_result claims_sqlite_prepare(struct sql *sql)
{
    const char *const kept[] = {begin_sql, commit_sql, claim_sqlite_sql, find_sqlite_sql};
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < sizeof kept / sizeof kept[0] && result == SQL_DONE; i++)
        result = sql_keep(sql, kept[i]);
    return result;
}

static struct sql_value text_value(const char *text, size_t capacity)
{
    return (struct sql_value){.type = SQL_TEXT, .bytes = text, .length = strnlen(text, capacity)};
}

/* Runs one of the two to its end. Returns SQL_ROW with the outcome, SQL_DONE when there was no row,
 * or a failure. */
static enum sql_result outcome_select(struct sql *sql, const char *statement,
                                      const struct sql_value *values, int count,
                                      struct claim_outcome *outcome)
{
    enum sql_result first = sql_start(sql, statement, values, count), last;

    if (first == SQL_DONE)
        first = sql_next(sql);
    if (first != SQL_ROW)
        return first;
    claim_outcome_set(outcome, sql_column(sql, 0), sql_column_number(sql, 1) == 1,
                      sql_column_number(sql, 2) == 1);
    last = sql_next(sql);
    return last == SQL_DONE ? SQL_ROW : last;
}

/* What a slow clock dates years back would soon be too old to be kept: requested. */
static enum sql_result claim_run(struct sql *sql, const struct record_claim *claim,
                                 int64_t trusted_us, struct claim_outcome *outcome)
{
    char hash[2 * RECORD_HASH_SIZE + 1], now[RECORD_TIME_MAX], requested[RECORD_TIME_MAX];
    char asker[1 + 2 * RECORD_ASKER_SIZE + 1] = " "; /* a space before it */
    enum sql_result result;

    hex_write(claim->input_hash, RECORD_HASH_SIZE, hash);
    hex_write(claim->asker, RECORD_ASKER_SIZE, asker + 1);
    record_time_format(claim->now_us, now);
    if (claim->now_us < trusted_us)
        record_time_format(trusted_us, requested);
    const struct sql_value values[] = {
        text_value(hash, sizeof hash),
        text_value(claim->code, sizeof claim->code),
        text_value(claim->phone_number, sizeof claim->phone_number),
        sql_text(now),
        text_value(claim->event_id, sizeof claim->event_id),
        claim->is_signed ? sql_text(asker) : sql_text(NULL),
        sql_text(claim->now_us < trusted_us ? requested : now),
    };
    const int count = sizeof values / sizeof values[0];

    result = outcome_select(sql, claim_sqlite_sql, values, count, outcome);
    if (result == SQL_DONE)
        result = outcome_select(sql, find_sqlite_sql, values, count, outcome);
    if (result == SQL_UNIQUE) {
        /* The hash has its own clause, so this is the code. Only the statement was undone. */
        outcome->status = STORE_CONFLICT;
        return SQL_DONE;
    }
    return result == SQL_ROW ? SQL_DONE : result == SQL_DONE ? SQL_FAILED : result;
}

enum sql_result claims_sqlite_run(struct sql *sql, struct claims_batch *batch, int64_t trusted_us)
{
    char why[STORE_ERROR_MAX];
    enum sql_result result = sql_run(sql, begin_sql, SQL_NOTHING, NULL);

    if (result == SQL_DONE && batch->count == 0)
        result = sql_run(sql, touch_sql, SQL_NOTHING, NULL);
    for (size_t i = 0; i < batch->count && result == SQL_DONE; i++)
        result = claim_run(sql, batch->claims[i], trusted_us, &batch->outcomes[i]);
    if (result == SQL_DONE)
        result = sql_run(sql, commit_sql, SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        return SQL_DONE;
    memcpy(why, sql->error, sizeof why);
    sql_run(sql, "ROLLBACK", SQL_NOTHING, NULL);
    memcpy(sql->error, why, sizeof why);
    return SQL_DOWN;
}
