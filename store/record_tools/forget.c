/* In the words of both databases. */
#include "store/record_tools/forget.h"

#include "store/base/hex.h"
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
/* $1 a record, $2 who. */
static const char *const asker_sql[] = {
    [SQL_SQLITE] =
        "UPDATE uic_records SET asked_by ="
        " nullif(replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $2), 17), ''), '')"
        " WHERE id = $1 AND instr(asked_by, ' ' || $2)",
    [SQL_POSTGRES] = "UPDATE uic_records SET asked_by = nullif(overlay(asked_by PLACING ''"
                     " FROM position(decode($2, 'hex') IN asked_by) FOR 8), '')"
                     " WHERE id = $1 AND position(decode($2, 'hex') IN asked_by) % 8 = 1",
};
static const char *const asked_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_asked WHERE record = $1 AND who = $2",
    [SQL_POSTGRES] = "DELETE FROM uic_asked WHERE record = $1 AND who = decode($2, 'hex')",
};
/* $1 a hash, $2 its beginning. */
static const char *const names_count_sql[] = {
    [SQL_SQLITE] = "SELECT (SELECT count(*) FROM uic_links WHERE user_id = $1 OR number = $1)"
                   " + (SELECT count(*) FROM uic_asked WHERE who = $2)",
    [SQL_POSTGRES] = "SELECT (SELECT count(*) FROM uic_links"
                     " WHERE user_id = decode($1, 'hex') OR number = decode($1, 'hex'))"
                     " + (SELECT count(*) FROM uic_asked WHERE who = decode($2, 'hex'))",
};
/* A number that is hers alone goes with all its links. At others a user id of zeros takes her place:
 * that of nobody. */
static const char *const names_sql[][4] = {
    [SQL_SQLITE] = {"DELETE FROM uic_links WHERE number = $1",
                    "DELETE FROM uic_asked WHERE who = $1",
                    "INSERT INTO uic_links (number, user_id, since, up_to) SELECT number,"
                    " '" SCHEMA_NOBODY "', since, up_to FROM uic_links"
                    " WHERE user_id = $1" SCHEMA_NOBODY_FIRST,
                    "DELETE FROM uic_links WHERE user_id = $1"},
    [SQL_POSTGRES] = {"DELETE FROM uic_links WHERE number = decode($1, 'hex')",
                      "DELETE FROM uic_asked WHERE who = decode($1, 'hex')",
                      "INSERT INTO uic_links (number, user_id, since, up_to) SELECT number,"
                      " decode('" SCHEMA_NOBODY "', 'hex'), since, up_to"
                      " FROM uic_links WHERE user_id = decode($1, 'hex')" SCHEMA_NOBODY_FIRST,
                      "DELETE FROM uic_links WHERE user_id = decode($1, 'hex')"},
};
_Static_assert(sizeof SCHEMA_NOBODY == 2 * RECORD_USER_ID_SIZE + 1, "as any user id");
/* $1 a number, $2 a user id: the same of one link. */
static const char *const link_sql[][2] = {
    [SQL_SQLITE] = {"INSERT INTO uic_links (number, user_id, since, up_to) SELECT number,"
                    " '" SCHEMA_NOBODY "', since, up_to FROM uic_links"
                    " WHERE number = $1 AND user_id = $2" SCHEMA_NOBODY_FIRST,
                    "DELETE FROM uic_links WHERE number = $1 AND user_id = $2"},
    [SQL_POSTGRES] =
        {"INSERT INTO uic_links (number, user_id, since, up_to) SELECT number,"
         " decode('" SCHEMA_NOBODY "', 'hex'), since, up_to FROM uic_links"
         " WHERE number = decode($1, 'hex') AND user_id = decode($2, 'hex')" SCHEMA_NOBODY_FIRST,
         "DELETE FROM uic_links WHERE number = decode($1, 'hex')"
         " AND user_id = decode($2, 'hex')"},
};
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

enum sql_result forget_asker(struct sql *sql, int64_t id, const char *who)
{
    const struct sql_value values[] = {sql_number(id), sql_text(who)};
    int64_t changed = 1;
    enum sql_result result = SQL_DONE;

    /* A record may hold her twice. */
    while (result == SQL_DONE && changed > 0)
        result = sql_run(sql, asker_sql[sql->dialect], values, 2, &changed);
    return result == SQL_DONE ? sql_run(sql, asked_sql[sql->dialect], values, 2, NULL) : result;
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
    char hash[2 * RECORD_USER_ID_SIZE + 1], who[2 * RECORD_IDENTITY_SIZE + 1];
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < person->hash_count && result == SQL_DONE; i++) {
        int64_t some = 0;
        hex_write(person->hashes[i], RECORD_USER_ID_SIZE, hash);
        hex_write(person->hashes[i], RECORD_IDENTITY_SIZE, who);
        result = sql_run(sql, names_count_sql[sql->dialect],
                         SQL_VALUES(sql_text(hash), sql_text(who)), &some);
        *count += some;
    }
    return result;
}

enum sql_result forget_names(struct sql *sql, const struct record_identifiers *person)
{
    const char *const *statements = names_sql[sql->dialect];
    char hash[2 * RECORD_USER_ID_SIZE + 1], who[2 * RECORD_IDENTITY_SIZE + 1];
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; result == SQL_DONE && i < person->hash_count; i++) {
        hex_write(person->hashes[i], RECORD_USER_ID_SIZE, hash);
        hex_write(person->hashes[i], RECORD_IDENTITY_SIZE, who);
        result = sql_run(sql, statements[0], SQL_VALUES(sql_text(hash)), NULL);
        if (result == SQL_DONE)
            result = sql_run(sql, statements[1], SQL_VALUES(sql_text(who)), NULL);
    }
    for (size_t i = 0; result == SQL_DONE && i < person->user_id_count; i++) {
        hex_write(person->user_ids[i].hash, RECORD_USER_ID_SIZE, hash);
        result = sql_run(sql, statements[2], SQL_VALUES(sql_text(hash)), NULL);
        if (result == SQL_DONE)
            result = sql_run(sql, statements[3], SQL_VALUES(sql_text(hash)), NULL);
    }
    return result;
}

enum sql_result forget_link(struct sql *sql, const char *number, const char *user_id,
                            bool leaves_nobody)
{
    const struct sql_value values[] = {sql_text(number), sql_text(user_id)};
    enum sql_result result = SQL_DONE;

    if (leaves_nobody)
        result = sql_run(sql, link_sql[sql->dialect][0], values, 2, NULL);
    return result == SQL_DONE ? sql_run(sql, link_sql[sql->dialect][1], values, 2, NULL) : result;
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
