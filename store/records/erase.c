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
#include <string.h>

/* Digits that a number must have to be looked for in notes: fewer are found in many dates. */
#define DIGITS_MIN 8
/* Old records that go in one transaction; of a person, all. */
#define OLD_AT_ONCE 500

/* Records neither under the number $2, sealed $4, nor of one of the user ids $3 that remember that $1 asked, in
 * hexadecimal digits; and what makes all records forget it. */
extern const char *const asked_count_sql[], *const asked_forget_sql[];

static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL TimeZone = 'UTC'",
};

/* $1 a phone number, $2 a code, $3 a time: two of them are NULL. With a number, $4 hashes of user ids
 * in hexadecimal digits, $5 another number of theirs, or NULL. $6 and $7 both numbers sealed. $8: so many at
 * most. */
#define SELECTED(linked) \
    "(phone_number IN ($1, $5, $6, $7) OR uic_code = $2 OR last_requested_at < $3 OR " linked ")"
#define LINKED_SQLITE "instr($4, user_id)"
#define LINKED_POSTGRES "position(encode(user_id, 'hex') IN $4) > 0"
#define STATEMENTS(before, behind)                                \
    {                                                             \
        [SQL_SQLITE] = before SELECTED(LINKED_SQLITE) behind,     \
        [SQL_POSTGRES] = before SELECTED(LINKED_POSTGRES) behind, \
    }

static const char *const count_sql[] = STATEMENTS("SELECT count(*) FROM uic_records WHERE ", "");
static const char *const blank_sql[] =
    STATEMENTS("UPDATE uic_records SET phone_number = '', user_id = NULL,"
               " asked_by = CASE WHEN uic_code = $2 THEN NULL ELSE asked_by END WHERE ",
               "");
static const char *const delete_sql[] = STATEMENTS(
    "DELETE FROM uic_records WHERE id IN (SELECT id FROM uic_records WHERE ", " LIMIT $8)");
static const char notes_count_sql[] =
    "SELECT count(*) FROM uic_records WHERE notes LIKE '%' || $1 || '%' AND phone_number NOT IN ($2, $3)";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(replace(notes, $2, ''), $1, '')"
    " WHERE notes LIKE '%' || $1 || '%'";
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', $1)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES ($1, $2, $3, $4)";

struct selection {
    struct sql_value values[8]; /* of SELECTED */
    bool is_old;
    char user_ids[RECORD_LINKS_MAX * (2 * RECORD_USER_ID_SIZE + 1) + 1];
    char before[RECORD_TIME_MAX]; /* as both databases read it, PostgreSQL whatever its time zone */
};

/* With a space before each. */
static void user_ids_write(char *text, const struct record_links *links)
{
    for (size_t i = 0; i < links->count; i++, text += 1 + 2 * RECORD_USER_ID_SIZE) {
        *text = ' ';
        hex_write(links->user_ids[i], RECORD_USER_ID_SIZE, text + 1);
    }
}

static void selection_write(struct selection *selection, const struct record_erasure *erasure)
{
    const struct record_links *links = erasure->links;
    const bool has_number = links != NULL && links->phone_number[0] != '\0';

    selection->user_ids[0] = '\0';
    if (links != NULL)
        user_ids_write(selection->user_ids, links);
    selection->is_old = erasure->phone_number == NULL && erasure->code == NULL;
    record_time_format(erasure->before_us, selection->before);
    strcat(selection->before, "+00");
    selection->values[0] = sql_text(erasure->phone_number);
    selection->values[1] = sql_text(erasure->code);
    selection->values[2] = sql_text(selection->is_old ? selection->before : NULL);
    selection->values[3] = sql_text(links != NULL ? selection->user_ids : NULL);
    selection->values[4] = sql_text(has_number ? links->phone_number : NULL);
    selection->values[5] = sql_text(erasure->phone_number != NULL ? erasure->sealed_number : NULL);
    selection->values[6] = sql_text(has_number ? links->sealed_number : NULL);
    selection->values[7] = sql_number(selection->is_old ? OLD_AT_ONCE : INT32_MAX);
}

/* The number's digits, when notes are to be searched for them. */
static const char *digits_of(const char *digits)
{
    if (digits != NULL && *digits == '+')
        digits++;
    return digits != NULL && strlen(digits) >= DIGITS_MIN ? digits : NULL;
}

/* Runs a statement once for each of the hashes that stand for the person where she asked: with it, in
 * hexadecimal digits, as $1, and as $2 to $4 what whose records are hers. Sums up. */
static enum sql_result asker_run(struct sql *sql, const char *statement, int count,
                                 const struct record_erasure *erasure,
                                 const struct selection *selection, int64_t *number)
{
    const struct record_links *links = erasure->links;
    const char *numbers[] = {erasure->phone_number, links != NULL ? links->phone_number : ""};
    unsigned char hashes[2 + RECORD_LINKS_MAX][RECORD_IDENTITY_SIZE];
    struct keyed_hash *keyed = keyed_hash_create(erasure->asker_key);
    char asker[2 * RECORD_IDENTITY_SIZE + 1];
    size_t hash_count = 0;
    int status = keyed != NULL ? 0 : -1;

    for (size_t i = 0; status == 0 && i < 2; i++)
        if (numbers[i][0] != '\0')
            status = record_asker_number(keyed, numbers[i], hashes[hash_count++]);
    keyed_hash_free(keyed);
    if (status != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    /* A user id that was given as such stands there already. */
    for (size_t i = 0; links != NULL && i < links->count; i++)
        if (memcmp(hashes[0], links->user_ids[i], RECORD_IDENTITY_SIZE) != 0)
            memcpy(hashes[hash_count++], links->user_ids[i], RECORD_IDENTITY_SIZE);
    enum sql_result result = SQL_DONE;
    for (size_t i = 0; result == SQL_DONE && i < hash_count; i++) {
        int64_t some = 0;
        hex_write(hashes[i], RECORD_IDENTITY_SIZE, asker);
        const struct sql_value values[] = {sql_text(asker), sql_text(erasure->phone_number),
                                           sql_text(selection->user_ids),
                                           sql_text(erasure->sealed_number)};
        result = sql_run(sql, statement, values, count, &some);
        *number += some;
    }
    return result;
}

/* Runs a statement for each of the person's numbers that notes are searched for, with its digits as $1,
 * and as $2 and $3 the number in clear and sealed, if it has so many. Sums up. */
static enum sql_result notes_run(struct sql *sql, const char *statement, int count,
                                 const struct record_erasure *erasure, int64_t *number)
{
    const struct record_links *links = erasure->links;
    const char *numbers[] = {erasure->phone_number, links != NULL ? links->phone_number : NULL};
    const char *sealed[] = {erasure->sealed_number, links != NULL ? links->sealed_number : NULL};
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; result == SQL_DONE && i < 2; i++) {
        const char *digits = digits_of(numbers[i]);
        const struct sql_value values[] = {sql_text(digits), sql_text(numbers[i]),
                                           sql_text(sealed[i])};
        int64_t some = 0;
        if (digits != NULL)
            result = sql_run(sql, statement, values, count, &some);
        *number += some;
    }
    return result;
}

int record_erase_count(const char *url, const struct record_erasure *erasure,
                       struct record_erased *found, char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);
    struct selection selection;

    *found = (struct record_erased){0};
    if (sql == NULL)
        return -1;
    selection_write(&selection, erasure);
    enum sql_result result =
        sql_run(sql, count_sql[sql->dialect], selection.values, 7, &found->records);
    if (result == SQL_DONE && erasure->phone_number != NULL)
        result =
            asker_run(sql, asked_count_sql[sql->dialect], 4, erasure, &selection, &found->asked);
    if (result == SQL_DONE)
        result = notes_run(sql, notes_count_sql, 3, erasure, &found->notes);
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

/* Inside a transaction. */
static enum sql_result step(struct sql *sql, const struct record_erasure *erasure,
                            const struct selection *selection, int64_t *records)
{
    const bool deletes = erasure->delete || selection->is_old;
    int64_t asked = 0, notes = 0;
    enum sql_result result = sql_run(sql, (deletes ? delete_sql : blank_sql)[sql->dialect],
                                     selection->values, deletes ? 8 : 7, records);

    if (result == SQL_DONE && erasure->phone_number != NULL)
        result = asker_run(sql, asked_forget_sql[sql->dialect], 1, erasure, selection, &asked);
    if (result == SQL_DONE)
        result = notes_run(sql, notes_sql, 2, erasure, &notes);
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
