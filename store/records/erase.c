/*
 * Erasing. Numbers go as parameters, lest a server that logs statements keeps them; in a SQLite
 * file what is deleted is overwritten, in the file and in the log beside it.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/asker.h"
#include "store/records/schema.h"
#include "store/records/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits that a number must have to be looked for in notes: fewer are found in many dates. */
#define DIGITS_MIN 8

extern const char asked_count_postgres_sql[], asked_count_sqlite_sql[];
extern const char asked_forget_postgres_sql[], asked_forget_sqlite_sql[];

/* Records under other numbers than $2 that remember that $1 asked, in hexadecimal digits; and what
 * makes all records forget it. */
static const char *const asked_count_sql[] = {
    [SQL_SQLITE] = asked_count_sqlite_sql,
    [SQL_POSTGRES] = asked_count_postgres_sql,
};
static const char *const asked_forget_sql[] = {
    [SQL_SQLITE] = asked_forget_sqlite_sql,
    [SQL_POSTGRES] = asked_forget_postgres_sql,
};
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL TimeZone = 'UTC'",
};

/* Each takes what selects as $1. */
enum selection { BY_PHONE, BY_CODE, BY_AGE };

static const char *const count_sql[] = {
    [BY_PHONE] = "SELECT count(*) FROM uic_records WHERE phone_number = $1",
    [BY_CODE] = "SELECT count(*) FROM uic_records WHERE uic_code = $1",
    [BY_AGE] = "SELECT count(*) FROM uic_records WHERE last_requested_at < $1",
};
static const char *const blank_sql[] = {
    [BY_PHONE] = "UPDATE uic_records SET phone_number = '' WHERE phone_number = $1",
    [BY_CODE] = "UPDATE uic_records SET phone_number = '', asked_by = NULL WHERE uic_code = $1",
};
static const char *const delete_sql[] = {
    [BY_PHONE] = "DELETE FROM uic_records WHERE phone_number = $1",
    [BY_CODE] = "DELETE FROM uic_records WHERE uic_code = $1",
    [BY_AGE] = "DELETE FROM uic_records WHERE id IN"
               " (SELECT id FROM uic_records WHERE last_requested_at < $1 LIMIT 500)",
};
static const char notes_count_sql[] =
    "SELECT count(*) FROM uic_records WHERE notes LIKE '%' || $1 || '%' AND phone_number <> $2";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(notes, $1, '') WHERE notes LIKE '%' || $1 || '%'";
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', $1)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES ($1, $2, $3, $4)";

struct record_eraser {
    struct sql *sql;
};

struct record_eraser *record_eraser_open(const char *url, char error[STORE_ERROR_MAX])
{
    struct record_eraser *eraser = calloc(1, sizeof *eraser);

    if (eraser == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    eraser->sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (eraser->sql != NULL &&
        (eraser->sql->dialect == SQL_POSTGRES ||
         sql_run(eraser->sql, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL) == SQL_DONE))
        return eraser;
    if (eraser->sql != NULL)
        sql_fail(eraser->sql, error);
    record_eraser_close(eraser);
    return NULL;
}

void record_eraser_close(struct record_eraser *eraser)
{
    if (eraser == NULL)
        return;
    if (eraser->sql != NULL && eraser->sql->dialect == SQL_SQLITE)
        sql_run(eraser->sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NOTHING, NULL);
    sql_close(eraser->sql);
    free(eraser);
}

/* Returns by what it selects, and the value: a time as both databases read it, PostgreSQL whatever
 * its time zone. */
static enum selection selection_of(const struct record_erasure *erasure, const char **value,
                                   char time[RECORD_TIME_MAX])
{
    *value = erasure->phone_number ? erasure->phone_number : erasure->code;
    if (*value != NULL)
        return erasure->phone_number ? BY_PHONE : BY_CODE;
    record_time_format(erasure->before_us, time);
    *value = strcat(time, "+00");
    return BY_AGE;
}

/* The number's digits, when notes are to be searched for them. */
static const char *digits_of(const struct record_erasure *erasure)
{
    const char *digits = erasure->phone_number;

    if (digits != NULL && *digits == '+')
        digits++;
    return digits != NULL && strlen(digits) >= DIGITS_MIN ? digits : NULL;
}

/* Runs a statement with the hash that stands for the number where it asked, in hexadecimal digits,
 * as $1, and the number itself as $2 if it has two values. */
static enum sql_result asker_run(struct sql *sql, const char *statement, int count,
                                 const struct record_erasure *erasure, int64_t *number)
{
    struct record_asker *hashes = record_asker_create(erasure->asker_key);
    unsigned char hash[RECORD_ASKER_NUMBER_SIZE];
    char asker[2 * sizeof hash + 1];
    int status = hashes != NULL ? record_asker_number(hashes, erasure->phone_number, hash) : -1;

    record_asker_free(hashes);
    if (status != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    hex_write(hash, sizeof hash, asker);
    const struct sql_value values[] = {sql_text(asker), sql_text(erasure->phone_number)};
    return sql_run(sql, statement, values, count, number);
}

int record_eraser_count(struct record_eraser *eraser, const struct record_erasure *erasure,
                        struct record_erased *found, char error[STORE_ERROR_MAX])
{
    struct sql *sql = eraser->sql;
    const char *value, *digits = digits_of(erasure);
    char time[RECORD_TIME_MAX];
    enum selection by = selection_of(erasure, &value, time);
    enum sql_result result;

    *found = (struct record_erased){0};
    result = sql_run(sql, count_sql[by], SQL_VALUES(sql_text(value)), &found->records);
    if (result == SQL_DONE && by == BY_PHONE)
        result = asker_run(sql, asked_count_sql[sql->dialect], 2, erasure, &found->asked);
    if (result == SQL_DONE && digits != NULL)
        result = sql_run(sql, notes_count_sql, SQL_VALUES(sql_text(digits), sql_text(value)),
                         &found->notes);
    return result == SQL_DONE ? 0 : sql_fail(sql, error);
}

static enum sql_result audit_write(struct sql *sql, const struct record_erasure *erasure,
                                   enum selection by, int64_t records)
{
    const char *action = by == BY_AGE      ? "retention"
                         : erasure->delete ? "code deleted"
                                           : "number removed";
    char now[RECORD_TIME_MAX];

    record_time_format(erasure->now_us, now);
    return sql_run(sql, audit_sql,
                   SQL_VALUES(sql_text(now), sql_text(action),
                              sql_number(records + erasure->elsewhere), sql_text(erasure->author)),
                   NULL);
}

static enum sql_result notes_clean(struct sql *sql, const struct record_erasure *erasure)
{
    const char *digits = digits_of(erasure);
    enum sql_result result = SQL_DONE;

    if (digits != NULL)
        result = sql_run(sql, notes_sql, SQL_VALUES(sql_text(erasure->phone_number)), NULL);
    return digits != NULL && result == SQL_DONE
               ? sql_run(sql, notes_sql, SQL_VALUES(sql_text(digits)), NULL)
               : result;
}

/* Inside a transaction. */
static enum sql_result step(struct sql *sql, const struct record_erasure *erasure,
                            enum selection by, const char *value, int64_t *records)
{
    const bool delete = erasure->delete || by == BY_AGE;
    int64_t asked = 0;
    enum sql_result result =
        sql_run(sql, delete ? delete_sql[by] : blank_sql[by], SQL_VALUES(sql_text(value)), records);

    if (result == SQL_DONE && by == BY_PHONE)
        result = asker_run(sql, asked_forget_sql[sql->dialect], 1, erasure, &asked);
    if (result == SQL_DONE)
        result = notes_clean(sql, erasure);
    if (result == SQL_DONE && *records + asked + erasure->elsewhere > 0)
        result = audit_write(sql, erasure, by, *records);
    return result == SQL_DONE ? sql_run(sql, "COMMIT", SQL_NOTHING, NULL) : result;
}

int record_eraser_erase(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *records, char error[STORE_ERROR_MAX])
{
    struct sql *sql = eraser->sql;
    char time[RECORD_TIME_MAX];
    const char *value;
    enum selection by = selection_of(erasure, &value, time);
    int64_t some = 0;

    *records = 0;
    do {
        if (sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL) != SQL_DONE)
            return sql_fail(sql, error);
        if (step(sql, erasure, by, value, &some) != SQL_DONE) {
            sql_fail(sql, error);
            sql_run(sql, "ROLLBACK", SQL_NOTHING, NULL);
            return -1;
        }
        *records += some;
    } while (by == BY_AGE && some > 0);
    return 0;
}

int record_eraser_trust(struct record_eraser *eraser, int64_t now_us, char error[STORE_ERROR_MAX])
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)now_us);
    return sql_run(eraser->sql, trust_sql, SQL_VALUES(sql_text(text)), NULL) == SQL_DONE
               ? 0
               : sql_fail(eraser->sql, error);
}
