/* What records tell of a person's other name. */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

/* $1 a number, $2 the same sealed: the user ids of its records, in hexadecimal digits, how many records, since
 * when. One more than there may be. */
static const char *const of_number_sql[] = {
    [SQL_SQLITE] = "SELECT user_id, count(*), substr(min(created_at), 1, 10) FROM uic_records"
                   " WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
                   " GROUP BY user_id ORDER BY max(id) DESC LIMIT 9",
    [SQL_POSTGRES] = "SELECT encode(user_id, 'hex'), count(*),"
                     " to_char(min(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM uic_records"
                     " WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
                     " GROUP BY user_id ORDER BY max(id) DESC LIMIT 9",
};
_Static_assert(RECORD_LINKS_MAX + 1 == 9, "as the statements say");

/* $1 a user id, in hexadecimal digits, $2 and sealed $3 what stands in place of a number where that is hidden: the
 * number of its newest record, when no record of it is another's, as far as it stands in the same form. */
#define NUMBER_SQL(user_id)                                                                    \
    "SELECT phone_number FROM uic_records AS r WHERE user_id = " user_id                       \
    " AND phone_number NOT IN ('', $2, $3) AND NOT EXISTS (SELECT 1 FROM uic_records AS other" \
    " WHERE other.phone_number = r.phone_number AND other.user_id <> r.user_id)"               \
    " ORDER BY id DESC LIMIT 1"
static const char *const of_user_id_sql[] = {
    [SQL_SQLITE] = NUMBER_SQL("$1"),
    [SQL_POSTGRES] = NUMBER_SQL("decode($1, 'hex')"),
};

/* $1 a number, $2 the same sealed, $3 a user id, in hexadecimal digits. */
static const char *const shared_sql[] = {
    [SQL_SQLITE] = "SELECT EXISTS (SELECT 1 FROM uic_records WHERE phone_number IN ($1, $2)"
                   " AND user_id <> $3)",
    [SQL_POSTGRES] = "SELECT EXISTS (SELECT 1 FROM uic_records WHERE phone_number IN ($1, $2)"
                     " AND user_id <> decode($3, 'hex'))::integer",
};

static enum sql_result user_ids_find(struct sql *sql, const char *phone_number,
                                     const char *sealed_number, struct record_links *links)
{
    enum sql_result result = sql_query(sql, of_number_sql[sql->dialect],
                                       SQL_VALUES(sql_text(phone_number), sql_text(sealed_number)));

    for (; result == SQL_ROW; result = sql_next(sql)) {
        if (links->count == RECORD_LINKS_MAX)
            return sql_explain(sql, SQL_FAILED, "the number had more than %d user ids",
                               RECORD_LINKS_MAX);
        if (sql_column_length(sql, 0) != 2 * RECORD_USER_ID_SIZE)
            continue; /* somebody wrote it by hand */
        links->records[links->count] = sql_column_number(sql, 1);
        snprintf(links->since[links->count], sizeof links->since[0], "%s", sql_column(sql, 2));
        hex_read(sql_column(sql, 0), links->user_ids[links->count++], RECORD_USER_ID_SIZE);
    }
    return result;
}

static enum sql_result number_find(struct sql *sql, const char *hidden, const char *sealed,
                                   const unsigned char *user_id, struct record_links *links)
{
    char hex[2 * RECORD_USER_ID_SIZE + 1];

    hex_write(user_id, RECORD_USER_ID_SIZE, hex);
    memcpy(links->user_ids[links->count++], user_id, RECORD_USER_ID_SIZE);
    const enum sql_result result =
        sql_query(sql, of_user_id_sql[sql->dialect],
                  SQL_VALUES(sql_text(hex), sql_text(hidden), sql_text(sealed)));
    if (result != SQL_ROW)
        return result;
    snprintf(links->phone_number, sizeof links->phone_number, "%s", sql_column(sql, 0));
    return sql_next(sql);
}

int record_links_find(const char *url, const char *phone_number, const char *sealed_number,
                      const unsigned char *user_id, struct record_links *links,
                      char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);

    *links = (struct record_links){0};
    if (sql == NULL)
        return -1;
    return sql_finish(sql,
                      user_id == NULL
                          ? user_ids_find(sql, phone_number, sealed_number, links)
                          : number_find(sql, phone_number, sealed_number, user_id, links),
                      error);
}

int record_links_check(const char *url, struct record_links *links, char error[ERROR_MAX])
{
    char hex[2 * RECORD_USER_ID_SIZE + 1];

    if (links->phone_number[0] == '\0')
        return 0;
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (sql == NULL)
        return -1;
    hex_write(links->user_ids[0], RECORD_USER_ID_SIZE, hex);
    int64_t is_shared = 0;
    const enum sql_result result = sql_run(
        sql, shared_sql[sql->dialect],
        SQL_VALUES(sql_text(links->phone_number), sql_text(links->sealed_number), sql_text(hex)),
        &is_shared);
    if (result == SQL_DONE && is_shared != 0)
        links->phone_number[0] = links->sealed_number[0] = '\0';
    return sql_finish(sql, result, error);
}
