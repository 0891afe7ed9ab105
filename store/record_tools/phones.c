/*
 * Numbers from one form to the other. A step takes the next numbers in the form that is to go, in
 * the order of the index, and all rows of each at once: so a number is in both forms only when
 * somebody wrote meanwhile, and what is done needs no note. The order of bytes tells the forms
 * apart.
 */
#include "store/record_tools.h"
#include "store/records/schema.h"

#include "store/base/clock.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Rows in a transaction; more only where the last of their numbers has more. */
#define ROWS_MAX "500"
/* How often a step is tried while others are in its way. */
#define TRIES 20

#define SEALED_FIRST "siv:"
#define SEALED_END "siv;"
/* Behind every text. */
#define LAST "\xF4\x8F\xBF\xBF"

extern const char phones_lock_postgres_sql[];
extern const char *const phones_merge_sql[], *const phones_move_sql[];

/* The planner is to go by the index, even where it knows nothing of the table yet. */
static const char *const begin_sql[] = {
    [SQL_SQLITE] = "BEGIN IMMEDIATE",
    [SQL_POSTGRES] = "BEGIN; SET LOCAL jit = off; SET LOCAL enable_seqscan = off;"
                     " SET LOCAL enable_bitmapscan = off",
};
static const char next_sql[] =
    "SELECT phone_number FROM uic_records WHERE phone_number > $1 AND phone_number < $2"
    " ORDER BY phone_number LIMIT " ROWS_MAX;
static const char count_sql[] = "SELECT count(DISTINCT phone_number) FROM uic_records"
                                " WHERE phone_number > $1 AND phone_number < $2";

/* Where a form stands in the index, both ends not included. */
struct range {
    const char *after, *before;
};

static const struct range clear_ranges[] = {
    {"", SEALED_FIRST}, {SEALED_FIRST LAST, LAST}, {NULL, NULL}};
static const struct range sealed_ranges[] = {{SEALED_FIRST, SEALED_END}, {NULL, NULL}};

struct record_phones {
    struct sql *sql;
    const struct range *range; /* where we are; its after is NULL behind the last */
    char *after;               /* the last number that was seen; NULL: none of the range yet */
};

struct record_phones *record_phones_open(const char *url, bool sealed, char error[ERROR_MAX])
{
    struct record_phones *phones = calloc(1, sizeof *phones);

    if (phones == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    phones->range = sealed ? sealed_ranges : clear_ranges;
    phones->sql = schema_open(url, TOOL_CONNECT_MS, error);
    if (phones->sql != NULL && phones->sql->dialect == SQL_SQLITE &&
        sql_run(phones->sql, "PRAGMA secure_delete = ON", SQL_NOTHING, NULL) != SQL_DONE) {
        sql_fail(phones->sql, error);
        sql_close(phones->sql);
        phones->sql = NULL;
    }
    if (phones->sql != NULL)
        return phones;
    free(phones);
    return NULL;
}

void record_phones_close(struct record_phones *phones)
{
    if (phones == NULL)
        return;
    if (phones->sql->dialect == SQL_SQLITE)
        sql_run(phones->sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NOTHING, NULL);
    sql_close(phones->sql);
    free(phones->after);
    free(phones);
}

/* Of one step. */
struct step {
    record_phone_convert *convert;
    void *arg;
    json_t *moved; /* {kept, wanted}, ... */
    char *last;    /* that was seen */
    struct record_phones_done done;
};

/* Unless it was the last one, too. Returns whether there is memory. */
static bool number_take(struct step *step, const char *kept)
{
    char wanted[RECORD_PHONE_MAX];

    if (step->last != NULL && strcmp(step->last, kept) == 0)
        return true;
    free(step->last);
    step->last = strdup(kept);
    step->done.seen++;
    json_t *as_it_stands = json_string(kept); /* NULL: not UTF-8, which is no number */
    if (as_it_stands == NULL || step->convert(step->arg, kept, wanted) != 0) {
        step->done.left++;
        json_decref(as_it_stands);
        return step->last != NULL;
    }
    return json_array_append_new(
               step->moved, json_pack("{s:o, s:s}", "kept", as_it_stands, "wanted", wanted)) == 0 &&
           step->last != NULL;
}

static enum sql_result numbers_read(struct record_phones *phones, struct step *step)
{
    const char *after = phones->after != NULL ? phones->after : phones->range->after;
    struct sql *sql = phones->sql;
    enum sql_result result =
        sql_query(sql, next_sql, SQL_VALUES(sql_text(after), sql_text(phones->range->before)));

    for (; result == SQL_ROW; result = sql_next(sql))
        if (!number_take(step, sql_column(sql, 0)))
            return sql_explain(sql, SQL_FAILED, "out of memory");
    return result;
}

static enum sql_result numbers_move(struct sql *sql, const struct step *step)
{
    if (json_array_size(step->moved) == 0)
        return SQL_DONE;
    char *json = json_dumps(step->moved, JSON_COMPACT);
    if (json == NULL)
        return sql_explain(sql, SQL_FAILED, "out of memory");
    enum sql_result result = SQL_DONE;
    if (sql->dialect == SQL_POSTGRES)
        result = sql_run(sql, phones_lock_postgres_sql, SQL_VALUES(sql_text(json)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, phones_merge_sql[sql->dialect], SQL_VALUES(sql_text(json)), NULL);
    if (result == SQL_DONE)
        result = sql_run(sql, phones_move_sql[sql->dialect], SQL_VALUES(sql_text(json)), NULL);
    free(json);
    return result;
}

static void step_end(struct step *step)
{
    json_decref(step->moved);
    free(step->last);
    *step = (struct step){.convert = step->convert, .arg = step->arg};
}

static enum sql_result step_try(struct record_phones *phones, struct step *step)
{
    step_end(step);
    step->moved = json_array();
    enum sql_result result =
        sql_run(phones->sql, begin_sql[phones->sql->dialect], SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        result = numbers_read(phones, step);
    if (result == SQL_DONE)
        result = numbers_move(phones->sql, step);
    return sql_end(phones->sql, result);
}

/* SQLite has one writer at a time: it is somebody else for as long as it was us. */
static void turn_give(const struct sql *sql, int64_t took_us)
{
    if (sql->dialect == SQL_SQLITE)
        nanosleep(&(struct timespec){.tv_sec = took_us / 1000000,
                                     .tv_nsec = (long)(took_us % 1000000) * 1000},
                  NULL);
}

int record_phones_step(struct record_phones *phones, record_phone_convert *convert, void *arg,
                       struct record_phones_done *done, char error[ERROR_MAX])
{
    struct step step = {.convert = convert, .arg = arg};
    const int64_t begun_us = clock_monotonic_us();
    enum sql_result result = SQL_AGAIN;

    for (int tries = 0; result == SQL_AGAIN && tries < TRIES; tries++)
        result = step_try(phones, &step);
    *done = step.done;
    if (result == SQL_DONE) {
        done->more = true;
        free(phones->after);
        phones->after = step.last;
        step.last = NULL;
        if (done->seen == 0)
            done->more = (++phones->range)->after != NULL;
        turn_give(phones->sql, clock_monotonic_us() - begun_us);
    }
    step_end(&step);
    return result == SQL_DONE ? 0 : sql_fail(phones->sql, error);
}

int record_phones_count(const char *url, bool sealed, int64_t *count, char error[ERROR_MAX])
{
    struct sql *sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, NULL, error);
    enum sql_result result = SQL_DONE;
    int64_t some;

    *count = 0;
    if (sql == NULL)
        return -1;
    for (const struct range *range = sealed ? sealed_ranges : clear_ranges;
         result == SQL_DONE && range->after != NULL; range++) {
        result = sql_run(sql, count_sql,
                         SQL_VALUES(sql_text(range->after), sql_text(range->before)), &some);
        *count += result == SQL_DONE ? some : 0;
    }
    return sql_finish(sql, result, error);
}
