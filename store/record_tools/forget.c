/* In the words of both databases. */
#include "store/record_tools/forget.h"

#include "store/records/schema.h"

#include <string.h>

static const char delete_sql[] = "DELETE FROM uic_records WHERE id = $1";
static const char blank_sql[] =
    "UPDATE uic_records SET phone_number = '', user_id = NULL, near = NULL WHERE id = $1";
static const char unasked_sql[] = "UPDATE uic_records SET asked_by = NULL WHERE id = $1";
/* $1 a record: who asked for it. */
static const char *const askers_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_asked WHERE record = $1",
    [SQL_POSTGRES] = "DELETE FROM uic_asked USING uic_records AS r, generate_series(0, 15) AS n"
                     " WHERE r.id = $1 AND record = r.id"
                     " AND who = substring(r.asked_by FROM 8 * n + 1 FOR 5)",
};
/* $1 a record, $2 an asker. */
static const char *const asker_sql[] = {
    [SQL_SQLITE] =
        "UPDATE uic_records SET asked_by ="
        " nullif(replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $2), 17), ''), '')"
        " WHERE id = $1 AND instr(asked_by, ' ' || $2)",
    [SQL_POSTGRES] = "UPDATE uic_records SET asked_by = nullif(overlay(asked_by PLACING ''"
                     " FROM position(decode($2, 'hex') IN asked_by) FOR 8), '')"
                     " WHERE id = $1 AND position(decode($2, 'hex') IN asked_by) % 8 = 1",
};
static const char asked_sql[] = "DELETE FROM uic_asked WHERE record = $1 AND who = $2";
/* $1 a hash, $2 its beginning. */
static const char names_count_sql[] =
    "SELECT (SELECT count(*) FROM uic_links WHERE user_id = $1 OR number = $1)"
    " + (SELECT count(*) FROM uic_former_ids WHERE user_id = $1)"
    " + (SELECT count(*) FROM uic_asked WHERE who = $2)";
/* $1 a number in clear, $2 sealed. */
static const char left_sql[] = "SELECT count(*) FROM uic_records WHERE phone_number IN ($1, $2)";
/* $1 a number, $2 nobody: who had it first is nobody from then on. */
static const char nobody_sql[] = "INSERT INTO uic_links (number, user_id, since, up_to)"
                                 " SELECT number, $2, since, up_to FROM uic_first_owners"
                                 " WHERE number = $1" SCHEMA_NOBODY_FIRST;
static const char others_sql[] = "DELETE FROM uic_links WHERE number = $1 AND user_id <> $2";
static const char number_sql[] = "DELETE FROM uic_links WHERE number = $1";
static const char asked_of_sql[] = "DELETE FROM uic_asked WHERE who = $1";
/* $1 a user id, $2 nobody. */
static const char elsewhere_sql[] = "INSERT INTO uic_links (number, user_id, since, up_to)"
                                    " SELECT number, $2, since, up_to FROM uic_links"
                                    " WHERE user_id = $1" SCHEMA_NOBODY_FIRST;
static const char user_id_sql[] = "DELETE FROM uic_links WHERE user_id = $1";
static const char former_sql[] = "DELETE FROM uic_former_ids WHERE former = $1 OR user_id = $1";
/* $1 a number, $2 a user id, $3 nobody: the same of one link. */
static const char link_nobody_sql[] = "INSERT INTO uic_links (number, user_id, since, up_to)"
                                      " SELECT number, $3, since, up_to FROM uic_links"
                                      " WHERE number = $1 AND user_id = $2" SCHEMA_NOBODY_FIRST;
static const char link_sql[] = "DELETE FROM uic_links WHERE number = $1 AND user_id = $2";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(replace(notes, $2, ''), $1, '')"
    " WHERE notes LIKE '%' || $1 || '%' AND (id = $3 OR $3 = 0)";

enum sql_result forget_owner(struct sql *sql, int64_t id, enum remedy remedy)
{
    return remedy == REMEDY_NONE ? SQL_DONE
                                 : sql_run(sql, remedy == REMEDY_DELETE ? delete_sql : blank_sql,
                                           SQL_VALUES(sql_number(id)), NULL);
}

enum sql_result forget_askers(struct sql *sql, int64_t id)
{
    const enum sql_result result =
        sql_run(sql, askers_sql[sql->dialect], SQL_VALUES(sql_number(id)), NULL);

    return result == SQL_DONE ? sql_run(sql, unasked_sql, SQL_VALUES(sql_number(id)), NULL)
                              : result;
}

enum sql_result forget_asker(struct sql *sql, int64_t id, const char *asker)
{
    const struct sql_value values[] = {sql_number(id), sql_text(asker)};
    char room[SCHEMA_HASH_MAX];
    int64_t changed = 1;
    enum sql_result result = SQL_DONE;

    /* A record may hold her twice. */
    while (result == SQL_DONE && changed > 0)
        result = sql_run(sql, asker_sql[sql->dialect], values, 2, &changed);
    return result == SQL_DONE
               ? sql_run(sql, asked_sql,
                         SQL_VALUES(sql_number(id), schema_digits(sql, asker, room)), NULL)
               : result;
}

const char *noted_digits(const char *phone_number)
{
    const char *digits = phone_number + (phone_number[0] == '+');

    return strlen(digits) >= RECORD_NOTED_DIGITS_MIN ? digits : NULL;
}

enum sql_result forget_notes(struct sql *sql, int64_t id, const char *phone_number)
{
    const char *digits = noted_digits(phone_number);
    const struct sql_value values[] = {sql_text(digits), sql_text(phone_number), sql_number(id)};

    return digits != NULL ? sql_run(sql, notes_sql, values, 3, NULL) : SQL_DONE;
}

enum sql_result count_names(struct sql *sql, const struct record_identifiers *person,
                            int64_t *count)
{
    char rooms[2][SCHEMA_HASH_MAX];
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < person->hash_count && result == SQL_DONE; i++) {
        const unsigned char *hash = person->hashes[i];
        int64_t some = 0;
        result = sql_run(sql, names_count_sql,
                         SQL_VALUES(schema_hash(sql, hash, RECORD_PERSON_HASH_SIZE, rooms[0]),
                                    schema_hash(sql, hash, RECORD_ASKER_SIZE, rooms[1])),
                         &some);
        *count += some;
    }
    return result;
}

/* NULL: it stands in no record. */
static const struct record_number *find_number(const struct record_identifiers *person,
                                               const unsigned char *hash)
{
    for (size_t i = 0; i < person->number_count; i++)
        if (memcmp(person->numbers[i].hash, hash, RECORD_PERSON_HASH_SIZE) == 0)
            return &person->numbers[i];
    return NULL;
}

/* A number that is hers alone goes with all its links, unless there are records of it that are not hers:
 * those are nobody's, and not the next owner's. */
static enum sql_result forget_number(struct sql *sql, const struct record_number *number,
                                     const unsigned char *hash)
{
    char rooms[2][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {schema_hash(sql, hash, RECORD_PERSON_HASH_SIZE, rooms[0]),
                                       schema_nobody(sql, rooms[1])};
    int64_t left = 0;
    enum sql_result result = SQL_DONE;

    if (number != NULL)
        result = sql_run(sql, left_sql,
                         SQL_VALUES(sql_text(number->clear), sql_text(number->sealed)), &left);
    if (result == SQL_DONE && left == 0)
        return sql_run(sql, number_sql, values, 1, NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, nobody_sql, values, 2, NULL);
    return result == SQL_DONE ? sql_run(sql, others_sql, values, 2, NULL) : result;
}

/* At numbers that are others', too, nobody takes her place. */
static enum sql_result forget_user_id(struct sql *sql, const unsigned char *hash)
{
    char rooms[2][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {schema_hash(sql, hash, RECORD_PERSON_HASH_SIZE, rooms[0]),
                                       schema_nobody(sql, rooms[1])};
    enum sql_result result = sql_run(sql, elsewhere_sql, values, 2, NULL);

    if (result == SQL_DONE)
        result = sql_run(sql, user_id_sql, values, 1, NULL);
    return result == SQL_DONE ? sql_run(sql, former_sql, values, 1, NULL) : result;
}

enum sql_result forget_names(struct sql *sql, const struct record_identifiers *person)
{
    const unsigned char *user_id;
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; result == SQL_DONE && i < person->hash_count; i++) {
        const unsigned char *hash = person->hashes[i];
        char room[SCHEMA_HASH_MAX];
        result = forget_number(sql, find_number(person, hash), hash);
        if (result == SQL_DONE)
            result = sql_run(sql, asked_of_sql,
                             SQL_VALUES(schema_hash(sql, hash, RECORD_ASKER_SIZE, room)), NULL);
    }
    for (size_t i = 0;
         result == SQL_DONE && (user_id = record_identifiers_user_id(person, i)) != NULL; i++)
        result = forget_user_id(sql, user_id);
    return result;
}

enum sql_result forget_link(struct sql *sql, const char *number, const char *user_id,
                            bool leaves_nobody)
{
    char rooms[3][SCHEMA_HASH_MAX];
    const struct sql_value values[] = {schema_digits(sql, number, rooms[0]),
                                       schema_digits(sql, user_id, rooms[1]),
                                       schema_nobody(sql, rooms[2])};
    enum sql_result result = SQL_DONE;

    if (leaves_nobody)
        result = sql_run(sql, link_nobody_sql, values, 3, NULL);
    return result == SQL_DONE ? sql_run(sql, link_sql, values, 2, NULL) : result;
}

enum sql_result forget_former(struct sql *sql, const char *former)
{
    char room[SCHEMA_HASH_MAX];

    return sql_run(sql, "DELETE FROM uic_former_ids WHERE former = $1",
                   SQL_VALUES(schema_digits(sql, former, room)), NULL);
}

enum sql_result forget_begin(struct sql *sql)
{
    return sql->dialect == SQL_SQLITE ? sql_run(sql, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL)
                                      : SQL_DONE;
}

void forget_end(struct sql *sql)
{
    if (sql->dialect == SQL_SQLITE)
        sql_run(sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NOTHING, NULL);
}
