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

/* Records neither under the numbers $2 and $5, sealed $4 and $6, nor of one of the user ids $3 that
 * remember that $1 asked, in hexadecimal digits; and what makes all records forget it. */
extern const char *const asked_count_sql[], *const asked_forget_sql[];

static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL TimeZone = 'UTC'",
};

/* $1 a phone number, $2 a code, $3 a time: two of them are NULL. With a number, $4 hashes of user
 * ids in hexadecimal digits, $5 another number of theirs, or NULL. $6 and $7 both numbers sealed.
 * $8: so many at most. */
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
    STATEMENTS("UPDATE uic_records SET phone_number = '', user_id = NULL, near = NULL,"
               " asked_by = CASE WHEN uic_code = $2 THEN NULL ELSE asked_by END WHERE ",
               "");
static const char *const delete_sql[] = STATEMENTS(
    "DELETE FROM uic_records WHERE id IN (SELECT id FROM uic_records WHERE ", " LIMIT $8)");
static const char notes_count_sql[] =
    "SELECT count(*) FROM uic_records WHERE notes LIKE '%' || $1 || '%' AND phone_number NOT IN ($2, $3)";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(replace(notes, $2, ''), $1, '')"
    " WHERE notes LIKE '%' || $1 || '%'";
/* Of the selected their answers, in hexadecimal digits. */
static const char *const answers_sql[] = {
    [SQL_SQLITE] = "SELECT input_hash FROM uic_records WHERE " SELECTED(LINKED_SQLITE),
    [SQL_POSTGRES] =
        "SELECT encode(input_hash, 'hex') FROM uic_records WHERE " SELECTED(LINKED_POSTGRES),
};
/* $1 who, in hexadecimal digits, $2 a time. */
static const char *const erased_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_erased (who, at) VALUES ($1, $2)"
                   " ON CONFLICT (who) DO UPDATE SET at = max(at, excluded.at)",
    [SQL_POSTGRES] =
        "INSERT INTO uic_erased AS e (who, at) VALUES (decode($1, 'hex'), ($2 || '+00')::timestamptz)"
        " ON CONFLICT (who) DO UPDATE SET at = greatest(e.at, excluded.at)",
};
/* $1 a hash; and its beginning. */
static const char *const names_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_links WHERE user_id = $1 OR number = $1",
    [SQL_POSTGRES] =
        "DELETE FROM uic_links WHERE user_id = decode($1, 'hex') OR number = decode($1, 'hex')",
};
static const char *const asked_sql[] = {
    [SQL_SQLITE] = "DELETE FROM uic_asked WHERE who = $1",
    [SQL_POSTGRES] = "DELETE FROM uic_asked WHERE who = decode($1, 'hex')",
};
/* $1 a code: who asked for it. */
static const char *const askers_sql[] = {
    [SQL_SQLITE] =
        "DELETE FROM uic_asked WHERE record = (SELECT id FROM uic_records WHERE uic_code = $1)",
    [SQL_POSTGRES] = "DELETE FROM uic_asked USING uic_records AS r, generate_series(0, 15) AS n"
                     " WHERE r.uic_code = $1 AND record = r.id"
                     " AND who = substring(r.asked_by FROM 8 * n + 1 FOR 5)",
};
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
static const char *digits_of(const char *digits)
{
    if (digits != NULL && *digits == '+')
        digits++;
    return digits != NULL && strlen(digits) >= RECORD_NOTED_DIGITS_MIN ? digits : NULL;
}

/* A person's hashes: of her numbers and user ids. */
struct identities {
    unsigned char hashes[2 + 2 * RECORD_LINKS_MAX][RECORD_USER_ID_SIZE];
    size_t count;
};

static void identity_add(struct identities *all, const unsigned char hash[RECORD_USER_ID_SIZE])
{
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->hashes[i], hash, RECORD_USER_ID_SIZE) == 0)
            return;
    memcpy(all->hashes[all->count++], hash, RECORD_USER_ID_SIZE);
}

static enum sql_result identities_find(struct sql *sql, const struct record_erasure *erasure,
                                       struct identities *all)
{
    const struct record_links *links = erasure->links;
    const char *numbers[] = {erasure->phone_number, links != NULL ? links->phone_number : ""};
    struct keyed_hash *keyed = keyed_hash_create(erasure->asker_key);
    int status = keyed != NULL ? 0 : -1;

    all->count = 0;
    for (size_t i = 0; status == 0 && i < 2; i++)
        if (numbers[i][0] != '\0')
            status = record_asker_number(keyed, numbers[i], all->hashes[all->count++]);
    keyed_hash_free(keyed);
    if (status != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    for (size_t i = 0; links != NULL && i < links->count; i++)
        identity_add(all, links->user_ids[i]);
    for (size_t i = 0; links != NULL && i < links->number_count; i++)
        identity_add(all, links->numbers[i]);
    return SQL_DONE;
}

/* Runs a statement once for each of the hashes that stand for the person where she asked: with it,
 * in hexadecimal digits, as $1, and as $2 to $6 whose records are hers; with repeats until it finds
 * no more: a record may hold her twice. Sums up. */
static enum sql_result asker_run(struct sql *sql, const char *statement, int count, bool repeats,
                                 const struct record_erasure *erasure,
                                 const struct selection *selection, int64_t *number)
{
    const struct record_links *links = erasure->links;
    char asker[2 * RECORD_IDENTITY_SIZE + 1];
    struct identities all;
    enum sql_result result = identities_find(sql, erasure, &all);

    for (size_t i = 0; result == SQL_DONE && i < all.count; i++) {
        int64_t some;
        hex_write(all.hashes[i], RECORD_IDENTITY_SIZE, asker);
        const struct sql_value values[] = {sql_text(asker),
                                           sql_text(erasure->phone_number),
                                           sql_text(selection->user_ids),
                                           sql_text(erasure->sealed_number),
                                           sql_text(links != NULL ? links->phone_number : ""),
                                           sql_text(links != NULL ? links->sealed_number : "")};
        do {
            some = 0;
            result = sql_run(sql, statement, values, count, &some);
            *number += some;
        } while (result == SQL_DONE && repeats && some > 0);
    }
    return result;
}

/* Runs a statement for each of the person's numbers that notes are searched for, with its digits as
 * $1, and as $2 and $3 the number in clear and sealed, if it has so many. Sums up. */
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
        result = asker_run(sql, asked_count_sql[sql->dialect], 6, false, erasure, &selection,
                           &found->asked);
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

/* What stands for the person beside the records. */
static enum sql_result names_forget(struct sql *sql, const struct record_erasure *erasure)
{
    char hash[2 * RECORD_USER_ID_SIZE + 1], who[2 * RECORD_IDENTITY_SIZE + 1];
    struct identities all;
    enum sql_result result = identities_find(sql, erasure, &all);

    for (size_t i = 0; result == SQL_DONE && i < all.count; i++) {
        hex_write(all.hashes[i], RECORD_USER_ID_SIZE, hash);
        hex_write(all.hashes[i], RECORD_IDENTITY_SIZE, who);
        result = sql_run(sql, names_sql[sql->dialect], SQL_VALUES(sql_text(hash)), NULL);
        if (result == SQL_DONE)
            result = sql_run(sql, asked_sql[sql->dialect], SQL_VALUES(sql_text(who)), NULL);
    }
    return result;
}

static enum sql_result answers_find(struct sql *sql, struct whos *whos,
                                    const struct selection *selection)
{
    enum sql_result result = sql_query(sql, answers_sql[sql->dialect], selection->values, 7);

    for (; result == SQL_ROW; result = sql_next(sql))
        if (whos_add(whos, ERASED_ANSWERS, sql_column(sql, 0)) != 0)
            return sql_explain(sql, SQL_FAILED, "out of memory");
    return result;
}

static enum sql_result person_find(struct sql *sql, struct whos *whos,
                                   const struct record_erasure *erasure)
{
    const struct record_links *links = erasure->links;
    char asker[2 * RECORD_IDENTITY_SIZE + 1], user_id[2 * RECORD_USER_ID_SIZE + 1];
    struct identities all;
    int status = 0;

    if (identities_find(sql, erasure, &all) != SQL_DONE)
        return SQL_FAILED;
    for (size_t i = 0; status == 0 && i < all.count; i++) {
        hex_write(all.hashes[i], RECORD_IDENTITY_SIZE, asker);
        status = whos_add(whos, ERASED_NUMBER, asker);
    }
    for (size_t i = 0; status == 0 && links != NULL && i < links->count; i++) {
        hex_write(links->user_ids[i], RECORD_USER_ID_SIZE, user_id);
        status = whos_add(whos, ERASED_USER, user_id);
    }
    return status == 0 ? SQL_DONE : sql_explain(sql, SQL_FAILED, "out of memory");
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
        result = erasure->code != NULL ? answers_find(sql, &whos, selection)
                                       : person_find(sql, &whos, erasure);
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
    int64_t asked = 0, notes = 0;
    enum sql_result result = SQL_DONE;

    if (erasure->phone_number != NULL)
        result =
            asker_run(sql, asked_forget_sql[sql->dialect], 1, true, erasure, selection, &asked);
    if (result == SQL_DONE)
        result = notes_run(sql, notes_sql, 2, erasure, &notes);
    if (result == SQL_DONE && !selection->is_old)
        result = list_write(sql, erasure, selection);
    if (result == SQL_DONE && erasure->phone_number != NULL)
        result = names_forget(sql, erasure);
    if (result == SQL_DONE && erasure->code != NULL)
        result = sql_run(sql, askers_sql[sql->dialect], SQL_VALUES(sql_text(erasure->code)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, (deletes ? delete_sql : blank_sql)[sql->dialect], selection->values,
                         deletes ? 8 : 7, records);
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
