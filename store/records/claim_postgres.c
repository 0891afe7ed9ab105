/*
 * A batch of claims in PostgreSQL: one statement over arrays, a transaction of its own. Its
 * arithmetic is that of single claims. The arrays are in the order of the hashes.
 */
#include "store/records/claims.h"
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/records/claims_said.h"
#include "store/records/erased.h"
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char claim_postgres_sql[];

_Static_assert(RECORD_ASKED_SIZE == 8 && RECORD_ASKERS_MAX == 16 && RECORD_PERSON_HASH_SIZE == 16 &&
                   RECORD_NEAR_SIZE == 25,
               "as the statement says");

/* Oids of the types, from pg_type.dat. */
enum { BYTEA = 17, TEXT = 25, TIMESTAMPTZ = 1184 };

enum parameter {
    HASHES,
    CODES,
    PHONES,
    TIMES,
    EVENTS,
    ASKERS,
    USER_IDS,
    NUMBERS,
    NEAR,
    SOUGHT,
    PARAMETER_COUNT
};

static const uint32_t element_types[PARAMETER_COUNT] = {
    [HASHES] = BYTEA, [CODES] = TEXT,   [PHONES] = TEXT,    [TIMES] = TIMESTAMPTZ,
    [EVENTS] = TEXT,  [ASKERS] = BYTEA, [USER_IDS] = BYTEA, [NUMBERS] = BYTEA,
    [NEAR] = BYTEA,   [SOUGHT] = BYTEA,
};

_Static_assert(RECORD_PHONE_MAX <= CLAIMS_ELEMENT_MAX && RECORD_CODE_MAX <= CLAIMS_ELEMENT_MAX &&
                   (int)PARAMETER_COUNT == CLAIMS_ARRAYS,
               "elements fit");

/* An array has a head of five numbers, then each element with its length. All numbers are in
 * network order. */
static void number_append(struct claims_array *array, uint32_t number)
{
    number = htonl(number);
    memcpy(array->bytes + array->length, &number, sizeof number);
    array->length += sizeof number;
}

static void array_begin(struct claims_array *array, uint32_t element_type, size_t count)
{
    array->length = 0;
    number_append(array, 1); /* dimension */
    number_append(array, 0); /* no element is NULL */
    number_append(array, element_type);
    number_append(array, (uint32_t)count);
    number_append(array, 1); /* the first index */
}

static void element_append(struct claims_array *array, const void *bytes, size_t length)
{
    number_append(array, (uint32_t)length);
    memcpy(array->bytes + array->length, bytes, length);
    array->length += length;
}

/* PostgreSQL counts microseconds since 2000. */
static void time_append(struct claims_array *array, int64_t unix_us)
{
    uint64_t time = htobe64((uint64_t)(unix_us - INT64_C(946684800000000)));

    element_append(array, &time, sizeof time);
}

static void text_append(struct claims_array *array, const char *text, size_t capacity)
{
    element_append(array, text, strnlen(text, capacity));
}

static void claim_append(struct claims_array *arrays, const struct record_claim *claim)
{
    const struct record_person *person = &claim->person;

    element_append(&arrays[HASHES], claim->input_hash, sizeof claim->input_hash);
    text_append(&arrays[CODES], claim->code, sizeof claim->code);
    text_append(&arrays[PHONES], claim->phone_number, sizeof claim->phone_number);
    time_append(&arrays[TIMES], claim->now_us);
    text_append(&arrays[EVENTS], claim->event_id, sizeof claim->event_id);
    element_append(&arrays[ASKERS], claim->asked, claim->is_signed ? sizeof claim->asked : 0);
    element_append(&arrays[USER_IDS], person->user_id,
                   person->has_user_id ? sizeof person->user_id : 0);
    element_append(&arrays[NUMBERS], person->number,
                   !person->has_number     ? 0
                   : person->number_is_cut ? RECORD_ASKER_SIZE
                                           : sizeof person->number);
    element_append(&arrays[NEAR], claim->near, claim->has_near ? sizeof claim->near : 0);
    element_append(&arrays[SOUGHT], claim->sought, claim->asks_near ? sizeof claim->sought : 0);
}

/* No row's code: another instance has registered the person while the statement ran. */
static void row_read(const struct sql *sql, struct claims_batch *batch)
{
    const int64_t n = sql_column_number(sql, 0) - 1;

    if (n < 0 || n >= (int64_t)batch->count)
        return;
    const size_t index = batch->order[n];
    if (sql_column(sql, 1)[0] == 't')
        batch->outcomes[index].status = STORE_CONFLICT;
    else if (sql_column(sql, 5) != NULL)
        claim_near_read(&batch->outcomes[index], sql, 2, 5);
    else if (sql_column(sql, 2) != NULL)
        claim_outcome_read(&batch->outcomes[index], sql, 2);
}

static int hash_compare(const void *a, const void *b, void *batch)
{
    struct record_claim *const *claims = ((const struct claims_batch *)batch)->claims;

    return memcmp(claims[*(const size_t *)a]->input_hash, claims[*(const size_t *)b]->input_hash,
                  RECORD_HASH_SIZE);
}

static enum sql_result batch_insert(struct sql *sql, struct claims_batch *batch)
{
    struct claims_array *arrays = batch->arrays;
    struct sql_value values[PARAMETER_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->outcomes[i].status == STORE_LATER)
            batch->order[count++] = i;
    if (count == 0)
        return SQL_DONE;
    qsort_r(batch->order, count, sizeof batch->order[0], hash_compare, batch);
    for (int i = 0; i < PARAMETER_COUNT; i++)
        array_begin(&arrays[i], element_types[i], count);
    for (size_t i = 0; i < count; i++)
        claim_append(arrays, batch->claims[batch->order[i]]);
    for (int i = 0; i < PARAMETER_COUNT; i++)
        values[i] = sql_bytes(arrays[i].bytes, arrays[i].length);
    enum sql_result result = sql_query(sql, claim_postgres_sql, values, PARAMETER_COUNT);
    for (; result == SQL_ROW; result = sql_next(sql))
        row_read(sql, batch);
    return result;
}

static enum sql_result said_insert(struct sql *sql, struct claims_batch *batch)
{
    enum sql_result result = claims_said_find(sql, batch);

    if (result == SQL_DONE)
        result = batch_insert(sql, batch);
    return result == SQL_DONE ? claims_said_write(sql, batch) : result;
}

/* The list of the erased is locked: who erases waits until what was judged is committed, and so
 * finds it. */
static enum sql_result replays_insert(struct sql *sql, struct claims_batch *batch)
{
    enum sql_result result =
        sql_run(sql, "LOCK TABLE uic_erased IN ROW SHARE MODE", SQL_NOTHING, NULL);

    if (result == SQL_DONE)
        result = erased_judge(sql, batch);
    return result == SQL_DONE ? said_insert(sql, batch) : result;
}

/* What is set ends with the transaction, and is nobody else's behind a pooler. */
static enum sql_result transaction_run(struct sql *sql, struct claims_batch *batch, int lock_ms,
                                       bool are_replays, struct record_store *binding)
{
    const int64_t left_ms = sql->due_ms - clock_monotonic_ms();
    char begin[128];

    snprintf(begin, sizeof begin,
             "BEGIN; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d",
             left_ms > 1 ? (int)left_ms : 1, lock_ms);
    enum sql_result result = sql_run(sql, begin, SQL_NOTHING, NULL);
    if (result == SQL_DONE && binding != NULL)
        result = record_marks_bind(binding, sql);
    return sql_end(sql, result != SQL_DONE ? result
                        : are_replays      ? replays_insert(sql, batch)
                                           : said_insert(sql, batch));
}

enum sql_result claims_postgres_run(struct sql *sql, struct claims_batch *batch, int lock_ms,
                                    struct record_store *binding)
{
    const bool are_replays = batch->claims[0]->replay != NULL;

    for (size_t i = 0; i < batch->count; i++)
        batch->outcomes[i].status = STORE_LATER;
    return sql->pooled || are_replays || lock_ms != CLAIMS_LOCK_MS || binding != NULL ||
                   batch->claims[0]->said != RECORD_SAID_NOTHING
               ? transaction_run(sql, batch, lock_ms, are_replays, binding)
               : batch_insert(sql, batch);
}
