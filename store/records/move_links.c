/* First her user ids become one, then her number another. */
#include "store/records/move_links.h"

#include "store/base/record_time.h"
#include "store/records/schema.h"
#include <string.h>

/* $1 a user id, $2 what it becomes. Where she came with both, the earlier of what is known of each.
 */
#define EARLIER(column)                                                                            \
    column " = CASE WHEN gone." column " < kept." column " THEN gone." column " ELSE kept." column \
           " END"
static const char both_sql[] = "UPDATE uic_links AS kept SET " EARLIER("since") ", " EARLIER(
    "up_to") " FROM uic_links AS gone"
             " WHERE kept.user_id = $2 AND gone.user_id = $1 AND gone.number = kept.number";
static const char both_forget_sql[] =
    "DELETE FROM uic_links WHERE user_id = $1"
    " AND number IN (SELECT number FROM uic_links WHERE user_id = $2)";
static const char rename_sql[] = "UPDATE uic_links SET user_id = $2 WHERE user_id = $1";
/* Who changes several times is known by all her ids; who takes a former one again has that. */
static const char former_rename_sql[] = "UPDATE uic_former_ids SET user_id = $2 WHERE user_id = $1";
static const char former_sql[] = "INSERT INTO uic_former_ids (former, user_id) VALUES ($1, $2)"
                                 " ON CONFLICT (former) DO UPDATE SET user_id = excluded.user_id";
static const char former_again_sql[] = "DELETE FROM uic_former_ids WHERE former = $1";

/* $1 a user id, $2 a number that it leaves, $3 and $4 the same as records hold it, $5 as who asked, $6
 * nobody. In her place there is nobody, where another owner, or what was left, must not pass for the next
 * one's. */
static const char leave_sql[] =
    "INSERT INTO uic_links (number, user_id, since, up_to)"
    " SELECT number, $6, since, up_to FROM uic_links WHERE user_id = $1 AND number = $2"
    " AND (up_to < 0 OR EXISTS (SELECT 1 FROM uic_links WHERE number = $2 AND user_id <> $1)"
    " OR EXISTS (SELECT 1 FROM uic_records WHERE phone_number IN ($3, $4) AND user_id IS NULL)"
    " OR EXISTS (SELECT 1 FROM uic_asked WHERE who = $5))" SCHEMA_NOBODY_FIRST;
/* $1 a user id, $2 a number that it comes to, $3 the day. Nothing of before is hers there, not even when
 * she wrote from it before the change was told. */
static const char written_sql[] =
    "UPDATE uic_links SET up_to = -1 WHERE user_id = $1 AND number = $2 AND since >= $3";
static const char arrive_sql[] = "INSERT INTO uic_links (number, user_id, since, up_to)"
                                 " VALUES ($2, $1, $3, -1) ON CONFLICT DO NOTHING";
static const char left_sql[] = "DELETE FROM uic_links WHERE user_id = $1 AND number = $2";

static enum sql_result rename_user_id(struct sql *sql, const unsigned char *before,
                                      const unsigned char *after)
{
    static const char *const statements[] = {both_sql, both_forget_sql, rename_sql,
                                             former_rename_sql, former_sql};
    char rooms[2][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {schema_hash(sql, before, RECORD_PERSON_HASH_SIZE, rooms[0]),
                                       schema_hash(sql, after, RECORD_PERSON_HASH_SIZE, rooms[1])};
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < sizeof statements / sizeof *statements && result == SQL_DONE; i++)
        result = sql_run(sql, statements[i], values, 2, NULL);
    return result == SQL_DONE ? sql_run(sql, former_again_sql, values + 1, 1, NULL) : result;
}

static enum sql_result change_number(struct sql *sql, const struct record_move *move,
                                     const unsigned char *user_id)
{
    char rooms[5][SCHEMA_HASH_MAX], day[RECORD_TIME_MAX];
    const struct sql_value who = schema_hash(sql, user_id, RECORD_PERSON_HASH_SIZE, rooms[0]),
                           from = schema_hash(sql, move->from.number, RECORD_PERSON_HASH_SIZE,
                                              rooms[1]),
                           to =
                               schema_hash(sql, move->to.number, RECORD_PERSON_HASH_SIZE, rooms[2]);

    record_time_format(move->at_us, day);
    day[sizeof "2026-01-01" - 1] = '\0';
    enum sql_result result = sql_run(
        sql, leave_sql,
        SQL_VALUES(who, from, sql_text(move->number.from), sql_text(move->number.from_sealed),
                   schema_hash(sql, move->from.number, RECORD_ASKER_SIZE, rooms[4]),
                   schema_nobody(sql, rooms[3])),
        NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, written_sql, SQL_VALUES(who, to, sql_text(day)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, arrive_sql, SQL_VALUES(who, to, sql_text(day)), NULL);
    return result == SQL_DONE ? sql_run(sql, left_sql, SQL_VALUES(who, from), NULL) : result;
}

enum sql_result move_links(struct sql *sql, const struct record_move *move)
{
    const unsigned char *before = move->user_ids[0], *after = move->user_ids[1];
    const struct record_person *from = &move->from, *to = &move->to;
    enum sql_result result = SQL_DONE;

    if (memcmp(before, after, RECORD_PERSON_HASH_SIZE) != 0)
        result = rename_user_id(sql, before, after);
    return result == SQL_DONE && from->has_number && to->has_number &&
                   memcmp(from->number, to->number, RECORD_PERSON_HASH_SIZE) != 0
               ? change_number(sql, move, after)
               : result;
}
