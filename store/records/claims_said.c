/* The pairs that people speak of. */
#include "store/records/claims_said.h"

#include "store/records/schema.h"

/* $1 an input hash. */
static const char *const find_sql[] = {
    [SQL_SQLITE] = "SELECT count(*) FROM uic_records WHERE input_hash = $1",
    [SQL_POSTGRES] = "SELECT count(*) FROM (SELECT id FROM uic_records"
                     " WHERE input_hash = $1 FOR NO KEY UPDATE) AS locked",
};
/* $1 the input hash of the record that was there before, $2 of the other answers, $3 what was said.
 */
static const char write_sql[] = "INSERT INTO uic_pairs (record, answers, why, said)"
                                " SELECT id, $2, 'said', $3 FROM uic_records WHERE input_hash = $1"
                                " ON CONFLICT (record, answers) DO UPDATE SET said = excluded.said";

static bool says_something(const struct claims_batch *batch)
{
    return batch->count == 1 && batch->claims[0]->said != RECORD_SAID_NOTHING;
}

enum sql_result claims_said_find(struct sql *sql, struct claims_batch *batch)
{
    const struct record_claim *claim = batch->claims[0];
    char room[SCHEMA_HASH_MAX];
    int64_t count = 0;

    if (!says_something(batch) || claim->said != RECORD_SAID_SAME ||
        claim->replay != NULL) /* the code was told: it is hers, whatever was erased */
        return SQL_DONE;
    const enum sql_result result =
        sql_run(sql, find_sql[sql->dialect],
                SQL_VALUES(schema_hash(sql, claim->input_hash, RECORD_HASH_SIZE, room)), &count);
    if (count == 0)
        batch->outcomes[0].status = STORE_ABSENT;
    return result;
}

enum sql_result claims_said_write(struct sql *sql, const struct claims_batch *batch)
{
    const struct record_claim *claim = batch->claims[0];
    char rooms[2][SCHEMA_HASH_MAX];

    if (!says_something(batch) || batch->outcomes[0].status != STORE_OK)
        return SQL_DONE;
    const bool is_same = claim->said == RECORD_SAID_SAME;
    const struct sql_value hash = schema_hash(sql, claim->input_hash, RECORD_HASH_SIZE, rooms[0]),
                           said_of = schema_hash(sql, claim->said_of, RECORD_HASH_SIZE, rooms[1]);
    return sql_run(sql, write_sql,
                   SQL_VALUES(is_same ? hash : said_of, is_same ? said_of : hash,
                              sql_text(is_same ? "same" : "different")),
                   NULL);
}
