/* The pairs that people speak of. */
#include "store/records/claims_said.h"

#include "store/base/hex.h"

/* $1 an input hash in hexadecimal digits. */
static const char *const find_sql[] = {
    [SQL_SQLITE] = "SELECT count(*) FROM uic_records WHERE input_hash = $1",
    [SQL_POSTGRES] = "SELECT count(*) FROM (SELECT id FROM uic_records"
                     " WHERE input_hash = decode($1, 'hex') FOR NO KEY UPDATE) AS locked",
};
/* $1 the input hash of the record that was there before, $2 of the other answers, $3 what was said.
 */
static const char *const write_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_pairs (record, answers, why, said)"
                   " SELECT id, $2, 'said', $3 FROM uic_records WHERE input_hash = $1"
                   " ON CONFLICT (record, answers) DO UPDATE SET said = excluded.said",
    [SQL_POSTGRES] = "INSERT INTO uic_pairs (record, answers, why, said)"
                     " SELECT id, decode($2, 'hex'), 'said', $3 FROM uic_records"
                     " WHERE input_hash = decode($1, 'hex')"
                     " ON CONFLICT (record, answers) DO UPDATE SET said = excluded.said",
};

static bool says_something(const struct claims_batch *batch)
{
    return batch->count == 1 && batch->claims[0]->said != RECORD_SAID_NOTHING;
}

enum sql_result claims_said_find(struct sql *sql, struct claims_batch *batch)
{
    const struct record_claim *claim = batch->claims[0];
    char hash[2 * RECORD_HASH_SIZE + 1];
    int64_t count = 0;

    if (!says_something(batch) || claim->said != RECORD_SAID_SAME ||
        claim->replay != NULL) /* the code was told: it is hers, whatever was erased */
        return SQL_DONE;
    hex_write(claim->input_hash, RECORD_HASH_SIZE, hash);
    const enum sql_result result =
        sql_run(sql, find_sql[sql->dialect], SQL_VALUES(sql_text(hash)), &count);
    if (count == 0)
        batch->outcomes[0].status = STORE_ABSENT;
    return result;
}

enum sql_result claims_said_write(struct sql *sql, const struct claims_batch *batch)
{
    const struct record_claim *claim = batch->claims[0];
    char hash[2 * RECORD_HASH_SIZE + 1], said_of[2 * RECORD_HASH_SIZE + 1];

    if (!says_something(batch) || batch->outcomes[0].status != STORE_OK)
        return SQL_DONE;
    const bool is_same = claim->said == RECORD_SAID_SAME;
    hex_write(claim->input_hash, RECORD_HASH_SIZE, hash);
    hex_write(claim->said_of, RECORD_HASH_SIZE, said_of);
    return sql_run(sql, write_sql[sql->dialect],
                   SQL_VALUES(sql_text(is_same ? hash : said_of),
                              sql_text(is_same ? said_of : hash),
                              sql_text(is_same ? "same" : "different")),
                   NULL);
}
