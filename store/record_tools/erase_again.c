/*
 * What an older backup brings back of people who were erased since: every record is looked for in
 * the list, page by page, and what is found goes, or loses its number, once more.
 */
#include "store/base/hex.h"
#include "store/record_tools.h"
#include "store/record_tools/erase_again_links.h"
#include "store/record_tools/erased_list.h"
#include "store/record_tools/forget.h"
#include "store/records/asker.h"
#include "store/records/audit.h"
#include "store/records/erased.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 500
#define MINUTE_US INT64_C(60000000)

/* asked_by without what separates its entries. */
static const char *const page_sql[] = {
    [SQL_SQLITE] = "SELECT id, phone_number, coalesce(user_id, ''), input_hash,"
                   " replace(coalesce(asked_by, ''), ' ', ''), created_at, last_requested_at"
                   " FROM uic_records WHERE id > $1 ORDER BY id LIMIT " SQL_NUMERAL(PAGE_MAX),
    [SQL_POSTGRES] = "SELECT id, phone_number, encode(coalesce(user_id, ''), 'hex'),"
                     " encode(input_hash, 'hex'), encode(coalesce(asked_by, ''), 'hex'),"
                     " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),"
                     " to_char(last_requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
                     " FROM uic_records WHERE id > $1 ORDER BY id LIMIT " SQL_NUMERAL(PAGE_MAX),
};
/* $1 the beginning of a number's hash, $2 nobody: its first owner, who is somebody. */
#define BEHIND "ffffffffffffffffffffff"
static const char *const owner_sql[] = {
    [SQL_SQLITE] = "SELECT user_id, since, up_to FROM uic_first_owners"
                   " WHERE number BETWEEN $1 AND $1 || '" BEHIND "' AND user_id <> $2",
    [SQL_POSTGRES] = "SELECT encode(user_id, 'hex'), to_char(since, 'YYYY-MM-DD'), up_to"
                     " FROM uic_first_owners WHERE number BETWEEN decode($1, 'hex')"
                     " AND decode($1 || '" BEHIND "', 'hex') AND user_id <> $2",
};

/* A number and a user id. */
#define OWN_NAMES 2

struct found {
    int64_t id;
    int64_t created_us;
    enum remedy remedy, otherwise;       /* but for its number */
    bool by_code;                        /* whoever asked goes too */
    char number[RECORD_ASKER_TEXT_MAX];  /* by which it asked; "" when it does not open */
    char phone_number[RECORD_PHONE_MAX]; /* in clear, that was erased, for the notes; or "" */
    char askers[RECORD_ASKERS_MAX + OWN_NAMES][RECORD_ASKER_TEXT_MAX];
    size_t asker_count, own_count; /* of which so many first are the record's own names */
};

struct again {
    struct sql *sql;
    const struct record_again *request;
    struct keyed_hash *keyed; /* makes people's hashes */
    struct erased_list *list;
    int64_t after_id;
    size_t rows; /* of the page */
    struct found found[PAGE_MAX];
    size_t found_count;
    struct askers left; /* numbers that were erased, of records that are nobody's */
};

/* Who is remembered to have asked, and was erased since anybody asked. */
static void askers_judge(const struct again *again, struct found *found, const char *askers,
                         int64_t requested_us)
{
    const size_t size = 2 * RECORD_ASKED_SIZE, number = 2 * RECORD_ASKER_SIZE;

    for (size_t i = 0; i < RECORD_ASKERS_MAX && strnlen(askers, size) == size; i++) {
        char *asker = found->askers[found->asker_count];
        memcpy(asker, askers, number);
        asker[number] = '\0';
        askers += size;
        if (erased_list_remedy(again->list, ERASED_ASKER, asker, requested_us) != REMEDY_NONE)
            found->asker_count++;
    }
}

static void number_read(const struct again *again, struct found *found)
{
    const struct record_again *request = again->request;
    const char *kept = sql_column(again->sql, 1);
    unsigned char hash[RECORD_PERSON_HASH_SIZE];

    found->number[0] = found->phone_number[0] = '\0';
    if (kept[0] != '\0' && request->phone_open(request->arg, kept, found->phone_number) == 0 &&
        record_asker_number(again->keyed, found->phone_number, hash) == 0)
        hex_write(hash, RECORD_ASKER_SIZE, found->number);
}

static void asker_add(struct found *found, const char *name)
{
    const size_t length = strnlen(name, RECORD_ASKER_TEXT_MAX - 1);
    char *asker = found->askers[found->asker_count];

    if (length == 0)
        return;
    memcpy(asker, name, length);
    asker[length] = '\0';
    found->asker_count++;
}

/* By the names that the record has, or by its answers, when she had others in the backup. One that
 * stayed without its number is not erased again: who asked for it since is welcome. */
static void owner_judge(const struct again *again, struct found *found)
{
    const int64_t created_us = found->created_us;
    const char *answers = sql_column(again->sql, 3), *user_id = sql_column(again->sql, 2);
    const bool has_owner = sql_column(again->sql, 1)[0] != '\0' || user_id[0] != '\0';
    const enum remedy by_user = erased_list_remedy(again->list, ERASED_USER, user_id, created_us);
    /* Of a number that had several owners, some may not have been erased. */
    const enum remedy by_number =
        user_id[0] != '\0' && by_user == REMEDY_NONE
            ? REMEDY_NONE
            : erased_list_remedy(again->list, ERASED_NUMBER, found->number, created_us);
    const enum remedy by_code = erased_list_remedy(again->list, ERASED_CODE, answers, created_us);
    const enum remedy by_record =
        erased_list_remedy(again->list, ERASED_RECORD, answers, created_us);
    const enum remedy by_answers = by_code > by_record ? by_code : by_record;

    found->otherwise = by_user;
    if (by_answers > by_user && (has_owner || by_answers == REMEDY_DELETE))
        found->otherwise = by_answers;
    found->remedy = by_number > found->otherwise ? by_number : found->otherwise;
    if (by_number == REMEDY_NONE &&
        erased_list_remedy(again->list, ERASED_ASKER, found->number, created_us) == REMEDY_NONE)
        found->phone_number[0] = '\0';
    if (by_record != REMEDY_NONE && found->remedy == REMEDY_BLANK) {
        asker_add(found, found->number);
        asker_add(found, user_id);
    }
    found->own_count = found->asker_count;
}

/* Records keep the minute only; of one that was made in the minute of an erasure nobody knows
 * whether it was before, and it stays. */
static int time_read(const char *text, int64_t *latest_us)
{
    if (record_time_parse(text, latest_us) != 0)
        return -1;
    *latest_us = record_time_minute(*latest_us) + MINUTE_US - 1;
    return 0;
}

/* A record that stays, without a user id, on a number that goes: it is nobody's. */
static enum sql_result left_note(struct again *again, const char number[RECORD_ASKER_TEXT_MAX])
{
    if (sql_column(again->sql, 2)[0] != '\0' ||
        erased_list_remedy(again->list, ERASED_ASKER, number, INT64_MIN) == REMEDY_NONE)
        return SQL_DONE;
    return askers_add(&again->left, number) == 0
               ? SQL_DONE
               : sql_explain(again->sql, SQL_FAILED, "out of memory");
}

static enum sql_result row_judge(struct again *again)
{
    struct sql *sql = again->sql;
    struct found *found = &again->found[again->found_count];
    int64_t requested_us;

    again->rows++;
    again->after_id = sql_column_number(sql, 0);
    if (time_read(sql_column(sql, 5), &found->created_us) != 0 ||
        time_read(sql_column(sql, 6), &requested_us) != 0)
        return SQL_DONE; /* not written by us */
    found->id = again->after_id;
    found->asker_count = 0;
    number_read(again, found);
    owner_judge(again, found);
    found->by_code = sql_column(sql, 4)[0] != '\0' &&
                     erased_list_remedy(again->list, ERASED_CODE, sql_column(sql, 3),
                                        requested_us) != REMEDY_NONE;
    askers_judge(again, found, sql_column(sql, 4), requested_us);
    if (found->remedy != REMEDY_NONE || found->by_code || found->asker_count > 0)
        again->found_count++;
    return found->remedy == REMEDY_NONE ? left_note(again, found->number) : SQL_DONE;
}

static enum sql_result page_judge(struct again *again)
{
    again->rows = again->found_count = 0;
    enum sql_result result = sql_query(again->sql, page_sql[again->sql->dialect],
                                       SQL_VALUES(sql_number(again->after_id)));
    while (result == SQL_ROW && again->rows < PAGE_MAX) {
        result = row_judge(again);
        if (result == SQL_DONE)
            result = sql_next(again->sql);
    }
    return result;
}

static enum sql_result found_apply(struct again *again, const struct found *found)
{
    struct sql *sql = again->sql;
    enum sql_result result = SQL_DONE;

    if (found->by_code)
        result = forget_askers(sql, found->id);
    for (size_t i = 0; i < found->asker_count && result == SQL_DONE; i++)
        result = forget_asker(sql, found->id, found->askers[i]);
    if (result == SQL_DONE)
        result = forget_owner(sql, found->id, found->remedy);
    return result == SQL_DONE ? forget_notes(sql, 0, found->phone_number) : result;
}

/* Whether the number's first owner was not erased, and had it when the record was made: then what it
 * registered and asked for alone is hers, whoever was erased by the number since. */
static enum sql_result is_kept(struct again *again, const struct found *found,
                               const char number[RECORD_ASKER_TEXT_MAX], bool *kept)
{
    struct sql *sql = again->sql;
    char created[RECORD_TIME_MAX], room[SCHEMA_HASH_MAX];
    enum sql_result result = sql_query(sql, owner_sql[sql->dialect],
                                       SQL_VALUES(sql_text(number), schema_nobody(sql, room)));

    *kept = false;
    record_time_format(found->created_us, created);
    for (; result == SQL_ROW; result = sql_next(sql)) {
        const char *user_id = sql_column(sql, 0), *since = sql_column(sql, 1);
        const int64_t up_to = sql_column_number(sql, 2);
        if (up_to >= 0 && (found->id <= up_to || strncmp(created, since, strlen(since)) < 0) &&
            erased_list_remedy(again->list, ERASED_USER, user_id, found->created_us) == REMEDY_NONE)
            *kept = true;
    }
    return result;
}

/* What a number says is not said of its first owner. */
static enum sql_result found_settle(struct again *again, struct found *found)
{
    size_t count = found->own_count;
    bool kept = false;
    enum sql_result result = SQL_DONE;

    if (found->remedy != found->otherwise)
        result = is_kept(again, found, found->number, &kept);
    if (kept) {
        found->remedy = found->otherwise;
        found->phone_number[0] = '\0';
    }
    for (size_t i = count; i < found->asker_count && result == SQL_DONE; i++) {
        result = is_kept(again, found, found->askers[i], &kept);
        if (!kept)
            memmove(found->askers[count++], found->askers[i], RECORD_ASKER_TEXT_MAX);
    }
    found->asker_count = count;
    return result;
}

/* Of the page, what is left to be done. */
static enum sql_result page_settle(struct again *again)
{
    enum sql_result result = SQL_DONE;
    size_t count = 0;

    for (size_t i = 0; i < again->found_count && result == SQL_DONE; i++) {
        struct found *found = &again->found[i];
        result = found_settle(again, found);
        if (found->remedy != REMEDY_NONE || found->by_code || found->asker_count > 0)
            again->found[count++] = *found;
    }
    again->found_count = count;
    return result;
}

static enum sql_result page_apply(struct again *again, int64_t *records)
{
    struct sql *sql = again->sql;

    if (again->found_count == 0 || again->request->dry_run) {
        *records += (int64_t)again->found_count;
        return SQL_DONE;
    }
    enum sql_result result = sql_run(
        sql, sql->dialect == SQL_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN; SET LOCAL TimeZone = 'UTC'",
        SQL_NOTHING, NULL);
    for (size_t i = 0; i < again->found_count && result == SQL_DONE; i++)
        result = found_apply(again, &again->found[i]);
    if (result == SQL_DONE)
        result = audit_write(sql, again->request->now_us, "erased again",
                             (int64_t)again->found_count, again->request->author);
    result = sql_end(sql, result);
    *records += result == SQL_DONE ? (int64_t)again->found_count : 0;
    return result;
}

static enum sql_result again_run(struct again *again, int64_t *records)
{
    enum sql_result result = forget_begin(again->sql);

    if (result == SQL_DONE)
        result = erased_list_read(again->list, again->sql);
    if (result != SQL_DONE || erased_list_is_empty(again->list))
        return result;
    do {
        result = page_judge(again);
        if (result == SQL_DONE)
            result = page_settle(again);
        if (result == SQL_DONE)
            result = page_apply(again, records);
    } while (result == SQL_DONE && again->rows > 0);
    if (result == SQL_DONE && !again->request->dry_run)
        result = erase_again_links(again->sql, again->list, &again->left);
    if (result == SQL_DONE)
        forget_end(again->sql);
    return result;
}

int record_erase_again(const char *url, const struct record_again *request, int64_t *records,
                       char error[ERROR_MAX])
{
    struct again *again = calloc(1, sizeof *again);
    int status = -1;

    *records = 0;
    snprintf(error, ERROR_MAX, "out of memory");
    if (again == NULL)
        return -1;
    again->request = request;
    again->after_id = INT64_MIN;
    again->keyed = keyed_hash_create(request->asker_key);
    again->list = erased_list_create(request->erased_key);
    if (again->keyed != NULL && again->list != NULL &&
        (again->sql = schema_open(url, TOOL_CONNECT_MS, error)) != NULL)
        status = sql_finish(again->sql, again_run(again, records), error);
    keyed_hash_free(again->keyed);
    erased_list_free(again->list);
    askers_free(&again->left);
    explicit_bzero(again, sizeof *again);
    free(again);
    return status;
}
