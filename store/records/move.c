/*
 * A step of a move: some of the person's own records, or when none is left a page of all, in which
 * who asked is hers.
 */
#include "store/records/store.h"

#include "store/base/container_of.h"
#include "store/base/hex.h"
#include "store/base/record_time.h"
#include <string.h>

#define OWN_AT_ONCE 500
#define PAGE "5000"

/* Both in the dialect of each. move_own: $1 a number and $2 what it becomes, $3 and $4 the same of a
 * user id in place of a number; NULL: it stays. $5 the user id that changes, or NULL; $6 the one that the
 * person had, $7 that she has, if they are known, $8 until when a record without one is hers. move_asked: $1
 * who is $2 from now on, in the records behind $3 up to $4, where nobody asked after $5; NULL: in all. */
extern const char *const move_own_sql[], *const move_asked_sql[];

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

/* Those whose number stands in clear, and then those in which it is sealed. */
static enum sql_result own_move(struct sql *sql, struct record_move *move)
{
    char user_ids[2][2 * RECORD_USER_ID_SIZE + 1] = {"", ""}, at[AT_MAX];
    struct sql_value values[8];
    int64_t moved = 0;

    for (int i = 0; i < 2; i++)
        if (move->people[i].has_user_id)
            hex_write(move->people[i].user_id, RECORD_USER_ID_SIZE, user_ids[i]);
    at_write(move, at);
    pair_write(values, move->numbers[0], move->numbers[1]);
    pair_write(values + 2, move->hidden[0], move->hidden[1]);
    pair_write(values + 4, user_ids[0], user_ids[1]);
    values[5] = sql_text(user_ids[0][0] != '\0' ? user_ids[0] : NULL);
    values[6] = sql_text(user_ids[1][0] != '\0' ? user_ids[1] : NULL);
    values[7] = sql_text(at);
    enum sql_result result = sql_run(sql, move_own_sql[sql->dialect], values, 8, &moved);
    move->has_own = moved < OWN_AT_ONCE;
    pair_write(values, move->sealed[0], move->numbers[1]);
    pair_write(values + 2, move->sealed[1], move->hidden[1]);
    if (result == SQL_DONE)
        result = sql_run(sql, move_own_sql[sql->dialect], values, 8, &moved);
    move->has_own = move->has_own && moved < OWN_AT_ONCE;
    return result;
}

/* What stands for a person where she asked; "" when nothing is known. */
static void identity_write(const unsigned char *identity, bool is_known,
                           char text[2 * RECORD_IDENTITY_SIZE + 1])
{
    text[0] = '\0';
    if (is_known)
        hex_write(identity, RECORD_IDENTITY_SIZE, text);
}

/* By her user id, and by her number: who asked with that alone after the change is its next owner. */
static enum sql_result asked_move(struct sql *sql, const struct record_move *move, int64_t end)
{
    const struct record_person *before = &move->people[RECORD_MOVE_FROM];
    const struct record_person *after = &move->people[RECORD_MOVE_TO];
    char from[2][2 * RECORD_IDENTITY_SIZE + 1], to[2 * RECORD_IDENTITY_SIZE + 1], at[AT_MAX];
    enum sql_result result = SQL_DONE;

    at_write(move, at);
    identity_write(before->user_id, before->has_user_id, from[0]);
    identity_write(before->number, before->has_number, from[1]);
    identity_write(after->has_user_id ? after->user_id : after->number,
                   after->has_user_id || (after->has_number && !before->has_user_id), to);
    for (int i = 0; result == SQL_DONE && i < 2; i++)
        if (from[i][0] != '\0' && to[0] != '\0' && strcmp(from[i], to) != 0)
            result = sql_run(sql, move_asked_sql[sql->dialect],
                             SQL_VALUES(sql_text(from[i]), sql_text(to), sql_number(move->after_id),
                                        sql_number(end), sql_text(i == 0 ? NULL : at)),
                             NULL);
    return result;
}

static enum sql_result step(struct sql *sql, struct record_move *move, int64_t end)
{
    struct record_store *store = move->errand.job.link->store;
    const bool is_file = sql->dialect == SQL_SQLITE;
    enum sql_result result =
        is_file ? record_write_begin(sql, store) : sql_run(sql, "BEGIN", SQL_NOTHING, NULL);

    if (is_file && result != SQL_DONE)
        return result;
    if (result == SQL_DONE)
        result = move->has_own ? asked_move(sql, move, end) : own_move(sql, move);
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
    if (result == SQL_DONE && end != INT64_MIN)
        result = step(sql, move, end);
    move->more = end != INT64_MIN;
    if (result == SQL_DONE && move->more)
        move->after_id = end;
    return result == SQL_DONE ? STORE_OK : STORE_DOWN;
}
