/* In the words of both databases. */
#include "store/record_tools/forget.h"

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
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(replace(notes, $2, ''), $1, '')"
    " WHERE notes LIKE '%' || $1 || '%'";

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

enum sql_result forget_notes(struct sql *sql, const char *phone_number)
{
    const char *digits = noted_digits(phone_number);

    return digits == NULL ? SQL_DONE
                          : sql_run(sql, notes_sql,
                                    SQL_VALUES(sql_text(digits), sql_text(phone_number)), NULL);
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
