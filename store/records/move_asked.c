/* A page is what stands in uic_asked: first what she asked for by her user id, then by her number
 * alone. */
#include "store/records/move_asked.h"

#include "store/base/record_time.h"
#include "store/records/schema.h"
#include <string.h>

#define AT_ONCE 200

/* $1 and $2 askers, behind the record $3: how many at once, and the last. */
static const char page_sql[] = "SELECT count(*), max(record) FROM (SELECT record FROM uic_asked"
                               " WHERE who IN ($1, $2) AND record > $3"
                               " ORDER BY record LIMIT " SQL_NUMERAL(AT_ONCE) ") AS page";
/* $1 an asker, in the records behind $2 up to $3, where nobody asked after $4, is $5 from now on ("":
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
/* $1 a number, of the records behind $2 up to $3 that somebody asked for after the change. Who asked
 * last stands first: that is the number's next owner. When others asked, nobody knows. */
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

/* What stands for a person where she asked, or for nobody. */
static struct sql_value asker_value(const struct sql *sql, const unsigned char *asker,
                                    char room[SCHEMA_HASH_MAX])
{
    static const unsigned char nobody[1];

    return asker != NULL ? schema_hash(sql, asker, RECORD_ASKER_SIZE, room)
                         : schema_hash(sql, nobody, 0, room);
}

/* In the records behind after up to end, where nobody asked after at. to: NULL, it is forgotten that
 * somebody asked. */
static enum sql_result asker_move(struct sql *sql, const unsigned char *from,
                                  const unsigned char *to, int64_t after, int64_t end,
                                  const char *at)
{
    const char *const statements[] = {asked_add_sql[sql->dialect], move_asked_sql[sql->dialect],
                                      asked_forget_sql};
    char rooms[2][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {asker_value(sql, from, rooms[0]), sql_number(after),
                                       sql_number(end), sql_text(at),
                                       asker_value(sql, to, rooms[1])};
    enum sql_result result = SQL_DONE;

    if (from == NULL || after >= end || (to != NULL && memcmp(from, to, RECORD_ASKER_SIZE) == 0))
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
    const struct sql_value values[] = {asker_value(sql, number, room), sql_number(after),
                                       sql_number(end)};
    const enum sql_result result = sql_run(sql, late_sql[sql->dialect][0], values, 3, NULL);

    return result == SQL_DONE ? sql_run(sql, late_sql[sql->dialect][1], values, 3, NULL) : result;
}

/* What the number asked for alone is hers, or nobody's; who asked with it after the change is its next
 * owner. */
static enum sql_result alone_move(struct sql *sql, const struct record_move *move,
                                  const unsigned char *number, const unsigned char *to, int64_t end)
{
    const int64_t after = move->asked_after;
    char rooms[3][SCHEMA_HASH_MAX], at[RECORD_TIME_MAX];
    int64_t up_to = 0;

    record_time_format(move->at_us, at);
    enum sql_result result =
        sql_run(sql, up_to_sql,
                SQL_VALUES(schema_hash(sql, move->from.number, RECORD_PERSON_HASH_SIZE, rooms[0]),
                           schema_hash(sql, move->user_ids[0], RECORD_PERSON_HASH_SIZE, rooms[1]),
                           schema_hash(sql, move->user_ids[1], RECORD_PERSON_HASH_SIZE, rooms[2])),
                &up_to);
    if (result == SQL_DONE)
        result = asker_move(sql, number, to, after, up_to < end ? up_to : end, at);
    if (result == SQL_DONE)
        result = asker_move(sql, number, NULL, after, end, at);
    return result == SQL_DONE ? late_forget(sql, number, after, end) : result;
}

static enum sql_result page_move(struct sql *sql, const struct record_move *move,
                                 const unsigned char *askers[2], int64_t end)
{
    const unsigned char *to = move->to.user_id;
    const enum sql_result result = asker_move(sql, askers[0], to, move->asked_after, end, EVER);
    return result == SQL_DONE && askers[1] != NULL ? alone_move(sql, move, askers[1], to, end)
                                                   : result;
}

/* Sets end to the last record of the page; is_last: there is none behind. */
static enum sql_result page_find(struct sql *sql, const struct record_move *move,
                                 const unsigned char *askers[2], int64_t *end, bool *is_last)
{
    char rooms[2][SCHEMA_HASH_MAX];
    const enum sql_result result =
        sql_query(sql, page_sql,
                  SQL_VALUES(asker_value(sql, askers[0], rooms[0]),
                             asker_value(sql, askers[1], rooms[1]), sql_number(move->asked_after)));

    if (result != SQL_ROW)
        return result == SQL_DONE ? SQL_FAILED : result;
    *is_last = sql_column_number(sql, 0) < AT_ONCE;
    *end = sql_column_number(sql, 1); /* or less than any */
    return sql_next(sql);
}

enum sql_result move_asked(struct sql *sql, struct record_move *move, bool *is_last)
{
    const unsigned char *askers[] = {move->from.has_user_id ? move->from.user_id : NULL,
                                     move->from.has_number ? move->from.number : NULL};
    int64_t end = INT64_MIN;
    enum sql_result result = page_find(sql, move, askers, &end, is_last);

    if (result == SQL_DONE && end > move->asked_after)
        result = page_move(sql, move, askers, end);
    move->asked_after = end;
    return result;
}
