/* What records, and uic_links beside them, tell of a person's other name. */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

#define PAGE "1000"

/* $1 a number, $2 the same sealed, $3 its hash: its user ids, in hexadecimal digits, how many
 * records, since when. One more than there may be. */
static const char *const of_number_sql[] = {
    [SQL_SQLITE] =
        "SELECT user_id, sum(records), min(day) FROM ("
        "SELECT user_id, 1 AS records, substr(created_at, 1, 10) AS day, id FROM uic_records"
        " WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
        " UNION ALL SELECT user_id, 0, since, 0 FROM uic_links WHERE number = $3)"
        " GROUP BY user_id ORDER BY max(day) DESC, max(id) DESC LIMIT 9",
    [SQL_POSTGRES] =
        "SELECT encode(user_id, 'hex'), sum(records), to_char(min(day), 'YYYY-MM-DD') FROM ("
        "SELECT user_id, 1 AS records, (created_at AT TIME ZONE 'UTC')::date AS day, id"
        " FROM uic_records WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
        " UNION ALL SELECT user_id, 0, since, 0 FROM uic_links"
        " WHERE number = decode($3, 'hex')) AS known"
        " GROUP BY user_id ORDER BY max(day) DESC, max(id) DESC LIMIT 9",
};
/* $1 a user id: hashes of the numbers that came with it, and with no other. */
static const char *const numbers_sql[] = {
    [SQL_SQLITE] =
        "SELECT number FROM uic_links AS l WHERE user_id = $1 AND NOT EXISTS (SELECT 1 FROM"
        " uic_links AS other WHERE other.number = l.number AND other.user_id <> l.user_id) LIMIT 9",
    [SQL_POSTGRES] = "SELECT encode(number, 'hex') FROM uic_links AS l WHERE user_id ="
                     " decode($1, 'hex') AND NOT EXISTS (SELECT 1 FROM uic_links AS other"
                     " WHERE other.number = l.number AND other.user_id <> l.user_id) LIMIT 9",
};
_Static_assert(RECORD_LINKS_MAX + 1 == 9, "as the statements say");

/* $1 a user id, in hexadecimal digits, $2 and sealed $3 what stands in place of a number where that
 * is hidden: the number of its newest record, when no record of it is another's, as far as it
 * stands in the same form. */
#define NUMBER_SQL(user_id)                                                                    \
    "SELECT phone_number FROM uic_records AS r WHERE user_id = " user_id                       \
    " AND phone_number NOT IN ('', $2, $3) AND NOT EXISTS (SELECT 1 FROM uic_records AS other" \
    " WHERE other.phone_number = r.phone_number AND other.user_id <> r.user_id)"               \
    " ORDER BY id DESC LIMIT 1"
static const char *const of_user_id_sql[] = {
    [SQL_SQLITE] = NUMBER_SQL("$1"),
    [SQL_POSTGRES] = NUMBER_SQL("decode($1, 'hex')"),
};

/* Behind $1 the next numbers of records from before there were ids. */
static const char unknown_sql[] =
    "SELECT DISTINCT phone_number FROM uic_records WHERE phone_number > $1 AND user_id IS NULL"
    " ORDER BY phone_number LIMIT " PAGE;

/* $1 a number, $2 the same sealed, $3 a user id, $4 the number's hash. */
static const char *const shared_sql[] = {
    [SQL_SQLITE] = "SELECT EXISTS (SELECT 1 FROM uic_records WHERE phone_number IN ($1, $2)"
                   " AND user_id <> $3)"
                   " OR EXISTS (SELECT 1 FROM uic_links WHERE number = $4 AND user_id <> $3)",
    [SQL_POSTGRES] =
        "SELECT (EXISTS (SELECT 1 FROM uic_records WHERE phone_number IN ($1, $2)"
        " AND user_id <> decode($3, 'hex')) OR EXISTS (SELECT 1 FROM uic_links"
        " WHERE number = decode($4, 'hex') AND user_id <> decode($3, 'hex')))::integer",
};

static enum sql_result user_ids_find(struct sql *sql, const struct record_name *name,
                                     struct record_links *links)
{
    char hash[2 * RECORD_USER_ID_SIZE + 1];

    hex_write(name->hash, sizeof name->hash, hash);
    enum sql_result result = sql_query(
        sql, of_number_sql[sql->dialect],
        SQL_VALUES(sql_text(name->phone_number), sql_text(name->sealed_number), sql_text(hash)));

    for (; result == SQL_ROW; result = sql_next(sql)) {
        if (links->count == RECORD_LINKS_MAX)
            return sql_explain(sql, SQL_FAILED, "the number had more than %d user ids",
                               RECORD_LINKS_MAX);
        if (sql_column_length(sql, 0) != 2 * RECORD_USER_ID_SIZE)
            continue; /* somebody wrote it by hand */
        links->records[links->count] = sql_column_number(sql, 1);
        snprintf(links->since[links->count], sizeof links->since[0], "%s", sql_column(sql, 2));
        if (hex_read(sql_column(sql, 0), links->user_ids[links->count], RECORD_USER_ID_SIZE) == 0)
            links->count++;
    }
    return result;
}

/* By whose records a number is known. */
static enum sql_result number_find(struct sql *sql, const struct record_name *name,
                                   struct record_links *links)
{
    char hex[2 * RECORD_USER_ID_SIZE + 1];

    hex_write(name->hash, sizeof name->hash, hex);
    memcpy(links->user_ids[links->count++], name->hash, RECORD_USER_ID_SIZE);
    const enum sql_result result = sql_query(
        sql, of_user_id_sql[sql->dialect],
        SQL_VALUES(sql_text(hex), sql_text(name->phone_number), sql_text(name->sealed_number)));
    if (result != SQL_ROW)
        return result;
    snprintf(links->phone_number, sizeof links->phone_number, "%s", sql_column(sql, 0));
    return sql_next(sql);
}

static enum sql_result numbers_find(struct sql *sql, const unsigned char *user_id,
                                    struct record_links *links)
{
    char hex[2 * RECORD_USER_ID_SIZE + 1];

    hex_write(user_id, RECORD_USER_ID_SIZE, hex);
    enum sql_result result = sql_query(sql, numbers_sql[sql->dialect], SQL_VALUES(sql_text(hex)));
    for (; result == SQL_ROW; result = sql_next(sql)) {
        if (links->number_count == RECORD_LINKS_MAX)
            return sql_explain(sql, SQL_FAILED, "more than %d numbers came with the user ids",
                               RECORD_LINKS_MAX);
        if (sql_column_length(sql, 0) == 2 * RECORD_USER_ID_SIZE &&
            hex_read(sql_column(sql, 0), links->numbers[links->number_count],
                     RECORD_USER_ID_SIZE) == 0)
            links->number_count++;
    }
    return result;
}

static bool is_linked(const struct record_links *links,
                      const unsigned char hash[RECORD_USER_ID_SIZE])
{
    for (size_t i = 0; i < links->number_count; i++)
        if (memcmp(links->numbers[i], hash, RECORD_USER_ID_SIZE) == 0)
            return true;
    return false;
}

/* What stands for a number tells nobody the number: all that stand without a user id are looked at.
 */
static enum sql_result number_search(struct sql *sql, const struct record_name *name,
                                     struct record_links *links)
{
    char after[RECORD_PHONE_MAX] = "";
    unsigned char hash[RECORD_USER_ID_SIZE];
    enum sql_result result;
    size_t count;

    do {
        count = 0;
        result = sql_query(sql, unknown_sql, SQL_VALUES(sql_text(after)));
        for (; result == SQL_ROW; result = sql_next(sql), count++) {
            snprintf(after, sizeof after, "%s", sql_column(sql, 0));
            if (links->phone_number[0] == '\0' && name->number_hash(name->arg, after, hash) == 0 &&
                is_linked(links, hash))
                strcpy(links->phone_number, after);
        }
    } while (result == SQL_DONE && count > 0 && links->phone_number[0] == '\0');
    return result;
}

static enum sql_result links_find(struct sql *sql, const struct record_name *name,
                                  struct record_links *links)
{
    enum sql_result result =
        name->is_user_id ? number_find(sql, name, links) : user_ids_find(sql, name, links);

    for (size_t i = 0; result == SQL_DONE && i < links->count; i++)
        result = numbers_find(sql, links->user_ids[i], links);
    if (result == SQL_DONE && name->is_user_id && links->phone_number[0] == '\0' &&
        links->number_count > 0)
        result = number_search(sql, name, links);
    return result;
}

int record_links_find(const char *url, const struct record_name *name, struct record_links *links,
                      char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);

    *links = (struct record_links){0};
    return sql != NULL ? sql_finish(sql, links_find(sql, name, links), error) : -1;
}

int record_links_check(const char *url, const struct record_name *name, struct record_links *links,
                       char error[ERROR_MAX])
{
    char hex[2 * RECORD_USER_ID_SIZE + 1], number[2 * RECORD_USER_ID_SIZE + 1];
    unsigned char hash[RECORD_USER_ID_SIZE];

    if (links->phone_number[0] == '\0' ||
        name->number_hash(name->arg, links->phone_number, hash) != 0)
        return 0;
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (sql == NULL)
        return -1;
    hex_write(links->user_ids[0], RECORD_USER_ID_SIZE, hex);
    hex_write(hash, sizeof hash, number);
    int64_t is_shared = 0;
    const enum sql_result result =
        sql_run(sql, shared_sql[sql->dialect],
                SQL_VALUES(sql_text(links->phone_number), sql_text(links->sealed_number),
                           sql_text(hex), sql_text(number)),
                &is_shared);
    if (result == SQL_DONE && is_shared != 0)
        links->phone_number[0] = links->sealed_number[0] = '\0';
    return sql_finish(sql, result, error);
}
