/* By number and by user id one after the other: each has an index. */
#include "store/record_tools/select.h"

#include "store/base/hex.h"
#include "store/records/schema.h"
#include <stdlib.h>

static const char of_code_sql[] = "SELECT id FROM uic_records WHERE uic_code = $1";
static const char of_number_sql[] = "SELECT id FROM uic_records WHERE phone_number IN ($1, $2)";
#define ALONE(created)                                                              \
    "SELECT id FROM uic_records WHERE phone_number IN ($1, $2) AND user_id IS NULL" \
    " AND (id <= $3 OR " created " < $4)"
static const char *const alone_sql[] = {
    [SQL_SQLITE] = ALONE("created_at"),
    [SQL_POSTGRES] = ALONE("to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
};
static const char of_user_id_sql[] = "SELECT id FROM uic_records WHERE user_id = $1";

void record_ids_free(struct record_ids *ids)
{
    free(ids->ids);
    *ids = (struct record_ids){0};
}

static int id_compare(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

bool record_ids_have(const struct record_ids *ids, int64_t id)
{
    return ids->count > 0 &&
           bsearch(&id, ids->ids, ids->count, sizeof *ids->ids, id_compare) != NULL;
}

static int id_append(struct record_ids *ids, int64_t id)
{
    if (ids->count == ids->capacity) {
        const size_t capacity = 2 * ids->capacity + 64;
        int64_t *more = reallocarray(ids->ids, capacity, sizeof *more);
        if (more == NULL)
            return -1;
        ids->ids = more;
        ids->capacity = capacity;
    }
    ids->ids[ids->count++] = id;
    return 0;
}

static void sort(struct record_ids *ids)
{
    size_t kept = 0;

    if (ids->count > 0)
        qsort(ids->ids, ids->count, sizeof *ids->ids, id_compare);
    for (size_t i = 0; i < ids->count; i++)
        if (i == 0 || ids->ids[i] != ids->ids[kept - 1])
            ids->ids[kept++] = ids->ids[i];
    ids->count = kept;
}

enum sql_result record_ids_add(struct record_ids *ids, struct sql *sql, const char *statement,
                               const struct sql_value *values, int count)
{
    enum sql_result result = sql_query(sql, statement, values, count);

    for (; result == SQL_ROW; result = sql_next(sql))
        if (id_append(ids, sql_column_number(sql, 0)) != 0)
            return sql_explain(sql, SQL_FAILED, "out of memory");
    sort(ids);
    return result;
}

/* What a person's other numbers registered alone. */
static enum sql_result add_alone(struct record_ids *ids, struct sql *sql,
                                 const struct record_identifiers *person)
{
    enum sql_result result = SQL_DONE;

    for (size_t i = 1; i < person->number_count && result == SQL_DONE; i++) {
        const struct record_number *number = &person->numbers[i];
        if (number->up_to >= 0)
            result = record_ids_add(ids, sql, alone_sql[sql->dialect],
                                    SQL_VALUES(sql_text(number->clear), sql_text(number->sealed),
                                               sql_number(number->up_to), sql_text(number->since)));
    }
    return result;
}

enum sql_result record_ids_add_person(struct record_ids *ids, struct sql *sql,
                                      const struct record_identifiers *person)
{
    const struct record_number *given = &person->numbers[0];
    const unsigned char *hash;
    char room[SCHEMA_HASH_MAX];
    enum sql_result result = record_ids_add(
        ids, sql, of_number_sql, SQL_VALUES(sql_text(given->clear), sql_text(given->sealed)));

    if (result == SQL_DONE)
        result = add_alone(ids, sql, person);
    for (size_t i = 0; result == SQL_DONE && (hash = record_identifiers_user_id(person, i)) != NULL;
         i++) {
        result = record_ids_add(ids, sql, of_user_id_sql,
                                SQL_VALUES(schema_hash(sql, hash, RECORD_PERSON_HASH_SIZE, room)));
    }
    return result;
}

enum sql_result record_ids_add_erased(struct record_ids *ids, struct sql *sql,
                                      const struct record_erasure *erasure)
{
    return erasure->person != NULL
               ? record_ids_add_person(ids, sql, erasure->person)
               : record_ids_add(ids, sql, of_code_sql, SQL_VALUES(sql_text(erasure->code)));
}

const char *record_asker_write(const struct record_identifiers *person, size_t i,
                               char asker[RECORD_ASKER_TEXT_MAX])
{
    hex_write(person->hashes[i], RECORD_ASKER_SIZE, asker);
    return asker;
}
