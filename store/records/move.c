/*
 * A step of a move: some of the person's own records, or when none is left a page of all, in which
 * who asked is hers.
 */
#include "store/records/store.h"

#include "store/base/container_of.h"
#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/records/schema.h"
#include <string.h>

#define OWN_AT_ONCE 500
#define PAGE "5000"

/* Both in the dialect of each. move_own: $1 a number and $2 what it becomes, $3 and $4 the same of
 * a user id in place of a number; NULL: it stays. $5 the user id that changes, or NULL; $6 the one
 * that the person had, $7 that she has, if they are known, $8 until when a record without one is
 * hers, $9 the number's hash: where another user id came with it, what it had before hers is, if hers
 * was the first.
 * move_asked: $1 who is $2 from now on ("": nobody), in the records behind $3 up to $4, where nobody
 * asked after $5; NULL: in all. */
extern const char *const move_own_sql[], *const move_asked_sql[];

/* $1 and $2 user id before and after, $3 and $4 hashes of the number before and after; NULL: it
 * stays. $5 when: what another number registered alone before it was hers is not hers, not even when
 * she wrote from it before the move was told. Who wrote with her new id before has the place of her old
 * one. At a number that has another owner, or had one before her, nobody stands in hers. */
#define LINKS 5
static const int links_values[LINKS] = {2, 5, 4, 4, 5};
static const char *const links_sql[][LINKS] = {
    [SQL_SQLITE] = {"UPDATE uic_links AS later SET since = earlier.since, up_to = earlier.up_to"
                    " FROM uic_links AS earlier WHERE earlier.user_id = $1 AND later.user_id = $2"
                    " AND earlier.number = later.number AND earlier.since < later.since",
                    "INSERT INTO uic_links (number, user_id, since, up_to)"
                    " SELECT CASE number WHEN $3 THEN coalesce($4, number) ELSE number END,"
                    " coalesce($2, user_id), CASE WHEN number = $3 AND $4 <> $3"
                    " THEN substr($5, 1, 10) ELSE since END,"
                    " CASE WHEN number = $3 AND $4 <> $3 THEN -1 ELSE up_to END"
                    " FROM uic_links WHERE user_id IN ($1, $2)"
                    " ON CONFLICT DO NOTHING",
                    "INSERT INTO uic_links (number, user_id, since, up_to)"
                    " SELECT number, '" SCHEMA_NOBODY "', since, up_to FROM uic_links AS hers"
                    " WHERE user_id IN ($1, $2) AND number = $3 AND $3 <> $4"
                    " AND (up_to < 0 OR EXISTS (SELECT 1 FROM uic_links WHERE number = $3"
                    " AND user_id NOT IN (coalesce($1, $2), coalesce($2, $1))))"
                    " ORDER BY since, up_to < 0, up_to LIMIT 1" SCHEMA_NOBODY_FIRST,
                    "DELETE FROM uic_links WHERE (user_id = $1 AND $1 <> $2)"
                    " OR (user_id IN ($1, $2) AND number = $3 AND $3 <> $4)",
                    "UPDATE uic_links SET up_to = -1 WHERE user_id IN ($1, $2) AND number = $4"
                    " AND $3 <> $4 AND since >= substr($5, 1, 10)"},
    [SQL_POSTGRES] =
        {"UPDATE uic_links AS later SET since = earlier.since, up_to = earlier.up_to"
         " FROM uic_links AS earlier WHERE earlier.user_id = decode($1, 'hex')"
         " AND later.user_id = decode($2, 'hex')"
         " AND earlier.number = later.number AND earlier.since < later.since",
         "INSERT INTO uic_links (number, user_id, since, up_to)"
         " SELECT CASE number WHEN decode($3, 'hex') THEN coalesce(decode($4, 'hex'), number)"
         " ELSE number END, coalesce(decode($2, 'hex'), user_id),"
         " CASE WHEN number = decode($3, 'hex') AND $4 <> $3 THEN substr($5, 1, 10)::date"
         " ELSE since END,"
         " CASE WHEN number = decode($3, 'hex') AND $4 <> $3 THEN -1 ELSE up_to END"
         " FROM uic_links WHERE user_id IN (decode($1, 'hex'), decode($2, 'hex'))"
         " ON CONFLICT DO NOTHING",
         "INSERT INTO uic_links (number, user_id, since, up_to)"
         " SELECT number, decode('" SCHEMA_NOBODY "', 'hex'), since, up_to"
         " FROM uic_links AS hers WHERE user_id IN (decode($1, 'hex'), decode($2, 'hex'))"
         " AND number = decode($3, 'hex') AND $3 <> $4"
         " AND (up_to < 0 OR EXISTS (SELECT 1 FROM uic_links WHERE number = decode($3, 'hex')"
         " AND user_id NOT IN (decode(coalesce($1, $2), 'hex'), decode(coalesce($2, $1), 'hex'))))"
         " ORDER BY since, up_to < 0, up_to LIMIT 1" SCHEMA_NOBODY_FIRST,
         "DELETE FROM uic_links WHERE (user_id = decode($1, 'hex') AND $1 <> $2)"
         " OR (user_id IN (decode($1, 'hex'), decode($2, 'hex'))"
         " AND number = decode($3, 'hex') AND $3 <> $4)",
         "UPDATE uic_links SET up_to = -1 WHERE user_id IN (decode($1, 'hex'), decode($2, 'hex'))"
         " AND number = decode($4, 'hex') AND $3 <> $4 AND since >= substr($5, 1, 10)::date"},
};

/* The same as of move_asked, of uic_asked. */
#define WHO(who, at)                                                                \
    " FROM uic_asked WHERE who = " who " AND record > $3 AND record <= $4 AND (" at \
    " IS NULL OR EXISTS (SELECT 1 FROM uic_records WHERE id = record"               \
    " AND last_requested_at <= "
static const char *const who_sql[][2] = {
    [SQL_SQLITE] = {"INSERT INTO uic_asked (who, record) SELECT $2, record" WHO(
                        "$1", "$5") "substr($5, 1, 26))) ON CONFLICT DO NOTHING",
                    "DELETE" WHO("$1", "$5") "substr($5, 1, 26))) AND $2 <> $1"},
    [SQL_POSTGRES] = {"INSERT INTO uic_asked (who, record, hint)"
                      " SELECT decode($2, 'hex'), record, hint" WHO(
                          "decode($1, 'hex')",
                          "$5::timestamptz") "$5::timestamptz)) ON CONFLICT DO NOTHING",
                      "DELETE" WHO("decode($1, 'hex')",
                                   "$5::timestamptz") "$5::timestamptz)) AND $2 <> $1"},
};

/* $1 the message that tells of a move. Told again it is for eight days at most. */
static const char done_sql[] = "SELECT count(*) FROM uic_moves WHERE message = $1";
static const char done_write_sql[] =
    "INSERT INTO uic_moves (message) VALUES ($1) ON CONFLICT DO NOTHING";
static const char *const done_forget_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_moves WHERE at < datetime('now', '-8 days')",
    [SQL_POSTGRES] = "DELETE FROM uic_moves WHERE at < now() - interval '8 days'",
};

/* $1 a number's hash: whether somebody else's user id came with it, than $2 or $3. */
static const char *const anothers_sql[] = {
    [SQL_SQLITE] = "SELECT count(*) FROM uic_links WHERE number = $1 AND user_id NOT IN ($2, $3)",
    [SQL_POSTGRES] = "SELECT count(*) FROM uic_links WHERE number = decode($1, 'hex')"
                     " AND user_id NOT IN (decode($2, 'hex'), decode($3, 'hex'))",
};

static const char page_sql[] = "SELECT max(id) FROM (SELECT id FROM uic_records WHERE id > $1"
                               " ORDER BY id LIMIT " PAGE ") AS page";

/* Texts from and to, or twice NULL. */
static void pair_write(struct sql_value *values, const char *from, const char *to)
{
    const bool changes = from[0] != '\0' && to[0] != '\0' && strcmp(from, to) != 0;

    values[0] = sql_text(changes ? from : NULL);
    values[1] = sql_text(changes ? to : NULL);
}

#define AT_MAX (RECORD_TIME_MAX + 3)

static void at_write(const struct record_move *move, char at[AT_MAX])
{
    record_time_format(move->at_us, at);
    strcat(at, "+00");
}

/* Which of her names came together. */
static enum sql_result links_move(struct sql *sql, const struct record_move *move)
{
    char texts[4][2 * RECORD_USER_ID_SIZE + 1];
    struct sql_value values[5];
    enum sql_result result = SQL_DONE;
    char at[AT_MAX];

    at_write(move, at);
    values[4] = sql_text(at);
    for (int i = 0; i < 2; i++) {
        const struct record_person *person = i == 0 ? &move->from : &move->to;
        hex_write(person->user_id, RECORD_USER_ID_SIZE, texts[i]);
        hex_write(person->number, RECORD_USER_ID_SIZE, texts[2 + i]);
        values[i] = sql_text(person->has_user_id ? texts[i] : NULL);
        values[2 + i] = sql_text(person->has_number ? texts[2 + i] : NULL);
    }
    for (int i = 0; result == SQL_DONE && i < LINKS; i++)
        result = sql_run(sql, links_sql[sql->dialect][i], values, links_values[i], NULL);
    return result;
}

/* Those whose number stands in clear, and then those in which it is sealed. */
static enum sql_result own_move(struct sql *sql, struct record_move *move)
{
    char before[2 * RECORD_USER_ID_SIZE + 1], after[2 * RECORD_USER_ID_SIZE + 1], at[AT_MAX];
    const bool has_before = move->from.has_user_id, has_after = move->to.has_user_id;
    char number[2 * RECORD_USER_ID_SIZE + 1];
    struct sql_value values[9];
    int64_t moved = 0;

    hex_write(move->from.user_id, RECORD_USER_ID_SIZE, before);
    hex_write(move->to.user_id, RECORD_USER_ID_SIZE, after);
    const bool changes = has_before && has_after && strcmp(before, after) != 0;
    at_write(move, at);
    pair_write(values, move->number.from, move->number.to);
    pair_write(values + 2, move->hidden.from, move->hidden.to);
    values[4] = sql_text(changes ? before : NULL);
    values[5] = sql_text(has_before ? before : NULL);
    values[6] = sql_text(has_after ? after : NULL);
    values[7] = sql_text(at);
    hex_write(move->from.number, RECORD_USER_ID_SIZE, number);
    values[8] = sql_text(move->from.has_number ? number : NULL);
    enum sql_result result = sql_run(sql, move_own_sql[sql->dialect], values, 9, &moved);
    move->has_own = moved < OWN_AT_ONCE;
    pair_write(values, move->number.from_sealed, move->number.to);
    pair_write(values + 2, move->hidden.from_sealed, move->hidden.to);
    if (result == SQL_DONE)
        result = sql_run(sql, move_own_sql[sql->dialect], values, 9, &moved);
    move->has_own = move->has_own && moved < OWN_AT_ONCE;
    /* The last of all: by the links it is known what is hers. */
    return result == SQL_DONE && move->has_own ? links_move(sql, move) : result;
}

/* What stands for a person where she asked; "" when nothing is known. */
static void identity_write(const unsigned char *identity, bool is_known,
                           char text[2 * RECORD_IDENTITY_SIZE + 1])
{
    text[0] = '\0';
    if (is_known)
        hex_write(identity, RECORD_IDENTITY_SIZE, text);
}

/* In uic_asked before the records, which say whether somebody asked after the change. To "": forgets
 * that somebody asked. */
static enum sql_result who_move(struct sql *sql, const char *from, const char *to,
                                const struct record_move *move, int64_t end, const char *at)
{
    const char *const statements[] = {who_sql[sql->dialect][0], who_sql[sql->dialect][1],
                                      move_asked_sql[sql->dialect]};
    const struct sql_value values[] = {sql_text(from), sql_text(to), sql_number(move->after_id),
                                       sql_number(end), sql_text(at)};
    enum sql_result result = SQL_DONE;

    for (int i = to[0] == '\0' ? 1 : 0; result == SQL_DONE && i < 3; i++)
        result = sql_run(sql, statements[i], values, 5, NULL);
    return result;
}

static enum sql_result anothers_find(struct sql *sql, const struct record_move *move,
                                     int64_t *others)
{
    const struct record_person *from = &move->from, *to = &move->to;
    char number[2 * RECORD_USER_ID_SIZE + 1], ids[2][2 * RECORD_USER_ID_SIZE + 1];

    hex_write(from->number, RECORD_USER_ID_SIZE, number);
    hex_write((from->has_user_id ? from : to)->user_id, RECORD_USER_ID_SIZE, ids[0]);
    hex_write((to->has_user_id ? to : from)->user_id, RECORD_USER_ID_SIZE, ids[1]);
    return sql_run(sql, anothers_sql[sql->dialect],
                   SQL_VALUES(sql_text(number), sql_text(ids[0]), sql_text(ids[1])), others);
}

/* By her user id, and by her number: who asked with that alone after the change is its next owner, and
 * where somebody else came with it nobody knows whose it was: it is forgotten. */
static enum sql_result asked_move(struct sql *sql, const struct record_move *move, int64_t end)
{
    const struct record_person *before = &move->from, *after = &move->to;
    char from[2][2 * RECORD_IDENTITY_SIZE + 1], to[2 * RECORD_IDENTITY_SIZE + 1], at[AT_MAX];
    int64_t others = 0;
    enum sql_result result = anothers_find(sql, move, &others);

    at_write(move, at);
    identity_write(before->user_id, before->has_user_id, from[0]);
    identity_write(before->number, before->has_number, from[1]);
    identity_write(after->has_user_id ? after->user_id : after->number,
                   after->has_user_id || (after->has_number && !before->has_user_id), to);
    if (result == SQL_DONE && from[0][0] != '\0' && to[0] != '\0' && strcmp(from[0], to) != 0)
        result = who_move(sql, from[0], to, move, end, NULL);
    if (result == SQL_DONE && from[1][0] != '\0' && to[0] != '\0' && strcmp(from[1], to) != 0)
        result = who_move(sql, from[1], others == 0 ? to : "", move, end, at);
    return result;
}

/* When nothing is left to do. Until then a move that ended early may be told again. */
static enum sql_result done_write(struct sql *sql, const struct record_move *move)
{
    const enum sql_result result =
        sql_run(sql, done_write_sql, SQL_VALUES(sql_number((int64_t)move->message)), NULL);

    return result == SQL_DONE ? sql_run(sql, done_forget_sql[sql->dialect], SQL_NOTHING, NULL)
                              : result;
}

/* Also between two steps: an instance that was slow must not move what came since. */
static enum sql_result done_find(struct sql *sql, struct record_move *move)
{
    int64_t done = 0;
    const enum sql_result result =
        sql_run(sql, done_sql, SQL_VALUES(sql_number((int64_t)move->message)), &done);

    move->was_done = done > 0;
    move->has_own = move->has_own || move->was_done;
    return result;
}

/* end: of a page; INT64_MIN: there is none any more. */
static enum sql_result step(struct sql *sql, struct record_move *move, int64_t end)
{
    struct record_store *store = move->errand.job.link->store;
    const bool is_file = sql->dialect == SQL_SQLITE;
    enum sql_result result =
        is_file ? record_write_begin(sql, store) : sql_run(sql, "BEGIN", SQL_NOTHING, NULL);

    if (is_file && result != SQL_DONE)
        return result;
    if (result == SQL_DONE)
        result = done_find(sql, move);
    if (result == SQL_DONE && !move->was_done)
        result = !move->has_own     ? own_move(sql, move)
                 : end != INT64_MIN ? asked_move(sql, move, end)
                                    : done_write(sql, move);
    return is_file ? record_write_end(sql, store, result) : sql_end(sql, result);
}

enum store_status record_move_run(struct sql *sql, struct record_errand *errand)
{
    struct record_move *move = container_of(errand, struct record_move, errand);
    int64_t end = INT64_MIN;
    enum sql_result result = SQL_DONE;

    if (move->has_own)
        result = sql_run(sql, page_sql, SQL_VALUES(sql_number(move->after_id)), &end);
    else
        end = move->after_id;
    if (result == SQL_DONE && (end != INT64_MIN || move->message != 0))
        result = step(sql, move, end);
    move->more = end != INT64_MIN && !move->was_done;
    if (result == SQL_DONE && move->more)
        move->after_id = end;
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}
