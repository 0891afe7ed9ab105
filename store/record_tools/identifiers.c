/*
 * From one number or user id to all that are the same person's. A user id is hers for good; a number
 * is hers as far as nobody else's user id ever came with it.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

#define PAGE "1000"
#define HEX_MAX (2 * RECORD_USER_ID_SIZE + 1)

/* $1 a number, $2 the same sealed, $3 its hash: its user ids, in hexadecimal digits, how many
 * records, since when. */
static const char *const user_ids_sql[] = {
    [SQL_SQLITE] =
        "SELECT user_id, sum(records), min(day) FROM ("
        "SELECT user_id, 1 AS records, substr(created_at, 1, 10) AS day, id FROM uic_records"
        " WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
        " UNION ALL SELECT user_id, 0, since, 0 FROM uic_links WHERE number = $3)"
        " GROUP BY user_id ORDER BY max(day) DESC, max(id) DESC",
    [SQL_POSTGRES] =
        "SELECT encode(user_id, 'hex'), sum(records), to_char(min(day), 'YYYY-MM-DD') FROM ("
        "SELECT user_id, 1 AS records, (created_at AT TIME ZONE 'UTC')::date AS day, id"
        " FROM uic_records WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
        " UNION ALL SELECT user_id, 0, since, 0 FROM uic_links"
        " WHERE number = decode($3, 'hex')) AS known"
        " GROUP BY user_id ORDER BY max(day) DESC, max(id) DESC",
};
/* $1 a user id: hashes of the numbers that came with it, and with no other. */
static const char *const hashes_sql[] = {
    [SQL_SQLITE] =
        "SELECT number FROM uic_links AS l WHERE user_id = $1 AND NOT EXISTS (SELECT 1 FROM"
        " uic_links AS other WHERE other.number = l.number AND other.user_id <> l.user_id)",
    [SQL_POSTGRES] = "SELECT encode(number, 'hex') FROM uic_links AS l WHERE user_id ="
                     " decode($1, 'hex') AND NOT EXISTS (SELECT 1 FROM uic_links AS other"
                     " WHERE other.number = l.number AND other.user_id <> l.user_id)",
};
/* $1 a user id: the numbers of its records. */
static const char *const numbers_sql[] = {
    [SQL_SQLITE] =
        "SELECT DISTINCT phone_number FROM uic_records WHERE user_id = $1 AND phone_number <> ''",
    [SQL_POSTGRES] = "SELECT DISTINCT phone_number FROM uic_records"
                     " WHERE user_id = decode($1, 'hex') AND phone_number <> ''",
};
/* Behind $1 the next numbers of records from before there were ids. */
static const char unknown_sql[] =
    "SELECT DISTINCT phone_number FROM uic_records WHERE phone_number > $1 AND user_id IS NULL"
    " ORDER BY phone_number LIMIT " PAGE;
/* $1 a number, $2 the same sealed, $3 its hash: the user ids that it came with; one in its place is
 * its own. */
static const char *const owners_sql[] = {
    [SQL_SQLITE] = "SELECT user_id FROM uic_records WHERE phone_number IN ($1, $2)"
                   " AND user_id IS NOT NULL"
                   " UNION SELECT user_id FROM uic_links WHERE number = $3",
    [SQL_POSTGRES] = "SELECT encode(user_id, 'hex') FROM uic_records"
                     " WHERE phone_number IN ($1, $2) AND user_id IS NOT NULL"
                     " UNION SELECT encode(user_id, 'hex') FROM uic_links"
                     " WHERE number = decode($3, 'hex')",
};

struct search {
    struct sql *sql;
    record_number_read *read;
    void *arg;
    struct record_identifiers *found;
    char kept[RECORD_PHONE_MAX]; /* the last of those that were looked at */
    size_t rows;                 /* of the page */
    bool is_anothers;            /* the number that is looked at */
};

static enum sql_result too_many(struct search *search)
{
    search->found->too_many = true;
    return sql_explain(search->sql, SQL_FAILED,
                       "more than %d numbers or user ids came together; what is known of them is "
                       "erased by --code only",
                       RECORD_IDENTIFIERS_MAX);
}

bool record_identifiers_have(const struct record_identifiers *identifiers,
                             const unsigned char hash[RECORD_USER_ID_SIZE])
{
    for (size_t i = 0; i < identifiers->hash_count; i++)
        if (memcmp(identifiers->hashes[i], hash, RECORD_USER_ID_SIZE) == 0)
            return true;
    return false;
}

static bool has_user_id(const struct record_identifiers *found,
                        const unsigned char hash[RECORD_USER_ID_SIZE])
{
    for (size_t i = 0; i < found->user_id_count; i++)
        if (memcmp(found->user_ids[i].hash, hash, RECORD_USER_ID_SIZE) == 0)
            return true;
    return false;
}

static bool has_number(const struct record_identifiers *found,
                       const unsigned char hash[RECORD_USER_ID_SIZE])
{
    for (size_t i = 0; i < found->number_count; i++)
        if (memcmp(found->numbers[i].hash, hash, RECORD_USER_ID_SIZE) == 0)
            return true;
    return false;
}

static enum sql_result hash_add(struct search *search,
                                const unsigned char hash[RECORD_USER_ID_SIZE])
{
    struct record_identifiers *found = search->found;

    if (record_identifiers_have(found, hash))
        return SQL_DONE;
    if (found->hash_count == sizeof found->hashes / sizeof found->hashes[0])
        return too_many(search);
    memcpy(found->hashes[found->hash_count++], hash, RECORD_USER_ID_SIZE);
    return SQL_DONE;
}

static enum sql_result user_id_add(struct search *search,
                                   const unsigned char hash[RECORD_USER_ID_SIZE], int64_t records,
                                   const char *since)
{
    struct record_identifiers *found = search->found;
    const size_t i = found->user_id_count;

    if (i == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    memcpy(found->user_ids[i].hash, hash, RECORD_USER_ID_SIZE);
    found->user_ids[i].records = records;
    snprintf(found->user_ids[i].since, sizeof found->user_ids[i].since, "%s", since);
    found->user_id_count++;
    return hash_add(search, hash);
}

/* Hands each row of an answer on. */
static enum sql_result each_row(struct search *search, const char *statement,
                                const struct sql_value *values, int count,
                                enum sql_result (*row)(struct search *search))
{
    enum sql_result result = sql_query(search->sql, statement, values, count);

    while (result == SQL_ROW) {
        result = row(search);
        if (result == SQL_DONE)
            result = sql_next(search->sql);
    }
    return result;
}

/* Of the row; false: somebody wrote it by hand. */
static bool hash_read(const struct sql *sql, unsigned char hash[RECORD_USER_ID_SIZE])
{
    return sql_column_length(sql, 0) == HEX_MAX - 1 &&
           hex_read(sql_column(sql, 0), hash, RECORD_USER_ID_SIZE) == 0;
}

static enum sql_result user_id_row(struct search *search)
{
    const struct sql *sql = search->sql;
    unsigned char hash[RECORD_USER_ID_SIZE];

    return hash_read(sql, hash)
               ? user_id_add(search, hash, sql_column_number(sql, 1), sql_column(sql, 2))
               : SQL_DONE;
}

static enum sql_result hash_row(struct search *search)
{
    unsigned char hash[RECORD_USER_ID_SIZE];

    return hash_read(search->sql, hash) ? hash_add(search, hash) : SQL_DONE;
}

/* Whose it is, is looked at afterwards: number_check. */
static enum sql_result number_row(struct search *search)
{
    struct record_identifiers *found = search->found;
    struct record_number number;

    if (search->read(search->arg, sql_column(search->sql, 0), &number) != 0 ||
        has_number(found, number.hash))
        return SQL_DONE;
    if (found->number_count == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    found->numbers[found->number_count++] = number;
    return SQL_DONE;
}

/* The same of a number that nothing but its hash may tell to be hers. */
static enum sql_result unknown_row(struct search *search)
{
    struct record_number number;

    search->rows++;
    snprintf(search->kept, sizeof search->kept, "%s", sql_column(search->sql, 0));
    return search->read(search->arg, search->kept, &number) == 0 &&
                   record_identifiers_have(search->found, number.hash)
               ? number_row(search)
               : SQL_DONE;
}

static enum sql_result owner_row(struct search *search)
{
    unsigned char hash[RECORD_USER_ID_SIZE];

    search->is_anothers |= hash_read(search->sql, hash) && !has_user_id(search->found, hash);
    return SQL_DONE;
}

/* Of the numbers from the first on those go that are somebody else's, too. */
static enum sql_result numbers_check(struct search *search, size_t first)
{
    struct record_identifiers *found = search->found;
    struct sql *sql = search->sql;
    enum sql_result result = SQL_DONE;
    char hex[HEX_MAX];
    size_t kept = first;

    for (size_t i = first; i < found->number_count && result == SQL_DONE; i++) {
        const struct record_number *number = &found->numbers[i];
        hex_write(number->hash, sizeof number->hash, hex);
        search->is_anothers = false;
        result =
            each_row(search, owners_sql[sql->dialect],
                     SQL_VALUES(sql_text(number->clear), sql_text(number->sealed), sql_text(hex)),
                     owner_row);
        if (result == SQL_DONE && !search->is_anothers) {
            found->numbers[kept++] = *number;
            result = hash_add(search, found->numbers[kept - 1].hash);
        }
    }
    found->number_count = kept;
    return result;
}

/* What stands for a number tells nobody the number: all that stand without a user id are looked
 * at. */
static enum sql_result unknown_find(struct search *search)
{
    enum sql_result result;

    search->kept[0] = '\0';
    do {
        char after[RECORD_PHONE_MAX];
        strcpy(after, search->kept);
        search->rows = 0;
        result = each_row(search, unknown_sql, SQL_VALUES(sql_text(after)), unknown_row);
    } while (result == SQL_DONE && search->rows > 0);
    return result;
}

static bool has_unknown(const struct record_identifiers *found)
{
    for (size_t i = 0; i < found->hash_count; i++)
        if (!has_number(found, found->hashes[i]) && !has_user_id(found, found->hashes[i]))
            return true;
    return false;
}

/* What came with each user id. */
static enum sql_result numbers_find(struct search *search)
{
    const struct record_identifiers *found = search->found;
    struct sql *sql = search->sql;
    enum sql_result result = SQL_DONE;
    char hex[HEX_MAX];

    for (size_t i = 0; i < found->user_id_count && result == SQL_DONE; i++) {
        hex_write(found->user_ids[i].hash, RECORD_USER_ID_SIZE, hex);
        result = each_row(search, hashes_sql[sql->dialect], SQL_VALUES(sql_text(hex)), hash_row);
        if (result == SQL_DONE)
            result =
                each_row(search, numbers_sql[sql->dialect], SQL_VALUES(sql_text(hex)), number_row);
    }
    return result;
}

static enum sql_result find(struct search *search, const char *given)
{
    struct record_identifiers *found = search->found;
    struct record_number *number = &found->numbers[0];
    struct sql *sql = search->sql;
    char hex[HEX_MAX];

    if (search->read(search->arg, given, number) != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    found->number_count = 1;
    hex_write(number->hash, sizeof number->hash, hex);
    enum sql_result result = hash_add(search, number->hash);
    if (result == SQL_DONE)
        result = given[0] == '+' ? each_row(search, user_ids_sql[sql->dialect],
                                            SQL_VALUES(sql_text(number->clear),
                                                       sql_text(number->sealed), sql_text(hex)),
                                            user_id_row)
                                 : user_id_add(search, number->hash, 0, "");
    if (result == SQL_DONE)
        result = numbers_find(search);
    if (result == SQL_DONE)
        result = numbers_check(search, 1);
    const size_t known = found->number_count;
    if (result == SQL_DONE && has_unknown(found))
        result = unknown_find(search);
    return result == SQL_DONE ? numbers_check(search, known) : result;
}

int record_identifiers_find(const char *url, const char *given, record_number_read *read, void *arg,
                            struct record_identifiers *identifiers, char error[ERROR_MAX])
{
    struct search search = {.sql = schema_open(url, TOOL_CONNECT_MS, error),
                            .read = read,
                            .arg = arg,
                            .found = identifiers};

    *identifiers = (struct record_identifiers){0};
    return search.sql != NULL ? sql_finish(search.sql, find(&search, given), error) : -1;
}
