/*
 * Erasing. Numbers go as parameters, lest a server that logs statements keeps them; in a SQLite
 * file what is deleted is overwritten, in the file and in the log beside it.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/records/asker.h"
#include "store/records/erased.h"
#include "store/records/schema.h"
#include "store/records/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Old records that go in one transaction; of a person, all. */
#define OLD_AT_ONCE 500

/* Records under other numbers than $2 that remember that $1 asked, in hexadecimal digits; and what
 * makes all records forget it. */
extern const char *const asked_count_sql[], *const asked_forget_sql[];

static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL TimeZone = 'UTC'",
};

/* $1 a phone number, $2 a code, $3 a time: two of them are NULL. $4: so many at most. */
#define SELECTED "(phone_number = $1 OR uic_code = $2 OR last_requested_at < $3)"

static const char count_sql[] = "SELECT count(*) FROM uic_records WHERE " SELECTED;
static const char blank_sql[] =
    "UPDATE uic_records SET phone_number = '',"
    " asked_by = CASE WHEN uic_code = $2 THEN NULL ELSE asked_by END WHERE " SELECTED;
static const char delete_sql[] = "DELETE FROM uic_records WHERE id IN"
                                 " (SELECT id FROM uic_records WHERE " SELECTED " LIMIT $4)";
static const char notes_count_sql[] =
    "SELECT count(*) FROM uic_records WHERE notes LIKE '%' || $1 || '%' AND phone_number <> $2";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(replace(notes, $2, ''), $1, '')"
    " WHERE notes LIKE '%' || $1 || '%'";
/* Of the selected: their user ids, or for a code their answers, in hexadecimal digits. */
static const char *const users_sql[] = {
    [SQL_SQLITE] = "SELECT DISTINCT user_id FROM uic_records WHERE user_id <> '' AND " SELECTED,
    [SQL_POSTGRES] = "SELECT DISTINCT encode(user_id, 'hex') FROM uic_records"
                     " WHERE user_id <> '' AND " SELECTED,
};
static const char *const answers_sql[] = {
    [SQL_SQLITE] = "SELECT input_hash FROM uic_records WHERE " SELECTED,
    [SQL_POSTGRES] = "SELECT encode(input_hash, 'hex') FROM uic_records WHERE " SELECTED,
};
/* $1 who, in hexadecimal digits, $2 a time. */
static const char *const erased_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_erased (who, at) VALUES ($1, $2)"
                   " ON CONFLICT (who) DO UPDATE SET at = max(at, excluded.at)",
    [SQL_POSTGRES] =
        "INSERT INTO uic_erased AS e (who, at) VALUES (decode($1, 'hex'), ($2 || '+00')::timestamptz)"
        " ON CONFLICT (who) DO UPDATE SET at = greatest(e.at, excluded.at)",
};
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', $1)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES ($1, $2, $3, $4)";

struct selection {
    struct sql_value values[4]; /* of SELECTED */
    bool is_old;
    char before[RECORD_TIME_MAX]; /* as both databases read it, PostgreSQL whatever its time zone */
};

static void selection_write(struct selection *selection, const struct record_erasure *erasure)
{
    selection->is_old = erasure->phone_number == NULL && erasure->code == NULL;
    record_time_format(erasure->before_us, selection->before);
    strcat(selection->before, "+00");
    selection->values[0] = sql_text(erasure->phone_number);
    selection->values[1] = sql_text(erasure->code);
    selection->values[2] = sql_text(selection->is_old ? selection->before : NULL);
    selection->values[3] = sql_number(selection->is_old ? OLD_AT_ONCE : INT32_MAX);
}

/* Hashes of those who are being erased. */
struct whos {
    struct keyed_hash *keyed;
    bool deletes;
    size_t count, capacity;
    unsigned char (*who)[RECORD_ERASED_SIZE];
};

static int whos_add(struct whos *whos, enum erased_subject subject, const char *hash)
{
    if (whos->count == whos->capacity) {
        const size_t capacity = 2 * whos->capacity + 8;
        void *more = reallocarray(whos->who, capacity, sizeof *whos->who);
        if (more == NULL)
            return -1;
        whos->who = more;
        whos->capacity = capacity;
    }
    return erased_who(whos->keyed, subject, whos->deletes, hash, whos->who[whos->count++]);
}

/* All that the rows of a column stand for. */
static enum sql_result whos_query(struct sql *sql, struct whos *whos, enum erased_subject subject,
                                  const char *statement, const struct selection *selection)
{
    enum sql_result result = sql_query(sql, statement, selection->values, 3);

    for (; result == SQL_ROW; result = sql_next(sql))
        if (whos_add(whos, subject, sql_column(sql, 0)) != 0)
            return sql_explain(sql, SQL_FAILED, "out of memory");
    return result;
}

static enum sql_result whos_write(struct sql *sql, const struct whos *whos, int64_t at_us)
{
    char at[RECORD_TIME_MAX], who[ERASED_WHO_TEXT_MAX];
    enum sql_result result = SQL_DONE;

    record_time_format(at_us, at);
    for (size_t i = 0; i < whos->count && result == SQL_DONE; i++) {
        hex_write(whos->who[i], RECORD_ERASED_SIZE, who);
        result =
            sql_run(sql, erased_sql[sql->dialect], SQL_VALUES(sql_text(who), sql_text(at)), NULL);
    }
    return result;
}

/* The number's digits, when notes are to be searched for them. */
static const char *digits_of(const struct record_erasure *erasure)
{
    const char *digits = erasure->phone_number;

    if (digits != NULL && *digits == '+')
        digits++;
    return digits != NULL && strlen(digits) >= RECORD_NOTED_DIGITS_MIN ? digits : NULL;
}

#define ASKER_TEXT_MAX (2 * RECORD_ASKER_NUMBER_SIZE + 1)

/* The hash that stands for the number where it asked, in hexadecimal digits. */
static enum sql_result asker_write(struct sql *sql, const struct record_erasure *erasure,
                                   char asker[ASKER_TEXT_MAX])
{
    struct keyed_hash *keyed = keyed_hash_create(erasure->asker_key);
    unsigned char hash[RECORD_ASKER_NUMBER_SIZE];
    const int status = keyed != NULL ? record_asker_number(keyed, erasure->phone_number, hash) : -1;

    keyed_hash_free(keyed);
    if (status != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    hex_write(hash, sizeof hash, asker);
    return SQL_DONE;
}

/* Runs a statement with that hash as $1, and the number itself as $2 if it has two values. */
static enum sql_result asker_run(struct sql *sql, const char *statement, int count,
                                 const struct record_erasure *erasure, int64_t *number)
{
    char asker[ASKER_TEXT_MAX];

    if (asker_write(sql, erasure, asker) != SQL_DONE)
        return SQL_FAILED;
    const struct sql_value values[] = {sql_text(asker), sql_text(erasure->phone_number)};
    return sql_run(sql, statement, values, count, number);
}

int record_erase_count(const char *url, const struct record_erasure *erasure,
                       struct record_erased *found, char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);
    const char *digits = digits_of(erasure);
    struct selection selection;

    *found = (struct record_erased){0};
    if (sql == NULL)
        return -1;
    selection_write(&selection, erasure);
    enum sql_result result = sql_run(sql, count_sql, selection.values, 3, &found->records);
    if (result == SQL_DONE && erasure->phone_number != NULL)
        result = asker_run(sql, asked_count_sql[sql->dialect], 2, erasure, &found->asked);
    if (result == SQL_DONE && digits != NULL)
        result =
            sql_run(sql, notes_count_sql,
                    SQL_VALUES(sql_text(digits), sql_text(erasure->phone_number)), &found->notes);
    return sql_finish(sql, result, error);
}

static enum sql_result audit_write(struct sql *sql, const struct record_erasure *erasure,
                                   bool is_old, int64_t records)
{
    const char *action = is_old ? "retention" : erasure->delete ? "code deleted" : "number removed";
    char now[RECORD_TIME_MAX];

    record_time_format(erasure->now_us, now);
    return sql_run(sql, audit_sql,
                   SQL_VALUES(sql_text(now), sql_text(action),
                              sql_number(records + erasure->elsewhere), sql_text(erasure->author)),
                   NULL);
}

/* A number with its user ids, or the answers of a code. */
static enum sql_result whos_find(struct sql *sql, struct whos *whos,
                                 const struct record_erasure *erasure,
                                 const struct selection *selection)
{
    char asker[ASKER_TEXT_MAX];

    if (erasure->code != NULL)
        return whos_query(sql, whos, ERASED_ANSWERS, answers_sql[sql->dialect], selection);
    if (asker_write(sql, erasure, asker) != SQL_DONE)
        return SQL_FAILED;
    if (whos_add(whos, ERASED_NUMBER, asker) != 0)
        return sql_explain(sql, SQL_FAILED, "out of memory");
    return whos_query(sql, whos, ERASED_USER, users_sql[sql->dialect], selection);
}

/* Notes who is being erased, before it is done. PostgreSQL's list is locked from then on: what the
 * outbox brings is either there already, and goes with the rest, or waits and finds the note. */
static enum sql_result list_write(struct sql *sql, const struct record_erasure *erasure,
                                  const struct selection *selection)
{
    struct whos whos = {.keyed = keyed_hash_create(erasure->erased_key),
                        .deletes = erasure->delete};
    enum sql_result result = SQL_DONE;

    if (whos.keyed == NULL)
        result = sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    else if (sql->dialect == SQL_POSTGRES)
        result = sql_run(sql, "LOCK TABLE uic_erased IN EXCLUSIVE MODE", SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        result = whos_find(sql, &whos, erasure, selection);
    if (result == SQL_DONE)
        result = whos_write(sql, &whos, erasure->erased_us);
    keyed_hash_free(whos.keyed);
    free(whos.who);
    return result;
}

/* Inside a transaction. What takes long comes before the list is locked. */
static enum sql_result step(struct sql *sql, const struct record_erasure *erasure,
                            const struct selection *selection, int64_t *records)
{
    const bool deletes = erasure->delete || selection->is_old;
    const char *digits = digits_of(erasure);
    int64_t asked = 0;
    enum sql_result result = SQL_DONE;

    if (erasure->phone_number != NULL)
        result = asker_run(sql, asked_forget_sql[sql->dialect], 1, erasure, &asked);
    if (result == SQL_DONE && digits != NULL)
        result = sql_run(sql, notes_sql,
                         SQL_VALUES(sql_text(digits), sql_text(erasure->phone_number)), NULL);
    if (result == SQL_DONE && !selection->is_old)
        result = list_write(sql, erasure, selection);
    if (result == SQL_DONE)
        result = sql_run(sql, deletes ? delete_sql : blank_sql, selection->values, deletes ? 4 : 3,
                         records);
    if (result == SQL_DONE && *records + asked + erasure->elsewhere > 0)
        result = audit_write(sql, erasure, selection->is_old, *records);
    return result;
}

static enum sql_result erase(struct sql *sql, const struct record_erasure *erasure,
                             int64_t *records)
{
    struct selection selection;
    int64_t some = 0;
    enum sql_result result = sql->dialect == SQL_SQLITE
                                 ? sql_run(sql, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL)
                                 : SQL_DONE;

    selection_write(&selection, erasure);
    do {
        if (result == SQL_DONE)
            result = sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL);
        if (result == SQL_DONE)
            result = step(sql, erasure, &selection, &some);
        result = sql_end(sql, result);
        *records += result == SQL_DONE ? some : 0;
    } while (result == SQL_DONE && selection.is_old && some > 0);
    if (result == SQL_DONE && erasure->trusts)
        result = sql_run(sql, trust_sql, SQL_VALUES(sql_number(erasure->now_us)), NULL);
    return result;
}

int record_erase(const char *url, const struct record_erasure *erasure, int64_t *records,
                 char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);

    *records = 0;
    if (sql == NULL)
        return -1;
    const enum sql_result result = erase(sql, erasure, records);
    const int status = result == SQL_DONE ? 0 : sql_fail(sql, error);
    if (sql->dialect == SQL_SQLITE)
        sql_run(sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NOTHING, NULL);
    sql_close(sql);
    return status;
}
