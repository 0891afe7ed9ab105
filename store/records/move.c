/*
 * A step of a move: so many of the person's own records at most, then of those that she asked for;
 * with the last of these which of her names came together, and that it is done.
 */
#include "store/records/store.h"

#include "store/base/container_of.h"
#include "store/base/record_time.h"
#include "store/records/move_links.h"
#include "store/records/schema.h"
#include <string.h>

/* Few enough for RECORD_HOLD_MS. */
#define AT_ONCE 200
#define AT_ONCE_TEXT "200"

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
    " LIMIT " AT_ONCE_TEXT
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
/* Hardly any rows, of tables with millions: by their indexes, and not side by side. */
static const char *const begin_sql = "BEGIN; SET LOCAL TimeZone = 'UTC';"
                                     " SET LOCAL enable_nestloop = on;"
                                     " SET LOCAL enable_mergejoin = off;"
                                     " SET LOCAL enable_hashjoin = off";

/* What she asked for. $1 and $2 who, behind the record $3: how many at once, and the last. */
static const char page_sql[] =
    "SELECT count(*), max(record) FROM (SELECT record FROM uic_asked"
    " WHERE who IN ($1, $2) AND record > $3 ORDER BY record LIMIT " AT_ONCE_TEXT ") AS page";
/* $1 who, in the records behind $2 up to $3, where nobody asked after $4, is $5 from now on ("":
 * nobody). */
extern const char *const move_asked_sql[];
#define IN_TIME                                                       \
    " FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3" \
    " AND NOT EXISTS (SELECT 1 FROM uic_records WHERE id = record AND last_requested_at > $4)"
static const char *const asked_add_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_asked (who, record)"
                   " SELECT $5, record" IN_TIME " ON CONFLICT DO NOTHING",
    [SQL_POSTGRES] = "INSERT INTO uic_asked (who, record, hint)"
                     " SELECT $5, record, hint" IN_TIME " ON CONFLICT DO NOTHING",
};
static const char asked_forget_sql[] = "DELETE" IN_TIME;
#define EVER "9999-12-31"

/* $1 a number's hash, $2 and $3 her user ids: up to which record what it asked for alone is hers. */
static const char up_to_sql[] =
    "SELECT coalesce(min(CASE WHEN user_id IN ($2, $3) THEN up_to ELSE -1 END), 9223372036854775807)"
    " FROM uic_links WHERE number = $1";
/* $1 a number, of the records behind $2 up to $3 that somebody asked for after the change: who asked
 * last stands first, and when the number did nobody knows unless it was the last. */
#define OF_PAGE "SELECT record FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3"
static const char *const late_sql[][2] = {
    [SQL_SQLITE] =
        {"UPDATE uic_records SET asked_by ="
         " replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $1), 17), '')"
         " WHERE id IN (" OF_PAGE ") AND instr(asked_by, ' ' || $1) > 1",
         "DELETE FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3 AND EXISTS"
         " (SELECT 1 FROM uic_records WHERE id = record AND NOT instr(asked_by, ' ' || $1))"},
    [SQL_POSTGRES] =
        {"UPDATE uic_records SET asked_by ="
         " overlay(asked_by PLACING '' FROM position($1::bytea IN asked_by) FOR 8)"
         " WHERE id = ANY (ARRAY(SELECT id FROM uic_records WHERE id = ANY (ARRAY(" OF_PAGE "))"
         " AND position($1::bytea IN asked_by) > 1 AND position($1::bytea IN asked_by) % 8 = 1"
         " ORDER BY input_hash FOR UPDATE))",
         "DELETE FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3 AND EXISTS"
         " (SELECT 1 FROM uic_records WHERE id = record"
         " AND position($1::bytea IN asked_by) % 8 <> 1)"},
};

/* $1 the message that tells of a move. Told again it is for eight days at most. */
static const char done_sql[] = "SELECT count(*) FROM uic_moves WHERE message = $1";
static const char done_write_sql[] =
    "INSERT INTO uic_moves (message) VALUES ($1) ON CONFLICT DO NOTHING";
static const char *const done_forget_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_moves WHERE at < datetime('now', '-8 days')",
    [SQL_POSTGRES] = "DELETE FROM uic_moves WHERE at < now() - interval '8 days'",
};

static struct sql_value hash_value(const struct sql *sql, bool is_known, const unsigned char *hash,
                                   char room[SCHEMA_HASH_MAX])
{
    return is_known ? schema_hash(sql, hash, RECORD_USER_ID_SIZE, room) : sql_text(NULL);
}

/* What it is in clear and sealed, and becomes; or thrice NULL. */
static void text_write(struct sql_value *values, const struct record_move_text *text)
{
    const bool changes =
        text->from[0] != '\0' && text->to[0] != '\0' && strcmp(text->from, text->to) != 0;

    values[0] = sql_text(changes ? text->from : NULL);
    values[1] = sql_text(changes ? text->from_sealed : NULL);
    values[2] = sql_text(changes ? text->to : NULL);
}

#define AT_MAX (RECORD_TIME_MAX + 3)

static struct sql_value at_write(const struct record_move *move, char at[AT_MAX])
{
    record_time_format(move->at_us, at);
    return sql_text(strcat(at, "+00"));
}

static enum sql_result own_move(struct sql *sql, const struct record_move *move, int64_t *moved)
{
    const struct record_person *from = &move->from, *to = &move->to;
    const bool has_both = from->has_user_id && to->has_user_id,
               has_one = from->has_user_id || to->has_user_id;
    const struct record_person *before = from->has_user_id ? from : to,
                               *after = to->has_user_id ? to : from;
    char rooms[4][SCHEMA_HASH_MAX], at[AT_MAX];
    struct sql_value values[11];

    text_write(values, &move->number);
    text_write(values + 3, &move->hidden);
    values[6] =
        hash_value(sql, has_both && memcmp(from->user_id, to->user_id, RECORD_USER_ID_SIZE) != 0,
                   from->user_id, rooms[0]);
    values[7] = hash_value(sql, has_one, before->user_id, rooms[1]);
    values[8] = hash_value(sql, has_one, after->user_id, rooms[2]);
    values[9] = at_write(move, at);
    values[10] = hash_value(sql, from->has_number, from->number, rooms[3]);
    return sql_run(sql, own_sql[sql->dialect], values, 11, moved);
}

/* What stands for a person where she asked, or for nobody. */
static struct sql_value who_value(const struct sql *sql, const unsigned char *identity,
                                  char room[SCHEMA_HASH_MAX])
{
    return schema_hash(sql, identity, identity != NULL ? RECORD_IDENTITY_SIZE : 0, room);
}

/* In the records behind after up to end, where nobody asked after at. to: NULL, it is forgotten that
 * somebody asked. */
static enum sql_result who_move(struct sql *sql, const unsigned char *from, const unsigned char *to,
                                int64_t after, int64_t end, const char *at)
{
    const char *const statements[] = {asked_add_sql[sql->dialect], move_asked_sql[sql->dialect],
                                      asked_forget_sql};
    char rooms[2][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {who_value(sql, from, rooms[0]), sql_number(after),
                                       sql_number(end), sql_text(at), who_value(sql, to, rooms[1])};
    enum sql_result result = SQL_DONE;

    if (from == NULL || after >= end || (to != NULL && memcmp(from, to, RECORD_IDENTITY_SIZE) == 0))
        return SQL_DONE;
    for (int i = to == NULL ? 1 : 0; result == SQL_DONE && i < 3; i++)
        result =
            sql_run(sql, statements[i], values, statements[i] == asked_forget_sql ? 4 : 5, NULL);
    return result;
}

static enum sql_result late_forget(struct sql *sql, const unsigned char *number, int64_t after,
                                   int64_t end)
{
    char room[SCHEMA_HASH_MAX];
    const struct sql_value values[] = {who_value(sql, number, room), sql_number(after),
                                       sql_number(end)};
    const enum sql_result result = sql_run(sql, late_sql[sql->dialect][0], values, 3, NULL);

    return result == SQL_DONE ? sql_run(sql, late_sql[sql->dialect][1], values, 3, NULL) : result;
}

/* What the number asked for alone is hers, or nobody's; who asked with it after the change is its next
 * owner. */
static enum sql_result alone_move(struct sql *sql, const struct record_move *move,
                                  const unsigned char *number, const unsigned char *to, int64_t end)
{
    const struct record_person *from = &move->from, *now = &move->to;
    const int64_t after = move->asked_after;
    char rooms[3][SCHEMA_HASH_MAX], at[AT_MAX];
    int64_t up_to = 0;

    at_write(move, at);
    enum sql_result result = sql_run(
        sql, up_to_sql,
        SQL_VALUES(hash_value(sql, true, from->number, rooms[0]),
                   hash_value(sql, true, (from->has_user_id ? from : now)->user_id, rooms[1]),
                   hash_value(sql, true, (now->has_user_id ? now : from)->user_id, rooms[2])),
        &up_to);
    if (result == SQL_DONE)
        result = who_move(sql, number, to, after, up_to < end ? up_to : end, at);
    if (result == SQL_DONE)
        result = who_move(sql, number, NULL, after, end, at);
    return result == SQL_DONE ? late_forget(sql, number, after, end) : result;
}

static enum sql_result asked_move(struct sql *sql, const struct record_move *move,
                                  const unsigned char *who[2], int64_t end)
{
    const struct record_person *before = &move->from, *after = &move->to;
    const unsigned char *to = after->has_user_id                          ? after->user_id
                              : after->has_number && !before->has_user_id ? after->number
                                                                          : NULL;

    if (to == NULL)
        return SQL_DONE;
    const enum sql_result result = who_move(sql, who[0], to, move->asked_after, end, EVER);
    return result == SQL_DONE && who[1] != NULL ? alone_move(sql, move, who[1], to, end) : result;
}

/* Sets end to the last record of the page; is_last: there is none behind. */
static enum sql_result page_find(struct sql *sql, const struct record_move *move,
                                 const unsigned char *who[2], int64_t *end, bool *is_last)
{
    char rooms[2][SCHEMA_HASH_MAX];
    const enum sql_result result =
        sql_query(sql, page_sql,
                  SQL_VALUES(who_value(sql, who[0], rooms[0]), who_value(sql, who[1], rooms[1]),
                             sql_number(move->asked_after)));

    if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    *is_last = sql_column_number(sql, 0) < AT_ONCE;
    *end = sql_column_number(sql, 1); /* or less than any */
    return sql_next(sql);
}

static enum sql_result done_write(struct sql *sql, const struct record_move *move)
{
    if (move->message == 0)
        return SQL_DONE;
    const enum sql_result result =
        sql_run(sql, done_write_sql, SQL_VALUES(sql_number((int64_t)move->message)), NULL);
    return result == SQL_DONE ? sql_run(sql, done_forget_sql[sql->dialect], SQL_NOTHING, NULL)
                              : result;
}

/* A page of what she asked for; the last one ends the move. */
static enum sql_result asked_step(struct sql *sql, struct record_move *move)
{
    const unsigned char *who[] = {move->from.has_user_id ? move->from.user_id : NULL,
                                  move->from.has_number ? move->from.number : NULL};
    int64_t end = INT64_MIN;
    bool is_last = false;
    enum sql_result result = page_find(sql, move, who, &end, &is_last);

    if (result == SQL_DONE && end > move->asked_after)
        result = asked_move(sql, move, who, end);
    move->asked_after = end;
    move->more = !is_last;
    if (result == SQL_DONE && is_last)
        result = move_links(sql, move);
    return result == SQL_DONE && is_last ? done_write(sql, move) : result;
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
    return result == SQL_DONE && move->own_moved ? asked_step(sql, move) : result;
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
    if (result == SQL_DONE)
        result = step(sql, move);
    result = is_file ? record_write_end(sql, store, result) : sql_end(sql, result);
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}
