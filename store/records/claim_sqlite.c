/* A batch of claims in SQLite: one transaction, some short statements for each claim. */
#include "store/records/claims.h"
#include "store/records/store.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/records/claims_said.h"
#include "store/records/erased.h"
#include <string.h>

extern const char claim_sqlite_sql[], again_sqlite_sql[], claimed_sqlite_sql[];
extern const char find_sqlite_sql[], has_asked_sqlite_sql[], near_sqlite_sql[], asked_sqlite_sql[],
    link_sqlite_sql[];

/* Whether the file can be written. */
static const char touch_sql[] = "UPDATE schema_migrations SET applied_at = applied_at";

_Static_assert(RECORD_ASKER_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

static struct sql_value text_value(const char *text, size_t capacity)
{
    return (struct sql_value){.type = SQL_TEXT, .bytes = text, .length = strnlen(text, capacity)};
}

/* What the statements have of a claim, as text. */
struct claim_texts {
    char hash[2 * RECORD_HASH_SIZE + 1], near[2 * RECORD_NEAR_SIZE + 1];
    char asker[1 + 2 * RECORD_ASKER_SIZE + 1]; /* a space before it */
    char who[2 * RECORD_IDENTITY_SIZE + 1];
    char number[2 * RECORD_USER_ID_SIZE + 1], user_id[2 * RECORD_USER_ID_SIZE + 1];
    char number_who[1 + 2 * RECORD_IDENTITY_SIZE + 1]; /* a space before it */
    char now[RECORD_TIME_MAX], requested[RECORD_TIME_MAX];
};

/* What a slow clock dates years back would soon be too old to be kept: requested. */
static void texts_write(struct claim_texts *texts, const struct record_claim *claim,
                        int64_t trusted_us)
{
    const struct record_person *person = &claim->person;

    hex_write(claim->input_hash, RECORD_HASH_SIZE, texts->hash);
    hex_write(claim->near, RECORD_NEAR_SIZE, texts->near);
    texts->asker[0] = texts->number_who[0] = ' ';
    hex_write(claim->asker, RECORD_ASKER_SIZE, texts->asker + 1);
    hex_write(claim->asker, RECORD_IDENTITY_SIZE, texts->who);
    hex_write(person->user_id, RECORD_USER_ID_SIZE, texts->user_id);
    hex_write(person->number, RECORD_USER_ID_SIZE, texts->number);
    hex_write(person->number, RECORD_IDENTITY_SIZE, texts->number_who + 1);
    record_time_format(record_time_minute(claim->now_us), texts->now);
    memcpy(texts->requested, texts->now, sizeof texts->requested);
    if (claim->now_us < trusted_us)
        record_time_format(record_time_minute(trusted_us), texts->requested);
}

/* Whether number and user id came together, and the whole of both is known. */
static bool is_linked(const struct record_person *person)
{
    return person->has_user_id && person->has_number && !person->number_is_cut;
}

/* The whole hash of the number, with a user id or alone. */
static const char *number_text(const struct record_person *person, const struct claim_texts *texts)
{
    return person->has_number && !person->number_is_cut ? texts->number : NULL;
}

/* Reads the outcome and the record's id by one of the two. Returns SQL_DONE or a failure. */
static enum sql_result outcome_query(struct sql *sql, const char *statement,
                                     const struct sql_value *values, int count,
                                     struct claim_outcome *outcome, int64_t *id)
{
    const enum sql_result first = sql_query(sql, statement, values, count);

    if (first != SQL_ROW)
        return first == SQL_DONE ? SQL_FAILED : first;
    claim_outcome_read(outcome, sql, 0);
    *id = sql_column_number(sql, 3);
    return sql_next(sql);
}

static void outcome_new(struct claim_outcome *outcome, const struct record_claim *claim)
{
    *outcome = (struct claim_outcome){.status = STORE_OK, .is_new = true};
    memcpy(outcome->code, claim->code, sizeof outcome->code);
}

/* Returns SQL_ROW when it was inserted or counted, with its id, of which 0 is the one inserted last;
 * SQL_DONE when it knew the event. */
static enum sql_result record_write(struct sql *sql, const struct record_claim *claim,
                                    const struct claim_texts *texts, struct claim_outcome *outcome,
                                    int64_t *id)
{
    const struct record_person *person = &claim->person;
    const bool has_both = person->has_user_id && person->has_number;
    const struct sql_value values[] = {
        sql_text(texts->hash),
        text_value(claim->code, sizeof claim->code),
        text_value(claim->phone_number, sizeof claim->phone_number),
        sql_text(texts->now),
        text_value(claim->event_id, sizeof claim->event_id),
        sql_text(claim->is_signed ? texts->asker : NULL),
        sql_text(texts->requested),
        sql_text(person->has_user_id ? texts->user_id : NULL),
        sql_text(has_both ? texts->number_who : NULL),
        sql_text(number_text(person, texts)),
        sql_text(claim->has_near ? texts->near : NULL),
    };
    const int count = sizeof values / sizeof values[0];
    int64_t written;
    enum sql_result result = sql_run(sql, claim_sqlite_sql, values, count, &written);
    if (result == SQL_DONE && written > 0) {
        outcome_new(outcome, claim);
        return SQL_ROW;
    }
    if (result == SQL_DONE)
        result = sql_run(sql, again_sqlite_sql, values, count, &written);
    if (result == SQL_DONE)
        result = outcome_query(sql, written > 0 ? claimed_sqlite_sql : find_sqlite_sql, values,
                               count, outcome, id);
    return result == SQL_DONE && written > 0 ? SQL_ROW : result;
}

/* Returns SQL_ROW, with the outcome, when the person asked for nearly the same before. */
static enum sql_result near_find(struct sql *sql, const struct record_claim *claim,
                                 const struct claim_texts *texts, struct claim_outcome *outcome)
{
    char text[2 * RECORD_NEAR_SIZE + 1];
    int64_t has_asked;
    const enum sql_result asked =
        sql_run(sql, has_asked_sqlite_sql, SQL_VALUES(sql_text(texts->who)), &has_asked);

    if (asked != SQL_DONE || has_asked == 0)
        return asked;
    hex_write(claim->sought, sizeof claim->sought, text);
    const struct record_person *person = &claim->person;
    const enum sql_result first = sql_query(
        sql, near_sqlite_sql,
        SQL_VALUES(sql_text(texts->who), sql_text(text), sql_text(texts->hash),
                   sql_text(person->has_user_id ? texts->user_id : NULL),
                   sql_text(person->has_user_id && person->has_number ? texts->number_who : NULL),
                   sql_text(number_text(person, texts)),
                   text_value(claim->phone_number, sizeof claim->phone_number)));
    if (first != SQL_ROW)
        return first;
    claim_near_read(outcome, sql, 0, 3);
    const enum sql_result last = sql_next(sql);
    return last == SQL_DONE ? SQL_ROW : last;
}

static enum sql_result claim_run(struct sql *sql, const struct record_claim *claim,
                                 int64_t trusted_us, struct claim_outcome *outcome)
{
    struct claim_texts texts;
    int64_t id = 0;
    enum sql_result result = SQL_DONE;

    texts_write(&texts, claim, trusted_us);
    if (claim->asks_near && claim->is_signed)
        result = near_find(sql, claim, &texts, outcome);
    if (result != SQL_DONE)
        return result == SQL_ROW ? SQL_DONE : result;
    result = record_write(sql, claim, &texts, outcome, &id);
    if (result != SQL_ROW)
        return result;
    result = SQL_DONE;
    if (claim->is_signed)
        result =
            sql_run(sql, asked_sqlite_sql, SQL_VALUES(sql_text(texts.who), sql_number(id)), NULL);
    if (result == SQL_DONE && is_linked(&claim->person))
        result = sql_run(
            sql, link_sqlite_sql,
            SQL_VALUES(sql_text(texts.number), sql_text(texts.user_id), sql_text(texts.now)), NULL);
    return result;
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
    else
        return result;
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
    if (result == SQL_DONE)
        result = claims_said_find(sql, batch);
    for (size_t i = 0; i < batch->count && result == SQL_DONE; i++)
        if (batch->outcomes[i].status == STORE_LATER)
            result = claim_write(sql, batch, i, trusted_us);
    if (result == SQL_DONE)
        result = claims_said_write(sql, batch);
    return sql_end(sql, result) == SQL_DONE ? SQL_DONE : SQL_DOWN;
}
