/* A batch of claims in SQLite: one transaction, some short statements for each claim. */
#include "store/records/claims.h"
#include "store/records/store.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/records/claims_said.h"
#include "store/records/erased.h"
#include <string.h>

extern const char claim_sqlite_sql[], again_sqlite_sql[], claimed_sqlite_sql[], find_sqlite_sql[];
extern const char has_asked_sqlite_sql[], near_sqlite_sql[], number_sqlite_sql[];
extern const char asked_sqlite_sql[], link_sqlite_sql[];

/* Whether the file can be written. */
static const char touch_sql[] = "UPDATE schema_migrations SET applied_at = applied_at";

_Static_assert(RECORD_ASKED_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

static struct sql_value text_value(const char *text, size_t capacity)
{
    return (struct sql_value){.type = SQL_TEXT, .bytes = text, .length = strnlen(text, capacity)};
}

/* A claim on its way into the file: its texts, and the statements' parameters, which point to them. */
enum { UP_TO = 11, RECORD = 14, PARAMETER_COUNT }; /* $12, $15 */
struct sqlite_claim {
    const struct record_claim *claim;
    struct claim_outcome *outcome;
    char hash[2 * RECORD_HASH_SIZE + 1];
    char near[2 * RECORD_NEAR_SIZE + 1], sought[2 * RECORD_NEAR_SIZE + 1];
    char asked[1 + 2 * RECORD_ASKED_SIZE + 1]; /* a space before it */
    char number[2 * RECORD_PERSON_HASH_SIZE + 1], user_id[2 * RECORD_PERSON_HASH_SIZE + 1];
    char number_asker[1 + 2 * RECORD_ASKER_SIZE + 1]; /* a space before it */
    char now[RECORD_TIME_MAX], requested[RECORD_TIME_MAX];
    struct sql_value values[PARAMETER_COUNT];
};

/* A hash as text behind its space or none, in the room; NULL where it is not known. */
static struct sql_value hash_value(bool is_known, const unsigned char *hash, size_t size,
                                   const char *before, char *room)
{
    if (!is_known)
        return sql_text(NULL);
    const size_t length = strlen(before);

    memcpy(room, before, length);
    hex_write(hash, size, room + length);
    return (struct sql_value){.type = SQL_TEXT, .bytes = room, .length = length + 2 * size};
}

/* What a slow clock dates years back would soon be too old to be kept: requested. */
static void times_write(struct sqlite_claim *write, int64_t trusted_us)
{
    const int64_t now_us = write->claim->now_us;

    record_time_format(record_time_minute(now_us), write->now);
    memcpy(write->requested, write->now, sizeof write->requested);
    if (now_us < trusted_us)
        record_time_format(record_time_minute(trusted_us), write->requested);
}

static void values_write(struct sqlite_claim *write, int64_t trusted_us)
{
    const struct record_claim *claim = write->claim;
    const struct record_person *person = &claim->person;
    const bool has_both = person->has_user_id && person->has_number;
    const bool has_whole_number = person->has_number && !person->number_is_cut;

    times_write(write, trusted_us);
    const struct sql_value values[PARAMETER_COUNT] = {
        hash_value(true, claim->input_hash, RECORD_HASH_SIZE, "", write->hash),
        text_value(claim->code, sizeof claim->code),
        text_value(claim->phone_number, sizeof claim->phone_number),
        sql_text(write->now),
        text_value(claim->event_id, sizeof claim->event_id),
        hash_value(claim->is_signed, claim->asked, RECORD_ASKED_SIZE, " ", write->asked),
        sql_text(write->requested),
        hash_value(person->has_user_id, person->user_id, RECORD_PERSON_HASH_SIZE, "",
                   write->user_id),
        hash_value(has_both, person->number, RECORD_ASKER_SIZE, " ", write->number_asker),
        hash_value(has_whole_number, person->number, RECORD_PERSON_HASH_SIZE, "", write->number),
        hash_value(claim->has_near, claim->near, RECORD_NEAR_SIZE, "", write->near),
        sql_text(NULL), /* UP_TO: not looked for yet */
        hash_value(claim->asks_near, claim->sought, RECORD_NEAR_SIZE, "", write->sought),
        (struct sql_value){.type = claim->is_signed ? SQL_TEXT : SQL_NULL,
                           .bytes = write->asked + 1,
                           .length = 2 * RECORD_ASKER_SIZE},
        sql_text(NULL), /* RECORD: not known yet */
    };
    memcpy(write->values, values, sizeof values);
}

static enum sql_result run(struct sql *sql, const struct sqlite_claim *write, const char *statement,
                           int64_t *number)
{
    return sql_run(sql, statement, write->values, PARAMETER_COUNT, number);
}

/* Once for a claim, and not for who is new. */
static enum sql_result number_find(struct sql *sql, struct sqlite_claim *write)
{
    int64_t up_to = 0;

    if (write->values[UP_TO].type == SQL_NUMBER)
        return SQL_DONE;
    const enum sql_result result = run(sql, write, number_sqlite_sql, &up_to);
    write->values[UP_TO] = sql_number(up_to);
    return result;
}

/* Returns SQL_ROW, with the outcome, when the person asked for nearly the same before. */
static enum sql_result near_find(struct sql *sql, struct sqlite_claim *write)
{
    int64_t has_asked;
    enum sql_result result = run(sql, write, has_asked_sqlite_sql, &has_asked);

    if (result != SQL_DONE || has_asked == 0)
        return result;
    result = number_find(sql, write);
    if (result == SQL_DONE)
        result = sql_query(sql, near_sqlite_sql, write->values, PARAMETER_COUNT);
    if (result != SQL_ROW)
        return result;
    claim_near_read(write->outcome, sql, 0, 3);
    result = sql_next(sql);
    return result == SQL_DONE ? SQL_ROW : result;
}

static void outcome_new(const struct sqlite_claim *write)
{
    *write->outcome = (struct claim_outcome){.status = STORE_OK, .is_new = true};
    memcpy(write->outcome->code, write->claim->code, sizeof write->outcome->code);
}

/* Reads the outcome and the record's id by one of the two. Returns SQL_DONE or a failure. */
static enum sql_result outcome_query(struct sql *sql, const char *statement,
                                     struct sqlite_claim *write)
{
    const enum sql_result first = sql_query(sql, statement, write->values, PARAMETER_COUNT);

    if (first != SQL_ROW)
        return first == SQL_DONE ? SQL_FAILED : first;
    claim_outcome_read(write->outcome, sql, 0);
    write->values[RECORD] = sql_number(sql_column_number(sql, 3));
    return sql_next(sql);
}

/* Returns SQL_ROW when it was inserted or counted; SQL_DONE when it knew the event. */
static enum sql_result record_write(struct sql *sql, struct sqlite_claim *write)
{
    int64_t written;
    enum sql_result result = run(sql, write, claim_sqlite_sql, &written);

    if (result == SQL_DONE && written > 0) {
        outcome_new(write);
        return SQL_ROW;
    }
    if (result == SQL_DONE)
        result = number_find(sql, write);
    if (result == SQL_DONE)
        result = run(sql, write, again_sqlite_sql, &written);
    if (result == SQL_DONE)
        result = outcome_query(sql, written > 0 ? claimed_sqlite_sql : find_sqlite_sql, write);
    return result == SQL_DONE && written > 0 ? SQL_ROW : result;
}

/* Whether number and user id came together, and the whole of both is known. */
static bool is_linked(const struct record_person *person)
{
    return person->has_user_id && person->has_number && !person->number_is_cut;
}

static enum sql_result claim_run(struct sql *sql, const struct record_claim *claim,
                                 int64_t trusted_us, struct claim_outcome *outcome)
{
    struct sqlite_claim write = {.claim = claim, .outcome = outcome};
    enum sql_result result = SQL_DONE;

    values_write(&write, trusted_us);
    if (claim->asks_near && claim->is_signed)
        result = near_find(sql, &write);
    if (result != SQL_DONE)
        return result == SQL_ROW ? SQL_DONE : result;
    result = record_write(sql, &write);
    if (result != SQL_ROW)
        return result;
    result = claim->is_signed ? run(sql, &write, asked_sqlite_sql, NULL) : SQL_DONE;
    return result == SQL_DONE && is_linked(&claim->person) ? run(sql, &write, link_sqlite_sql, NULL)
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
