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

static int run(struct record_eraser *eraser, const char *statement, const struct sql_value *values,
               int count, int64_t *number, char error[STORE_ERROR_MAX])
{
    if (sql_run(eraser->sql, statement, values, count, number) == SQL_DONE)
        return 0;
    snprintf(error, STORE_ERROR_MAX, "%s", eraser->sql->error);
    return -1;
}

struct record_eraser *record_eraser_open(const char *url, char error[STORE_ERROR_MAX])
{
    struct record_eraser *eraser = calloc(1, sizeof *eraser);

    if (!eraser) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    eraser->sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (eraser->sql && (eraser->sql->dialect == SQL_POSTGRES ||
                        run(eraser, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL, error) == 0))
        return eraser;
    record_eraser_close(eraser);
    return NULL;
}

void record_eraser_close(struct record_eraser *eraser)
{
    if (!eraser)
        return;
    if (eraser->sql && eraser->sql->dialect == SQL_SQLITE)
        sql_run(eraser->sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NOTHING, NULL);
    sql_close(eraser->sql);
    free(eraser);
}

/* A time as both databases read it, PostgreSQL whatever its time zone. */
static void time_write(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    record_time_format(unix_us, text);
    strcat(text, "+00");
}

static enum selection selection_of(const struct record_erasure *erasure, const char **value,
                                   char time[RECORD_TIME_MAX])
{
    if (erasure->phone_number || erasure->code) {
        *value = erasure->phone_number ? erasure->phone_number : erasure->code;
        return erasure->phone_number ? BY_PHONE : BY_CODE;
    }
    time_write(erasure->before_us, time);
    *value = time;
    return BY_AGE;
}

/* The number's digits, when notes are to be searched for them. */
static const char *digits_of(const struct record_erasure *erasure)
{
    const char *digits = erasure->phone_number;

    if (digits && *digits == '+')
        digits++;
    return digits && strlen(digits) >= DIGITS_MIN ? digits : NULL;
}

/* The hash that stands for the number where it asked, in hexadecimal digits. */
static int asker_of(const struct record_erasure *erasure,
                    char asker[2 * RECORD_ASKER_NUMBER_SIZE + 1], char error[STORE_ERROR_MAX])
{
    struct record_asker *hasher = record_asker_create(erasure->asker_key);
    unsigned char number[RECORD_ASKER_NUMBER_SIZE];
    int status = hasher ? record_asker_number(hasher, erasure->phone_number, number) : -1;

    if (status == 0)
        hex_write(number, sizeof number, asker);
    else
        snprintf(error, STORE_ERROR_MAX, "the cryptographic library fails");
    record_asker_free(hasher);
    return status;
}

int record_eraser_count(struct record_eraser *eraser, const struct record_erasure *erasure,
                        struct record_erased *found, char error[STORE_ERROR_MAX])
{
    char time[RECORD_TIME_MAX], asker[2 * RECORD_ASKER_NUMBER_SIZE + 1];
    const char *value, *phone = erasure->phone_number, *digits = digits_of(erasure);
    enum selection by = selection_of(erasure, &value, time);

    *found = (struct record_erased){0};
    if (run(eraser, count_sql[by], SQL_VALUES(sql_text(value)), &found->records, error) != 0)
        return -1;
    if (by == BY_PHONE &&
        (asker_of(erasure, asker, error) != 0 ||
         run(eraser, asked_count_sql[eraser->sql->dialect],
             SQL_VALUES(sql_text(asker), sql_text(phone)), &found->asked, error) != 0))
        return -1;
    if (!digits)
        return 0;
    return run(eraser, notes_count_sql, SQL_VALUES(sql_text(digits), sql_text(phone)),
               &found->notes, error);
}

/* No record remembers any more that the number asked for it. */
static int asked_forget(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *asked, char error[STORE_ERROR_MAX])
{
    char asker[2 * RECORD_ASKER_NUMBER_SIZE + 1];

    *asked = 0;
    if (!erasure->phone_number)
        return 0;
    if (asker_of(erasure, asker, error) != 0)
        return -1;
    return run(eraser, asked_forget_sql[eraser->sql->dialect], SQL_VALUES(sql_text(asker)), asked,
               error);
}

static int audit_write(struct record_eraser *eraser, const struct record_erasure *erasure,
                       const char *action, int64_t records, char error[STORE_ERROR_MAX])
{
    char now[RECORD_TIME_MAX];

    record_time_format(erasure->now_us, now);
    return run(eraser, audit_sql,
               SQL_VALUES(sql_text(now), sql_text(action), sql_number(records + erasure->elsewhere),
                          sql_text(erasure->author)),
               NULL, error);
}

static int notes_clean(struct record_eraser *eraser, const struct record_erasure *erasure,
                       char error[STORE_ERROR_MAX])
{
    const char *digits = digits_of(erasure);

    if (!digits)
        return 0;
    if (run(eraser, notes_sql, SQL_VALUES(sql_text(erasure->phone_number)), NULL, error) != 0)
        return -1;
    return run(eraser, notes_sql, SQL_VALUES(sql_text(digits)), NULL, error);
}

/* One transaction. */
static int step(struct record_eraser *eraser, const struct record_erasure *erasure,
                enum selection by, const char *value, int64_t *records, char error[STORE_ERROR_MAX])
{
    bool delete = erasure->delete || by == BY_AGE;
    const char *action = by == BY_AGE ? "retention" : delete ? "code deleted" : "number removed";
    char unused[STORE_ERROR_MAX];
    int64_t asked;

    if (run(eraser, begin_sql[eraser->sql->dialect], SQL_NOTHING, NULL, error) != 0)
        return -1;
    if (run(eraser, delete ? delete_sql[by] : blank_sql[by], SQL_VALUES(sql_text(value)), records,
            error) == 0 &&
        asked_forget(eraser, erasure, &asked, error) == 0 &&
        notes_clean(eraser, erasure, error) == 0 &&
        (*records + asked + erasure->elsewhere == 0 ||
         audit_write(eraser, erasure, action, *records, error) == 0) &&
        run(eraser, "COMMIT", SQL_NOTHING, NULL, error) == 0)
        return 0;
    run(eraser, "ROLLBACK", SQL_NOTHING, NULL, unused);
    return -1;
}

int record_eraser_erase(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *records, char error[STORE_ERROR_MAX])
{
    char time[RECORD_TIME_MAX];
    const char *value;
    enum selection by = selection_of(erasure, &value, time);
    int64_t some;

    *records = 0;
    do {
        if (step(eraser, erasure, by, value, &some, error) != 0)
            return -1;
        *records += some;
    } while (by == BY_AGE && some > 0);
    return 0;
}

int record_eraser_trust(struct record_eraser *eraser, int64_t now_us, char error[STORE_ERROR_MAX])
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)now_us);
    return run(eraser, trust_sql, SQL_VALUES(sql_text(text)), NULL, error);
}
