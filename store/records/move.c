/*
 * A step of a move: so many of the person's own records at most, then of those that she asked for;
 * with the last of these which of her names came together, and that it is done.
 */
#include "store/records/store.h"

#include "store/base/container_of.h"
#include "store/base/record_time.h"
#include "store/records/move_asked.h"
#include "store/records/move_links.h"
#include "store/records/schema.h"
#include <string.h>

/* Few enough for RECORD_HOLD_MS. */
#define AT_ONCE 200

/* Her own records: $1 a number, $2 the same sealed, and $3 what it becomes; $4 to $6 the same of a
 * user id in place of a number; NULL: it stays. $7 the user id that changes, or NULL; $8 the one that she
 * had, $9 that she has, the same when one is not known; $10 when; $11 the number's hash.
 * What the number registered alone is hers when nobody's user id is known to have come with it, or hers
 * was the first, up to then. */
#define ALONE_IS_HERS                                                          \
    "NOT EXISTS (SELECT 1 FROM uic_links WHERE number = $11)"                  \
    " AND NOT EXISTS (SELECT 1 FROM uic_records AS other"                      \
    " WHERE other.phone_number IN ($1, $2) AND other.user_id NOT IN ($8, $9))" \
    " OR EXISTS (SELECT 1 FROM uic_first_owners AS first WHERE number = $11"   \
    " AND first.user_id IN ($8, $9) AND up_to >= 0 AND (id <= up_to OR created_at < since))"
#define OWN                                                                      \
    "SELECT id FROM uic_records WHERE user_id = $7 OR phone_number IN ($4, $5)"  \
    " OR (phone_number IN ($1, $2) AND (user_id IN ($8, $9) OR (user_id IS NULL" \
    " AND created_at <= $10 AND (" ALONE_IS_HERS "))))"                          \
    " LIMIT " SQL_NUMERAL(AT_ONCE)
#define OWN_UPDATE                                                                    \
    "UPDATE uic_records SET"                                                          \
    " phone_number = CASE WHEN phone_number IN ($1, $2) THEN $3"                      \
    " WHEN phone_number IN ($4, $5) THEN $6 ELSE phone_number END,"                   \
    " user_id = CASE WHEN user_id IS NULL OR user_id = $8 THEN coalesce($9, user_id)" \
    " ELSE user_id END WHERE id"
static const char *const own_sql[] = {
    [SQL_SQLITE] = OWN_UPDATE " IN (" OWN ")",
    /* Found, and then taken in the order in which claims take them. */
    [SQL_POSTGRES] =
        OWN_UPDATE " = ANY (ARRAY(SELECT id FROM uic_records WHERE id = ANY (ARRAY(" OWN
                   ")) ORDER BY input_hash FOR UPDATE))",
};
/* Hardly any rows, of tables with millions: by their indexes, and not side by side. Times that a
 * statement is given are of UTC in both databases. Who erases waits, or is waited for. */
static const char *const begin_sql = "BEGIN; SET LOCAL TimeZone = 'UTC';"
                                     " SET LOCAL enable_nestloop = on;"
                                     " SET LOCAL enable_mergejoin = off;"
                                     " SET LOCAL enable_hashjoin = off;"
                                     " LOCK TABLE uic_erased IN ROW SHARE MODE";

/* $1 the message that tells of a move; $2 whether it is done. Told again it is for eight days at most. */
static const char done_sql[] = "SELECT count(*) FROM uic_moves WHERE message = $1 AND is_done";
static const char *const note_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_moves (message, is_done) VALUES ($1, $2) ON CONFLICT (message)"
                   " DO UPDATE SET at = datetime('now'), is_done = excluded.is_done",
    [SQL_POSTGRES] = "INSERT INTO uic_moves (message, is_done) VALUES ($1, $2 <> 0)"
                     " ON CONFLICT (message) DO UPDATE SET at = now(), is_done = excluded.is_done",
};
static const char *const done_forget_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_moves WHERE at < datetime('now', '-8 days')",
    [SQL_POSTGRES] = "DELETE FROM uic_moves WHERE at < now() - interval '8 days'",
};

/* What it is in clear and sealed, and becomes; or thrice NULL. */
static void text_write(struct sql_value *values, const struct record_move_text *text)
{
    const bool changes =
        text->from[0] != '\0' && text->to[0] != '\0' && strcmp(text->from, text->to) != 0;

    values[0] = sql_text(changes ? text->from : NULL);
    values[1] = sql_text(changes ? text->from_sealed : NULL);
    values[2] = sql_text(changes ? text->to : NULL);
}

static enum sql_result own_move(struct sql *sql, const struct record_move *move, int64_t *moved)
{
    const unsigned char *before = move->user_ids[0], *after = move->user_ids[1];
    const bool changes = memcmp(before, after, RECORD_PERSON_HASH_SIZE) != 0;
    char rooms[4][SCHEMA_HASH_MAX], at[RECORD_TIME_MAX];
    struct sql_value values[11];

    record_time_format(move->at_us, at);
    text_write(values, &move->number);
    text_write(values + 3, &move->hidden);
    values[6] = schema_hash(sql, changes ? before : NULL, RECORD_PERSON_HASH_SIZE, rooms[0]);
    values[7] = schema_hash(sql, before, RECORD_PERSON_HASH_SIZE, rooms[1]);
    values[8] = schema_hash(sql, after, RECORD_PERSON_HASH_SIZE, rooms[2]);
    values[9] = sql_text(at);
    values[10] = schema_hash(sql, move->from.has_number ? move->from.number : NULL,
                             RECORD_PERSON_HASH_SIZE, rooms[3]);
    return sql_run(sql, own_sql[sql->dialect], values, 11, moved);
}

/* That it is done, or goes on. */
static enum sql_result note(struct sql *sql, const struct record_move *move)
{
    if (move->message == 0)
        return SQL_DONE;
    const enum sql_result result =
        sql_run(sql, note_sql[sql->dialect],
                SQL_VALUES(sql_number((int64_t)move->message), sql_number(!move->more)), NULL);
    return result == SQL_DONE && !move->more
               ? sql_run(sql, done_forget_sql[sql->dialect], SQL_NOTHING, NULL)
               : result;
}

/* A page of what she asked for; the last one ends the move. */
static enum sql_result asked_step(struct sql *sql, struct record_move *move)
{
    bool is_last = false;
    enum sql_result result = move_asked(sql, move, &is_last);

    move->more = !is_last;
    return result == SQL_DONE && is_last ? move_links(sql, move) : result;
}

/* An instance that was slow must not move what came since. */
static enum sql_result step(struct sql *sql, struct record_move *move)
{
    int64_t done = 0, moved = 0;
    enum sql_result result =
        sql_run(sql, done_sql, SQL_VALUES(sql_number((int64_t)move->message)), &done);

    move->was_done = done > 0;
    if (result != SQL_DONE || move->was_done)
        return result;
    if (!move->own_moved)
        result = own_move(sql, move, &moved);
    move->own_moved = moved < AT_ONCE;
    move->more = true;
    if (result == SQL_DONE && move->own_moved)
        result = asked_step(sql, move);
    return result == SQL_DONE ? note(sql, move) : result;
}

static void user_ids_find(struct record_move *move)
{
    move->user_ids[0] = move->from.has_user_id ? move->from.user_id : move->to.user_id;
    move->user_ids[1] = move->to.user_id;
}

enum store_status record_move_run(struct sql *sql, struct record_errand *errand)
{
    struct record_move *move = container_of(errand, struct record_move, errand);
    struct record_store *store = errand->job.link->store;
    const bool is_file = sql->dialect == SQL_SQLITE;
    enum sql_result result =
        is_file ? record_write_begin(sql, store) : sql_run(sql, begin_sql, SQL_NOTHING, NULL);

    if (is_file && result != SQL_DONE)
        return STORE_DOWN;
    user_ids_find(move);
    if (result == SQL_DONE)
        result = step(sql, move);
    result = is_file ? record_write_end(sql, store, result) : sql_end(sql, result);
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}
