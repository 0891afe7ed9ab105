/*
 * The statement of a batch of claims. Its arithmetic is that of single claims: a person, or a code,
 * that comes twice among those that wait has its second claim in a later batch. Rows are written in
 * the order of their hashes, so that two instances never wait for each other in a circle.
 */
#include "store/postgres/postgres_claim.h"

#include "store/record_backend.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Oids of the types, from pg_type.dat. */
enum { BYTEA = 17, TEXT = 25, TIMESTAMPTZ = 1184 };
enum { BYTEA_ARRAY = 1001, TEXT_ARRAY = 1009, TIMESTAMPTZ_ARRAY = 1185 };

enum parameter { HASHES, CODES, PHONES, TIMES, EVENTS, ASKERS, PARAMETER_COUNT };

/*
 * The number of this claim comes first in asked_by. One that was there keeps its message; one that
 * is there only as the phone number asked before this message, and gets none. Without a number
 * nothing changes.
 */
#define ASKER "substring(excluded.asked_by for 5)"
#define ASKED_BY                                                                                 \
    "coalesce(CASE WHEN substring(r.asked_by for 5) = " ASKER " THEN r.asked_by"                 \
    " WHEN position(" ASKER " in r.asked_by) % 8 = 1 THEN"                                       \
    "  substring(r.asked_by from position(" ASKER " in r.asked_by) for 8) ||"                    \
    "  overlay(r.asked_by placing '' from position(" ASKER " in r.asked_by) for 8)"              \
    " ELSE CASE r.phone_number WHEN excluded.phone_number THEN " ASKER " || '\\x000000'::bytea"  \
    "   ELSE excluded.asked_by END || substring(coalesce(r.asked_by, '') for 8 * (16 - 1)) END," \
    " r.asked_by)"
_Static_assert(RECORD_ASKER_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

/* A claim's clock may be slow, and what it dates years back would soon be too old to be kept: a
 * record was last asked for when it is written, or later. created_at is for statistics; one that
 * came by the outbox keeps its own day. */
#define CREATED_AT "CASE WHEN at > now() - interval '30 days' THEN at ELSE now() END"
#define LAST_REQUESTED_AT                                               \
    "greatest(at, now(), (SELECT to_timestamp(value::float8 / 1000000)" \
    "  FROM uic_marks WHERE name = '" RECORD_TRUSTED_MARK "'))"

/*
 * asked: the claims, and which of them can have nothing: a new person whose code is another's.
 * written: rows that were inserted or counted, but not those that know the event already: these are
 * read in the end, as they stand. No row for a claim means that another instance has registered the
 * person while the statement ran: it wants to be made again.
 */
static const char claim_sql[] =
    "WITH asked AS ("
    " SELECT n, input_hash, uic_code, phone_number, at, nullif(event_id, '') AS event_id,"
    "  nullif(asker, '') AS asker,"
    "  (SELECT id FROM uic_records WHERE uic_code = wanted.uic_code"
    "   AND input_hash <> wanted.input_hash) IS NOT NULL"
    "  AND (SELECT id FROM uic_records WHERE input_hash = wanted.input_hash) IS NULL AS is_taken"
    " FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY"
    "  AS wanted (input_hash, uic_code, phone_number, at, event_id, asker, n)"
    "), written AS ("
    " INSERT INTO uic_records AS r"
    "  (input_hash, uic_code, phone_number, created_at, last_requested_at, last_event_id,"
    "   asked_by)"
    " SELECT input_hash, uic_code, phone_number, " CREATED_AT ", " LAST_REQUESTED_AT ","
    "  event_id, asker FROM asked WHERE NOT is_taken ORDER BY input_hash"
    " ON CONFLICT (input_hash) DO UPDATE SET"
    "  request_count = r.request_count + 1,"
    "  last_requested_at = greatest(r.last_requested_at, excluded.last_requested_at),"
    "  last_event_id = excluded.last_event_id,"
    "  previous_event_ids = (r.last_event_id || r.previous_event_ids)[1:4],"
    "  asked_by = " ASKED_BY
    " WHERE (excluded.last_event_id = ANY (r.last_event_id || r.previous_event_ids)) IS NOT TRUE"
    " RETURNING input_hash, uic_code, request_count = 1 AS is_new, phone_number,"
    "  substring(asked_by for 8) AS latest"
    ")"
    " SELECT n, is_taken, coalesce(written.uic_code, known.uic_code),"
    "  coalesce(written.is_new, known.is_new),"
    "  CASE WHEN written.input_hash IS NULL THEN known.asked_before"
    "   ELSE coalesce(latest <> asker, written.phone_number = asked.phone_number) END"
    " FROM asked LEFT JOIN written USING (input_hash) LEFT JOIN LATERAL ("
    "  SELECT uic_code, request_count ="
    "   array_position(last_event_id || previous_event_ids, asked.event_id) AS is_new,"
    "   position(asker in coalesce(asked_by, '')) = 0 AND"
    "    (phone_number = asked.phone_number OR"
    "     position(substring(asker for 5) in coalesce(asked_by, '')) > 0) AS asked_before"
    "  FROM uic_records WHERE written.input_hash IS NULL AND input_hash = asked.input_hash LIMIT 1"
    " ) AS known ON true";
enum column { COLUMN_NUMBER, COLUMN_IS_TAKEN, COLUMN_CODE, COLUMN_IS_NEW, COLUMN_ASKED };

static const Oid parameter_types[PARAMETER_COUNT] = {
    [HASHES] = BYTEA_ARRAY,      [CODES] = TEXT_ARRAY,  [PHONES] = TEXT_ARRAY,
    [TIMES] = TIMESTAMPTZ_ARRAY, [EVENTS] = TEXT_ARRAY, [ASKERS] = BYTEA_ARRAY,
};

const struct postgres_statement postgres_claim_statement = {
    .name = "uic_claim",
    .sql = claim_sql,
    .types = parameter_types,
    .parameter_count = PARAMETER_COUNT,
};

/* An array in PostgreSQL's binary form: a head of five numbers, then each element with its length.
 * All numbers are in network order. */
#define ARRAY_HEAD 20
#define ELEMENT_MAX 164
_Static_assert(RECORD_PHONE_MAX <= ELEMENT_MAX && RECORD_CODE_MAX <= ELEMENT_MAX, "elements fit");

struct array {
    size_t length;
    char bytes[ARRAY_HEAD + POSTGRES_BATCH_MAX * (4 + ELEMENT_MAX)];
};

struct postgres_batch {
    struct record_claim *claims[POSTGRES_BATCH_MAX]; /* the one that came first is first */
    size_t count;
    struct array arrays[PARAMETER_COUNT];
    const char *values[PARAMETER_COUNT];
    int lengths[PARAMETER_COUNT];
    int formats[PARAMETER_COUNT];
};

struct postgres_batch *postgres_batch_create(void)
{
    return calloc(1, sizeof(struct postgres_batch));
}

void postgres_batch_free(struct postgres_batch *batch)
{
    free(batch);
}

size_t postgres_batch_count(const struct postgres_batch *batch)
{
    return batch->count;
}

const struct record_claim *postgres_batch_first(const struct postgres_batch *batch)
{
    return batch->claims[0];
}

static bool batch_fits(const struct postgres_batch *batch, const struct record_claim *claim)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct record_claim *other = batch->claims[i];
        if (memcmp(other->input_hash, claim->input_hash, RECORD_HASH_SIZE) == 0 ||
            strncmp(other->code, claim->code, RECORD_CODE_MAX) == 0)
            return false;
    }
    return true;
}

/* A limit to the claims that are looked at, as all that wait may be one person's. */
#define LOOKED_AT_MAX (2 * POSTGRES_BATCH_MAX)

void postgres_batch_take(struct postgres_batch *batch, struct claim_list *waiting, size_t max)
{
    struct claim_list left = {0};

    for (int looked_at = 0; looked_at < LOOKED_AT_MAX && batch->count < max; looked_at++) {
        struct record_claim *claim = claim_list_pop(waiting);
        if (!claim)
            break;
        if (batch_fits(batch, claim))
            batch->claims[batch->count++] = claim;
        else
            claim_list_append(&left, claim);
    }
    claim_list_prepend(waiting, &left);
}

static void number_append(struct array *array, uint32_t number)
{
    number = htonl(number);
    memcpy(array->bytes + array->length, &number, sizeof number);
    array->length += sizeof number;
}

static void array_begin(struct array *array, uint32_t element_type, size_t count)
{
    array->length = 0;
    number_append(array, 1); /* dimension */
    number_append(array, 0); /* no element is NULL */
    number_append(array, element_type);
    number_append(array, (uint32_t)count);
    number_append(array, 1); /* the first index */
}

static void element_append(struct array *array, const void *bytes, size_t length)
{
    number_append(array, (uint32_t)length);
    memcpy(array->bytes + array->length, bytes, length);
    array->length += length;
}

/* PostgreSQL counts microseconds since 2000. */
static void time_append(struct array *array, int64_t unix_us)
{
    uint64_t time = htobe64((uint64_t)(unix_us - INT64_C(946684800000000)));

    element_append(array, &time, sizeof time);
}

static void text_append(struct array *array, const char *text, size_t capacity)
{
    element_append(array, text, strnlen(text, capacity));
}

void postgres_batch_parameters(struct postgres_batch *batch, struct postgres_parameters *parameters)
{
    struct array *arrays = batch->arrays;

    array_begin(&arrays[HASHES], BYTEA, batch->count);
    array_begin(&arrays[CODES], TEXT, batch->count);
    array_begin(&arrays[PHONES], TEXT, batch->count);
    array_begin(&arrays[TIMES], TIMESTAMPTZ, batch->count);
    array_begin(&arrays[EVENTS], TEXT, batch->count);
    array_begin(&arrays[ASKERS], BYTEA, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        const struct record_claim *claim = batch->claims[i];
        element_append(&arrays[HASHES], claim->input_hash, sizeof claim->input_hash);
        text_append(&arrays[CODES], claim->code, sizeof claim->code);
        text_append(&arrays[PHONES], claim->phone_number, sizeof claim->phone_number);
        time_append(&arrays[TIMES], claim->now_us);
        text_append(&arrays[EVENTS], claim->event_id, sizeof claim->event_id);
        element_append(&arrays[ASKERS], claim->asker, claim->is_signed ? sizeof claim->asker : 0);
    }
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        batch->values[i] = arrays[i].bytes;
        batch->lengths[i] = (int)arrays[i].length;
        batch->formats[i] = 1;
    }
    *parameters = (struct postgres_parameters){batch->values, batch->lengths, batch->formats};
}

static bool cell_is_true(const PGresult *result, int row, enum column column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

/* What the row says of its claim. Returns false when the claim has to be made again. */
static bool row_read(const PGresult *result, int row, struct record_claim *claim)
{
    const char *code = PQgetvalue(result, row, COLUMN_CODE);

    if (cell_is_true(result, row, COLUMN_IS_TAKEN)) {
        claim->ticket.status = STORE_CONFLICT;
        return true;
    }
    if (PQgetisnull(result, row, COLUMN_CODE))
        return false;
    /* Only a row that somebody edited by hand can be too long. */
    if (strlen(code) >= sizeof claim->code) {
        claim->ticket.status = STORE_DOWN;
        return true;
    }
    strcpy(claim->code, code);
    claim->is_new = cell_is_true(result, row, COLUMN_IS_NEW);
    claim->asked_before = !claim->is_new && cell_is_true(result, row, COLUMN_ASKED);
    claim->ticket.status = STORE_OK;
    return true;
}

void postgres_batch_finish(struct postgres_batch *batch, const PGresult *result,
                           struct claim_list *waiting, struct claim_list *finished)
{
    for (int row = 0; row < PQntuples(result); row++) {
        size_t index = strtoul(PQgetvalue(result, row, COLUMN_NUMBER), NULL, 10) - 1;
        if (index < batch->count && batch->claims[index] &&
            row_read(result, row, batch->claims[index])) {
            claim_list_append(finished, batch->claims[index]);
            batch->claims[index] = NULL;
        }
    }
    postgres_batch_return(batch, waiting);
}

void postgres_batch_finish_all(struct postgres_batch *batch, enum store_status status,
                               struct claim_list *finished)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->claims[i]->ticket.status = status;
        claim_list_append(finished, batch->claims[i]);
    }
    batch->count = 0;
}

void postgres_batch_return(struct postgres_batch *batch, struct claim_list *waiting)
{
    struct claim_list again = {0};

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->claims[i])
            claim_list_append(&again, batch->claims[i]);
    }
    batch->count = 0;
    claim_list_prepend(waiting, &again);
}
