/*
 * Erasing: a person, a code, or what is old. Numbers go as parameters, lest a server that logs
 * statements keeps them.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/record_tools/erased_list.h"
#include "store/record_tools/forget.h"
#include "store/record_tools/select.h"
#include "store/records/audit.h"
#include "store/records/schema.h"
#include "store/records/store.h"

#include <stdlib.h>
#include <string.h>

/* Old records that go in one transaction; of a person, all. */
#define OLD_AT_ONCE "500"

static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL TimeZone = 'UTC'",
};
/* $1 a time, as both databases read it. */
static const char old_count_sql[] = "SELECT count(*) FROM uic_records WHERE last_requested_at < $1";
static const char old_delete_sql[] =
    "DELETE FROM uic_records WHERE id IN"
    " (SELECT id FROM uic_records WHERE last_requested_at < $1 LIMIT " OLD_AT_ONCE ")";
/* $1 an asker, in hexadecimal digits: which records remember that she asked. */
static const char *const asked_sql[] = {
    [SQL_SQLITE] = "SELECT id FROM uic_records WHERE instr(asked_by, ' ' || $1)",
    [SQL_POSTGRES] =
        "SELECT id FROM uic_records WHERE position(decode($1, 'hex') IN asked_by) % 8 = 1",
};
static const char noted_sql[] = "SELECT id FROM uic_records WHERE notes LIKE '%' || $1 || '%'";
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', $1)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
/* What takes several steps, and has not stopped. */
static const char *const moving_sql[] = {
    [SQL_SQLITE] = "SELECT count(*) FROM uic_moves"
                   " WHERE NOT is_done AND at > datetime('now', '-30 seconds')",
    [SQL_POSTGRES] = "SELECT count(*) FROM uic_moves"
                     " WHERE NOT is_done AND at > now() - interval '30 seconds'",
};

static bool is_old(const struct record_erasure *erasure)
{
    return erasure->person == NULL && erasure->code == NULL;
}

/* Until when what nobody asked for is old, as both databases read it, PostgreSQL whatever its time
 * zone. */
#define BEFORE_MAX (RECORD_TIME_MAX + 3)
static const char *before_write(const struct record_erasure *erasure, char before[BEFORE_MAX])
{
    record_time_format(erasure->before_us, before);
    return strcat(before, "+00");
}

/* Counting */

static int64_t count_others(const struct record_ids *found, const struct record_ids *selected)
{
    int64_t count = 0;

    for (size_t i = 0; i < found->count; i++)
        count += !record_ids_have(selected, found->ids[i]);
    return count;
}

/* Records of others that remember that she asked. */
static enum sql_result asked_count(struct sql *sql, const struct record_identifiers *person,
                                   const struct record_ids *selected, struct record_erased *found)
{
    struct record_ids asked = {0};
    char asker[RECORD_ASKER_TEXT_MAX];
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < person->hash_count && result == SQL_DONE; i++)
        result = record_ids_add(&asked, sql, asked_sql[sql->dialect],
                                SQL_VALUES(sql_text(record_asker_write(person, i, asker))));
    found->asked = count_others(&asked, selected);
    record_ids_free(&asked);
    return result;
}

/* Records of others whose notes mention a number that is hers alone. */
static enum sql_result notes_count(struct sql *sql, const struct record_identifiers *person,
                                   const struct record_ids *selected, struct record_erased *found)
{
    struct record_ids noted = {0};
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < person->number_count && result == SQL_DONE; i++) {
        const char *digits = noted_digits(person->numbers[i].clear);
        if (digits != NULL && !person->numbers[i].is_shared)
            result = record_ids_add(&noted, sql, noted_sql, SQL_VALUES(sql_text(digits)));
    }
    found->notes = count_others(&noted, selected);
    record_ids_free(&noted);
    return result;
}

static enum sql_result count(struct sql *sql, const struct record_erasure *erasure,
                             struct record_erased *found)
{
    struct record_ids selected = {0};
    char before[BEFORE_MAX];

    if (is_old(erasure))
        return sql_run(sql, old_count_sql, SQL_VALUES(sql_text(before_write(erasure, before))),
                       &found->records);
    enum sql_result result = record_ids_add_erased(&selected, sql, erasure);
    found->records = (int64_t)selected.count;
    if (result == SQL_DONE && erasure->person != NULL)
        result = asked_count(sql, erasure->person, &selected, found);
    if (result == SQL_DONE && erasure->person != NULL)
        result = notes_count(sql, erasure->person, &selected, found);
    if (result == SQL_DONE && erasure->person != NULL)
        result = count_names(sql, erasure->person, &found->names);
    record_ids_free(&selected);
    return result;
}

int record_erase_count(const char *url, const struct record_erasure *erasure,
                       struct record_erased *found, char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);

    *found = (struct record_erased){0};
    return sql != NULL ? sql_finish(sql, count(sql, erasure, found), error) : -1;
}

/* Erasing */

/* That she asked, under one of her hashes. */
static enum sql_result asked_forget(struct sql *sql, const char *asker)
{
    struct record_ids asked = {0};
    enum sql_result result =
        record_ids_add(&asked, sql, asked_sql[sql->dialect], SQL_VALUES(sql_text(asker)));

    for (size_t i = 0; i < asked.count && result == SQL_DONE; i++)
        result = forget_asker(sql, asked.ids[i], asker);
    record_ids_free(&asked);
    return result;
}

/* What takes long: all records are looked at. */
static enum sql_result others_forget(struct sql *sql, const struct record_identifiers *person)
{
    char asker[RECORD_ASKER_TEXT_MAX];
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; i < person->hash_count && result == SQL_DONE; i++)
        result = asked_forget(sql, record_asker_write(person, i, asker));
    for (size_t i = 0; i < person->number_count && result == SQL_DONE; i++)
        if (!person->numbers[i].is_shared)
            result = forget_notes(sql, 0, person->numbers[i].clear);
    return result;
}

/* In a record of hers also what she shares. */
static enum sql_result own_notes_forget(struct sql *sql, const struct record_identifiers *person,
                                        int64_t id)
{
    enum sql_result result = SQL_DONE;

    for (size_t i = 0; person != NULL && i < person->number_count && result == SQL_DONE; i++)
        if (person->numbers[i].is_shared)
            result = forget_notes(sql, id, person->numbers[i].clear);
    return result;
}

static enum sql_result selected_forget(struct sql *sql, const struct record_erasure *erasure,
                                       int64_t *records)
{
    const enum remedy remedy = erasure->delete ? REMEDY_DELETE : REMEDY_BLANK;
    struct record_ids selected = {0};
    enum sql_result result = record_ids_add_erased(&selected, sql, erasure);

    for (size_t i = 0; i < selected.count && result == SQL_DONE; i++) {
        if (erasure->code != NULL)
            result = forget_askers(sql, selected.ids[i]);
        if (result == SQL_DONE)
            result = own_notes_forget(sql, erasure->person, selected.ids[i]);
        if (result == SQL_DONE)
            result = forget_owner(sql, selected.ids[i], remedy);
    }
    *records = (int64_t)selected.count;
    record_ids_free(&selected);
    return result;
}

static enum sql_result note(struct sql *sql, const struct record_erasure *erasure, int64_t records)
{
    const char *action = is_old(erasure)   ? "retention"
                         : erasure->delete ? "code deleted"
                                           : "number removed";

    return audit_write(sql, erasure->now_us, action, records + erasure->elsewhere, erasure->author);
}

/* A change of her number or user id that was carried out since she was looked for, or is still being, would
 * leave her half erased; it shows in what is not there any more. */
static enum sql_result person_check(struct sql *sql, const struct record_erasure *erasure,
                                    int64_t names, bool *meanwhile)
{
    struct record_ids selected = {0};
    int64_t moving = 0;
    enum sql_result result = sql_run(sql, moving_sql[sql->dialect], SQL_NOTHING, &moving);

    if (result == SQL_DONE)
        result = record_ids_add_erased(&selected, sql, erasure);
    *meanwhile =
        result == SQL_DONE && (moving > 0 || (int64_t)selected.count < erasure->counted.records ||
                               names < erasure->counted.names);
    record_ids_free(&selected);
    return *meanwhile ? sql_explain(sql, SQL_REFUSED,
                                    "what is known of this person has changed meanwhile (another "
                                    "number?): nothing was erased, say it again in a minute")
                      : result;
}

/* What takes long comes before the list is locked, behind which changes wait. */
static enum sql_result person_begin(struct sql *sql, const struct record_erasure *erasure,
                                    bool *meanwhile)
{
    int64_t names = 0;
    enum sql_result result = count_names(sql, erasure->person, &names);

    if (result == SQL_DONE)
        result = others_forget(sql, erasure->person);
    if (result == SQL_DONE)
        result = erased_list_write(sql, erasure);
    return result == SQL_DONE ? person_check(sql, erasure, names, meanwhile) : result;
}

/* Both inside a transaction. */
static enum sql_result selected_step(struct sql *sql, const struct record_erasure *erasure,
                                     int64_t *records, bool *meanwhile)
{
    const struct record_identifiers *person = erasure->person;
    enum sql_result result =
        person != NULL ? person_begin(sql, erasure, meanwhile) : erased_list_write(sql, erasure);

    if (result == SQL_DONE)
        result = selected_forget(sql, erasure, records);
    if (result == SQL_DONE && person != NULL)
        result = forget_names(sql, person);
    return result == SQL_DONE ? note(sql, erasure, *records) : result;
}

static enum sql_result old_step(struct sql *sql, const struct record_erasure *erasure,
                                int64_t *records)
{
    char before[BEFORE_MAX];
    const enum sql_result result =
        sql_run(sql, old_delete_sql, SQL_VALUES(sql_text(before_write(erasure, before))), records);

    return result == SQL_DONE && *records > 0 ? note(sql, erasure, *records) : result;
}

static enum sql_result erase(struct sql *sql, const struct record_erasure *erasure,
                             int64_t *records, bool *meanwhile)
{
    enum sql_result result = forget_begin(sql);
    int64_t some;

    do {
        some = 0;
        if (result == SQL_DONE)
            result = sql_run(sql, begin_sql[sql->dialect], SQL_NOTHING, NULL);
        if (result == SQL_DONE)
            result = is_old(erasure) ? old_step(sql, erasure, &some)
                                     : selected_step(sql, erasure, &some, meanwhile);
        result = sql_end(sql, result);
        *records += result == SQL_DONE ? some : 0;
    } while (result == SQL_DONE && is_old(erasure) && some > 0);
    if (result == SQL_DONE && erasure->trusts)
        result = sql_run(sql, trust_sql, SQL_VALUES(sql_number(erasure->now_us)), NULL);
    return result;
}

int record_erase(const char *url, const struct record_erasure *erasure, int64_t *records,
                 char error[ERROR_MAX])
{
    struct sql *sql = schema_open(url, TOOL_CONNECT_MS, error);
    bool meanwhile = false;

    *records = 0;
    if (sql == NULL)
        return -1;
    const enum sql_result result = erase(sql, erasure, records, &meanwhile);
    const int status = result == SQL_DONE ? 0 : sql_fail(sql, error);
    forget_end(sql);
    sql_close(sql);
    return status != 0 && meanwhile ? RECORD_MEANWHILE : status;
}
