/* A batch of claims in SQLite: one transaction, a statement or two for each claim. */
#include "store/records/claims.h"
#include "store/records/store.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/records/erased.h"
#include <string.h>

extern const char claim_sqlite_sql[], find_sqlite_sql[];

/* Whether the file can be written. */
static const char touch_sql[] = "UPDATE schema_migrations SET applied_at = applied_at";

_Static_assert(RECORD_ASKER_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

static struct sql_value text_value(const char *text, size_t capacity)
{
    return (struct sql_value){.type = SQL_TEXT, .bytes = text, .length = strnlen(text, capacity)};
}

/* Runs one of the two to its end. Returns SQL_ROW with the outcome, SQL_DONE when there was no row,
 * or a failure. */
static enum sql_result outcome_query(struct sql *sql, const char *statement,
                                     const struct sql_value *values, int count,
                                     struct claim_outcome *outcome)
{
    const enum sql_result first = sql_query(sql, statement, values, count);

    if (first != SQL_ROW)
        return first;
    claim_outcome_read(outcome, sql, 0);
    const enum sql_result last = sql_next(sql);
    return last == SQL_DONE ? SQL_ROW : last;
}

/* What a slow clock dates years back would soon be too old to be kept: requested. */
static enum sql_result claim_run(struct sql *sql, const struct record_claim *claim,
                                 int64_t trusted_us, struct claim_outcome *outcome)
{
    char hash[2 * RECORD_HASH_SIZE + 1], now[RECORD_TIME_MAX], requested[RECORD_TIME_MAX];
    char asker[1 + 2 * RECORD_ASKER_SIZE + 1] = " "; /* a space before it */
    char number[1 + 2 * RECORD_IDENTITY_SIZE + 1] = " ", user_id[2 * RECORD_USER_ID_SIZE + 1];
    const struct record_person *person = &claim->person;

    hex_write(claim->input_hash, RECORD_HASH_SIZE, hash);
    hex_write(claim->asker, RECORD_ASKER_SIZE, asker + 1);
    hex_write(person->user_id, RECORD_USER_ID_SIZE, user_id);
    hex_write(person->number, RECORD_IDENTITY_SIZE, number + 1);
    record_time_format(record_time_minute(claim->now_us), now);
    if (claim->now_us < trusted_us)
        record_time_format(record_time_minute(trusted_us), requested);
    const struct sql_value values[] = {
        text_value(hash, sizeof hash),
        text_value(claim->code, sizeof claim->code),
        text_value(claim->phone_number, sizeof claim->phone_number),
        sql_text(now),
        text_value(claim->event_id, sizeof claim->event_id),
        sql_text(claim->is_signed ? asker : NULL),
        sql_text(claim->now_us < trusted_us ? requested : now),
        sql_text(person->has_user_id ? user_id : NULL),
        sql_text(person->has_user_id && person->has_number ? number : NULL),
    };
    const int count = sizeof values / sizeof values[0];

    const enum sql_result result = outcome_query(sql, claim_sqlite_sql, values, count, outcome);
    return result == SQL_DONE ? outcome_query(sql, find_sqlite_sql, values, count, outcome)
                              : result;
}

/* The hash has its own clause, so what is not unique is the code. Like that, what a trigger of the
 * operator's refuses undoes its own statement only. */
static enum sql_result claim_write(struct sql *sql, struct claims_batch *batch, size_t index,
                                   int64_t trusted_us)
{
    const enum sql_result result =
        claim_run(sql, batch->claims[index], trusted_us, &batch->outcomes[index]);

    if (result == SQL_UNIQUE)
        batch->outcomes[index].status = STORE_CONFLICT;
    else if (result == SQL_REFUSED)
        claim_refuse(batch, index, sql);
    else if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    return SQL_DONE;
}

enum sql_result claims_sqlite_run(struct sql *sql, struct claims_batch *batch, int64_t trusted_us,
                                  struct record_store *binding)
{
    enum sql_result result = sql_run(sql, "BEGIN IMMEDIATE", SQL_NOTHING, NULL);

    if (result == SQL_DONE && batch->count == 0)
        result = sql_run(sql, touch_sql, SQL_NOTHING, NULL);
    for (size_t i = 0; i < batch->count; i++)
        batch->outcomes[i].status = STORE_LATER;
    if (result == SQL_DONE && binding != NULL)
        result = record_marks_bind(binding, sql);
    if (result == SQL_DONE && batch->count > 0 && batch->claims[0]->replay != NULL)
        result = erased_judge(sql, batch);
    for (size_t i = 0; i < batch->count && result == SQL_DONE; i++)
        if (batch->outcomes[i].status == STORE_LATER)
            result = claim_write(sql, batch, i, trusted_us);
    return sql_end(sql, result) == SQL_DONE ? SQL_DONE : SQL_DOWN;
}
