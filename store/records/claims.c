/* The statements that write a batch of claims, and what they say of each claim. */
#include "store/records/claims.h"

#include "store/base/hex.h"
#include <string.h>

extern const char claim_postgres_sql[], claim_sqlite_sql[], again_sqlite_sql[];
extern const char claimed_sqlite_sql[], find_sqlite_sql[], has_asked_sqlite_sql[];
extern const char near_sqlite_sql[], number_sqlite_sql[], asked_sqlite_sql[], link_sqlite_sql[];

_Static_assert(RECORD_NEAR_HASHES == 5 && RECORD_NEAR_HASH_SIZE == 5, "as the statements say");

enum sql_result claims_prepare(struct sql *sql)
{
    static const char *const statements[][SQL_KEPT_MAX + 1] = {
        [SQL_SQLITE] = {"BEGIN IMMEDIATE", "COMMIT", claim_sqlite_sql, again_sqlite_sql,
                        claimed_sqlite_sql, find_sqlite_sql, has_asked_sqlite_sql, near_sqlite_sql,
                        number_sqlite_sql, asked_sqlite_sql, link_sqlite_sql},
        [SQL_POSTGRES] = {claim_postgres_sql},
    };
    enum sql_result result = SQL_DONE;

    for (int i = 0; result == SQL_DONE && statements[sql->dialect][i] != NULL; i++)
        result = sql_keep(sql, statements[sql->dialect][i]);
    return result;
}

void claim_outcome_read(struct claim_outcome *outcome, const struct sql *sql, int column)
{
    const char *code = sql_column(sql, column);
    const size_t length = code != NULL ? strlen(code) : sizeof outcome->code;

    outcome->status = length < sizeof outcome->code ? STORE_OK : STORE_DOWN;
    if (outcome->status != STORE_OK)
        return;
    memcpy(outcome->code, code, length + 1);
    outcome->is_near = false;
    outcome->is_new = sql_column_number(sql, column + 1) == 1;
    outcome->asked_before = !outcome->is_new && sql_column_number(sql, column + 2) == 1;
}

void claim_near_read(struct claim_outcome *outcome, const struct sql *sql, int code, int hash)
{
    claim_outcome_read(outcome, sql, code);
    outcome->is_new = outcome->asked_before = false;
    outcome->is_near = outcome->status == STORE_OK;
    if (!outcome->is_near)
        return;
    if (sql_column_length(sql, hash) != 2 * RECORD_HASH_SIZE ||
        hex_read(sql_column(sql, hash), outcome->near_input_hash, RECORD_HASH_SIZE) != 0)
        outcome->status = STORE_DOWN;
}

void claim_refuse(struct claims_batch *batch, size_t index, const struct sql *sql)
{
    batch->outcomes[index].status = STORE_DOWN;
    sql_fail(sql, batch->refused);
}
