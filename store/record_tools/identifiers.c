/*
 * From one number or user id to all that are the same person's. A user id is hers for good. A number
 * is hers while no other user id came with it; what it registered alone, before there were user ids,
 * is of the first that came with it.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <string.h>

#define HEX_MAX (2 * RECORD_PERSON_HASH_SIZE + 1)

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
/* $1 a user id: hashes of the numbers that came with it. */
static const char *const linked_sql[] = {
    [SQL_SQLITE] = "SELECT number FROM uic_links WHERE user_id = $1",
    [SQL_POSTGRES] =
        "SELECT encode(number, 'hex') FROM uic_links WHERE user_id = decode($1, 'hex')",
};
/* $1 a number's hash: the user ids that it came with, and whether one was the first. */
#define OWNERS                                                                                  \
    "link.up_to, first.number IS NOT NULL FROM uic_links AS link LEFT JOIN uic_first_owners AS" \
    " first ON first.number = link.number AND first.user_id = link.user_id WHERE link.number = "
static const char *const owners_sql[] = {
    [SQL_SQLITE] = "SELECT link.user_id, link.since, " OWNERS "$1",
    [SQL_POSTGRES] =
        "SELECT encode(link.user_id, 'hex'), to_char(link.since, 'YYYY-MM-DD'), " OWNERS
        "decode($1, 'hex')",
};
/* $1 a user id: which she had before. */
static const char *const former_sql[] = {
    [SQL_SQLITE] = "SELECT former FROM uic_former_ids WHERE user_id = $1",
    [SQL_POSTGRES] =
        "SELECT encode(former, 'hex') FROM uic_former_ids WHERE user_id = decode($1, 'hex')",
};
/* $1 a user id: under which she has written since. */
static const char *const present_sql[] = {
    [SQL_SQLITE] = "SELECT user_id FROM uic_former_ids WHERE former = $1",
    [SQL_POSTGRES] =
        "SELECT encode(user_id, 'hex') FROM uic_former_ids WHERE former = decode($1, 'hex')",
};
/* $1 a user id: what stands in its records as numbers. */
static const char *const numbers_sql[] = {
    [SQL_SQLITE] = "SELECT DISTINCT phone_number FROM uic_records WHERE user_id = $1",
    [SQL_POSTGRES] =
        "SELECT DISTINCT phone_number FROM uic_records WHERE user_id = decode($1, 'hex')",
};
/* Behind the record $1 what stands in records without a user id. */
static const char unknown_sql[] =
    "SELECT phone_number, id FROM uic_records WHERE id > $1 AND user_id IS NULL ORDER BY id LIMIT 1000";

/* A number that came with a user id of hers. */
struct linked {
    unsigned char hash[RECORD_PERSON_HASH_SIZE];
    bool is_first;  /* hers was the first */
    bool is_shared; /* there are others, or were before she moved to it */
    int64_t up_to;  /* of the first, and since when */
    char since[sizeof "2026-01-01"];
};

struct search {
    struct sql *sql;
    record_number_read *read;
    void *arg;
    struct record_identifiers *found;
    struct linked linked[RECORD_IDENTIFIERS_MAX];
    size_t linked_count;
    struct linked *looked_at; /* whose owners are being read */
    int64_t after;            /* the last record that was looked at */
    size_t rows;              /* of its page */
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
                             const unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    for (size_t i = 0; i < identifiers->hash_count; i++)
        if (memcmp(identifiers->hashes[i], hash, RECORD_PERSON_HASH_SIZE) == 0)
            return true;
    return false;
}

const unsigned char *record_identifiers_user_id(const struct record_identifiers *identifiers,
                                                size_t i)
{
    if (i < identifiers->user_id_count)
        return identifiers->user_ids[i].hash;
    i -= identifiers->user_id_count;
    return i < identifiers->former_id_count ? identifiers->former_ids[i] : NULL;
}

static bool has_user_id(const struct record_identifiers *found,
                        const unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    const unsigned char *user_id;

    for (size_t i = 0; (user_id = record_identifiers_user_id(found, i)) != NULL; i++)
        if (memcmp(user_id, hash, RECORD_PERSON_HASH_SIZE) == 0)
            return true;
    return false;
}

static bool has_number(const struct record_identifiers *found,
                       const unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    for (size_t i = 0; i < found->number_count; i++)
        if (memcmp(found->numbers[i].hash, hash, RECORD_PERSON_HASH_SIZE) == 0)
            return true;
    return false;
}

static struct linked *find_linked(struct search *search,
                                  const unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    for (size_t i = 0; i < search->linked_count; i++)
        if (memcmp(search->linked[i].hash, hash, RECORD_PERSON_HASH_SIZE) == 0)
            return &search->linked[i];
    return NULL;
}

/* There is room for all that the others hold. */
static void hash_add(struct record_identifiers *found,
                     const unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    if (!record_identifiers_have(found, hash))
        memcpy(found->hashes[found->hash_count++], hash, RECORD_PERSON_HASH_SIZE);
}

static enum sql_result user_id_add(struct search *search,
                                   const unsigned char hash[RECORD_PERSON_HASH_SIZE],
                                   int64_t records, const char *since)
{
    struct record_identifiers *found = search->found;
    const size_t i = found->user_id_count;

    if (i == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    memcpy(found->user_ids[i].hash, hash, RECORD_PERSON_HASH_SIZE);
    found->user_ids[i].records = records;
    snprintf(found->user_ids[i].since, sizeof found->user_ids[i].since, "%s", since);
    found->user_id_count++;
    hash_add(found, hash);
    return SQL_DONE;
}

/* linked: NULL when all that stands under it is hers. */
static enum sql_result number_add(struct search *search, const struct record_number *number,
                                  const struct linked *linked)
{
    struct record_identifiers *found = search->found;
    struct record_number *added = &found->numbers[found->number_count];

    if (found->number_count == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    *added = *number;
    added->up_to = linked == NULL ? INT64_MAX : linked->is_first ? linked->up_to : -1;
    strcpy(added->since, linked != NULL ? linked->since : "");
    added->is_shared = linked != NULL && linked->is_shared;
    found->number_count++;
    if (!added->is_shared)
        hash_add(found, number->hash);
    return SQL_DONE;
}

/* Hands each row of an answer on. */
static enum sql_result each_row(struct search *search, const char *const statements[],
                                const struct sql_value *values, int count,
                                enum sql_result (*row)(struct search *search))
{
    enum sql_result result =
        sql_query(search->sql, statements[search->sql->dialect], values, count);

    while (result == SQL_ROW) {
        result = row(search);
        if (result == SQL_DONE)
            result = sql_next(search->sql);
    }
    return result;
}

/* The same of a statement about a hash. */
static enum sql_result each_of(struct search *search, const char *const statements[],
                               const unsigned char hash[RECORD_PERSON_HASH_SIZE],
                               enum sql_result (*row)(struct search *search))
{
    char hex[HEX_MAX];

    hex_write(hash, RECORD_PERSON_HASH_SIZE, hex);
    return each_row(search, statements, SQL_VALUES(sql_text(hex)), row);
}

/* Of the row; false: somebody wrote it by hand. */
static bool hash_read(const struct sql *sql, unsigned char hash[RECORD_PERSON_HASH_SIZE])
{
    return sql_column_length(sql, 0) == HEX_MAX - 1 &&
           hex_read(sql_column(sql, 0), hash, RECORD_PERSON_HASH_SIZE) == 0;
}

static enum sql_result user_id_row(struct search *search)
{
    const struct sql *sql = search->sql;
    unsigned char hash[RECORD_PERSON_HASH_SIZE];

    return hash_read(sql, hash) && !schema_is_nobody(hash)
               ? user_id_add(search, hash, sql_column_number(sql, 1), sql_column(sql, 2))
               : SQL_DONE;
}

static enum sql_result linked_row(struct search *search)
{
    struct linked *linked = &search->linked[search->linked_count];

    if (search->linked_count == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    *linked = (struct linked){0};
    if (hash_read(search->sql, linked->hash) && find_linked(search, linked->hash) == NULL)
        search->linked_count++;
    return SQL_DONE;
}

static enum sql_result owner_row(struct search *search)
{
    struct linked *linked = search->looked_at;
    unsigned char hash[RECORD_PERSON_HASH_SIZE];
    const bool is_hers = hash_read(search->sql, hash) && has_user_id(search->found, hash);

    if (strchr("t1", sql_column(search->sql, 3)[0]) != NULL) {
        linked->is_first = is_hers;
        linked->up_to = sql_column_number(search->sql, 2);
        snprintf(linked->since, sizeof linked->since, "%s", sql_column(search->sql, 1));
    }
    linked->is_shared = linked->is_shared || !is_hers || sql_column_number(search->sql, 2) < 0;
    return SQL_DONE;
}

/* Which numbers came with her user ids, and whose else. */
static enum sql_result linked_read(struct search *search)
{
    struct record_identifiers *found = search->found;
    enum sql_result result = SQL_DONE;
    const unsigned char *hash;

    for (size_t i = 0; result == SQL_DONE && (hash = record_identifiers_user_id(found, i)) != NULL;
         i++)
        result = each_of(search, linked_sql, hash, linked_row);
    for (size_t i = 0; i < search->linked_count && result == SQL_DONE; i++) {
        search->looked_at = &search->linked[i];
        result = each_of(search, owners_sql, search->looked_at->hash, owner_row);
        if (result == SQL_DONE && !search->looked_at->is_shared)
            hash_add(found, search->looked_at->hash);
    }
    return result;
}

/* What stands in a record: a number that is linked, or a user id of hers in its place. */
static enum sql_result number_row(struct search *search)
{
    struct record_identifiers *found = search->found;
    struct record_number number;

    if (search->read(search->arg, sql_column(search->sql, 0), &number) != 0 ||
        has_number(found, number.hash))
        return SQL_DONE;
    const struct linked *linked = find_linked(search, number.hash);
    return linked != NULL || has_user_id(found, number.hash) ? number_add(search, &number, linked)
                                                             : SQL_DONE;
}

static enum sql_result unknown_row(struct search *search)
{
    search->rows++;
    search->after = sql_column_number(search->sql, 1);
    return number_row(search);
}

/* Whether something may stand in records that have no user id. */
static bool has_unknown(const struct search *search)
{
    for (size_t i = 0; i < search->linked_count; i++)
        if (search->linked[i].is_first && !has_number(search->found, search->linked[i].hash))
            return true;
    return false;
}

/* What is known of a number tells nobody the number: all that stand without a user id are looked
 * at. */
static enum sql_result unknown_find(struct search *search)
{
    static const char *const statements[] = {unknown_sql, unknown_sql};
    enum sql_result result;

    search->after = 0;
    do {
        search->rows = 0;
        result = each_row(search, statements, SQL_VALUES(sql_number(search->after)), unknown_row);
    } while (result == SQL_DONE && search->rows > 0 && has_unknown(search));
    return result;
}

static enum sql_result former_row(struct search *search)
{
    struct record_identifiers *found = search->found;
    unsigned char hash[RECORD_PERSON_HASH_SIZE];

    if (!hash_read(search->sql, hash))
        return SQL_DONE;
    if (found->former_id_count == RECORD_IDENTIFIERS_MAX)
        return too_many(search);
    memcpy(found->former_ids[found->former_id_count++], hash, sizeof hash);
    hash_add(found, hash);
    return SQL_DONE;
}

static enum sql_result present_row(struct search *search)
{
    unsigned char hash[RECORD_PERSON_HASH_SIZE];

    return hash_read(search->sql, hash) ? user_id_add(search, hash, 0, "") : SQL_DONE;
}

/* Who is looked for by a former user id is found by her present one. */
static enum sql_result given_user_id(struct search *search, const unsigned char *hash)
{
    const enum sql_result result = each_of(search, present_sql, hash, present_row);

    return result == SQL_DONE && search->found->user_id_count == 0
               ? user_id_add(search, hash, 0, "")
               : result;
}

static enum sql_result find(struct search *search, const char *given)
{
    struct record_identifiers *found = search->found;
    struct record_number number;
    enum sql_result result = SQL_DONE;
    const unsigned char *hash;
    char hex[HEX_MAX];

    if (search->read(search->arg, given, &number) != 0)
        return sql_explain(search->sql, SQL_FAILED, "the cryptographic library fails");
    number_add(search, &number, NULL);
    hex_write(number.hash, sizeof number.hash, hex);
    if (given[0] != '+')
        result = given_user_id(search, number.hash);
    else
        result =
            each_row(search, user_ids_sql,
                     SQL_VALUES(sql_text(number.clear), sql_text(number.sealed), sql_text(hex)),
                     user_id_row);
    for (size_t i = 0; i < found->user_id_count && result == SQL_DONE; i++)
        result = each_of(search, former_sql, found->user_ids[i].hash, former_row);
    if (result == SQL_DONE)
        result = linked_read(search);
    for (size_t i = 0; result == SQL_DONE && (hash = record_identifiers_user_id(found, i)) != NULL;
         i++)
        result = each_of(search, numbers_sql, hash, number_row);
    return result == SQL_DONE && has_unknown(search) ? unknown_find(search) : result;
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
