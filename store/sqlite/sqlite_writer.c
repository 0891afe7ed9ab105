/*
 * The statements of a claim. Outcomes wait beside the claims until the commit, so that after a
 * failure the claims still say what was wanted.
 */
#include "store/sqlite/sqlite_writer.h"
#include "store/base/hex.h"
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include "store/sqlite/sqlite_sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Who asks, without the message; see the migration for the form of asked_by. */
#define ASKER "substr(?6, 1, 11)"
/* The number of this claim comes first. One that was there keeps its message; one that is there
 * only as the phone number asked before this message, and gets none. Without a number nothing
 * changes. */
#define ASKED_BY                                                                \
    "coalesce(CASE WHEN instr(asked_by, " ASKER ") THEN"                        \
    "  substr(asked_by, instr(asked_by, " ASKER "), 17) ||"                     \
    "  replace(asked_by, substr(asked_by, instr(asked_by, " ASKER "), 17), '')" \
    " ELSE CASE phone_number WHEN ?3 THEN " ASKER " || '000000' ELSE ?6 END ||" \
    "  substr(coalesce(asked_by, ''), 1, 17 * (16 - 1)) END,"                   \
    " asked_by)"
_Static_assert(RECORD_ASKER_SIZE == 8 && RECORD_ASKERS_MAX == 16, "as the statements say");

enum statement { BEGIN, COMMIT, TOUCH, CLAIM, FIND, TOTALS, HOURS, STATEMENT_COUNT };

static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [TOUCH] = "UPDATE schema_migrations SET applied_at = applied_at",
    /* No row comes back when the row knows this event. It remembers several: two people with the
     * same answers may come again in turn, and a record's way through the outbox is not straight.
     */
    [CLAIM] = "INSERT INTO uic_records (input_hash, uic_code, phone_number, created_at,"
              " last_requested_at, last_event_id, asked_by)"
              " VALUES (?1, ?2, ?3, ?4, ?7, nullif(?5, ''), ?6)"
              " ON CONFLICT (input_hash) DO UPDATE SET request_count = request_count + 1,"
              " last_requested_at = max(last_requested_at, excluded.last_requested_at),"
              " last_event_id = excluded.last_event_id,"
              " previous_event_ids ="
              "  substr(' ' || coalesce(last_event_id, '') || previous_event_ids, 1, 4 * 40),"
              " asked_by = " ASKED_BY " WHERE excluded.last_event_id IS NULL OR NOT"
              "  instr(' ' || coalesce(last_event_id, '') || previous_event_ids || ' ',"
              "        ' ' || excluded.last_event_id || ' ')"
              " RETURNING uic_code, request_count,"
              "  coalesce(substr(asked_by, 1, 17) <> ?6, phone_number = ?3)",
    /* The request that this event was: each event before it in the list came after it. */
    [FIND] = "SELECT uic_code,"
             " request_count + 1 - (length(later) - length(replace(later, ' ', ''))),"
             " NOT instr(coalesce(asked_by, ''), ?6) AND"
             "  (phone_number = ?3 OR instr(coalesce(asked_by, ''), " ASKER "))"
             " FROM (SELECT *, substr(events, 1, instr(events, ' ' || ?5 || ' ')) AS later"
             "  FROM (SELECT *, ' ' || coalesce(last_event_id, '') || previous_event_ids || ' '"
             "   AS events FROM uic_records WHERE input_hash = ?1))",
    [TOTALS] = "SELECT 0, sum(new_codes), sum(new_phones), sum(requests), (" RECORD_BACKUP_SQL
               ") FROM uic_totals",
    [HOURS] = "SELECT strftime('%s', hour || ':00'), new_codes, new_phones, requests"
              " FROM uic_totals WHERE hour >= ?1",
};

struct outcome {
    enum store_status status;
    bool is_new;
    bool asked_before;
    char code[RECORD_CODE_MAX];
};

struct sqlite_writer {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int64_t trusted_us; /* at the last sweep: the clock is slow if it is not beyond */
    struct outcome outcomes[SQLITE_BATCH_MAX];
};

static int tables_ready(sqlite3 *database, const char *path, char error[STORE_ERROR_MAX])
{
    char report[STORE_ERROR_MAX];

    if (sqlite_path_is_memory(path))
        return sqlite_schema_migrate(database, &sqlite_record_migrations, report, error);
    return sqlite_schema_check(database, &sqlite_record_migrations, error);
}

struct sqlite_writer *sqlite_writer_open(const char *path, char error[STORE_ERROR_MAX])
{
    struct sqlite_writer *writer = calloc(1, sizeof *writer);

    if (!writer) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    writer->database = sqlite_open(path, error);
    if (!writer->database || tables_ready(writer->database, path, error) != 0)
        goto failed;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(writer->database, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &writer->statements[i], NULL) != SQLITE_OK) {
            sqlite_explain(writer->database, error);
            goto failed;
        }
    }
    writer->trusted_us = sqlite_sweep_trusted(writer->database);
    return writer;

failed:
    sqlite_writer_close(writer);
    return NULL;
}

void sqlite_writer_close(struct sqlite_writer *writer)
{
    if (!writer)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(writer->statements[i]);
    sqlite3_close(writer->database);
    free(writer);
}

/* "2026-01-31 23:59:59.000001" */
static void time_format(int64_t now_us, char text[64])
{
    time_t seconds = (time_t)(now_us / 1000000);
    int fraction = (int)(now_us % 1000000);
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, 40, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text + length, 64 - length, ".%06d", fraction);
}

/* What all statements of a claim know of it. */
struct parameters {
    char hash[2 * RECORD_HASH_SIZE + 1];
    char now[64];
    char requested[64]; /* what a slow clock dates years back would soon be too old to be kept */
    char asker[1 + 2 * RECORD_ASKER_SIZE + 1]; /* a space before it */
};

static void parameters_format(struct parameters *parameters, const struct record_claim *claim,
                              int64_t trusted_us)
{
    hex_write(claim->input_hash, RECORD_HASH_SIZE, parameters->hash);
    time_format(claim->now_us, parameters->now);
    if (claim->now_us < trusted_us)
        time_format(trusted_us, parameters->requested);
    else
        strcpy(parameters->requested, parameters->now);
    parameters->asker[0] = ' ';
    hex_write(claim->asker, RECORD_ASKER_SIZE, parameters->asker + 1);
}

/* Binds text that lives until the statement is reset. */
static void text_bind(sqlite3_stmt *statement, int index, const char *text, size_t capacity)
{
    sqlite3_bind_text(statement, index, text, (int)strnlen(text, capacity), SQLITE_STATIC);
}

/* A statement has but some of the parameters; the others fall on none. */
static void claim_bind(sqlite3_stmt *statement, const struct record_claim *claim,
                       const struct parameters *parameters)
{
    text_bind(statement, 1, parameters->hash, sizeof parameters->hash);
    text_bind(statement, 2, claim->code, sizeof claim->code);
    text_bind(statement, 3, claim->phone_number, sizeof claim->phone_number);
    text_bind(statement, 4, parameters->now, sizeof parameters->now);
    text_bind(statement, 5, claim->event_id, sizeof claim->event_id);
    if (claim->is_signed)
        text_bind(statement, 6, parameters->asker, sizeof parameters->asker);
    text_bind(statement, 7, parameters->requested, sizeof parameters->requested);
}

/* Runs a statement without result. */
static int statement_run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

static void outcome_read(struct outcome *outcome, sqlite3_stmt *row)
{
    const char *code = (const char *)sqlite3_column_text(row, 0);

    /* Only a row that somebody edited by hand can be too long. */
    if (!code || strlen(code) >= sizeof outcome->code) {
        outcome->status = STORE_DOWN;
        return;
    }
    strcpy(outcome->code, code);
    outcome->status = STORE_OK;
    outcome->is_new = sqlite3_column_int64(row, 1) == 1;
    outcome->asked_before = !outcome->is_new && sqlite3_column_int(row, 2) == 1;
}

/* Runs CLAIM or FIND to its end. Returns SQLITE_ROW with outcome, SQLITE_DONE when there was no
 * row, or the error. */
static int outcome_select(sqlite3_stmt *statement, struct outcome *outcome)
{
    int first = sqlite3_step(statement);
    int last = first;

    if (first == SQLITE_ROW) {
        outcome_read(outcome, statement);
        last = sqlite3_step(statement);
    }
    sqlite3_reset(statement);
    return last == SQLITE_DONE ? first : last;
}

/* Returns 0 with outcome, or -1 when the whole transaction has failed. */
static int claim_run(struct sqlite_writer *writer, const struct record_claim *claim,
                     struct outcome *outcome)
{
    sqlite3_stmt *statement = writer->statements[CLAIM];
    struct parameters parameters;

    parameters_format(&parameters, claim, writer->trusted_us);
    claim_bind(statement, claim, &parameters);
    int code = outcome_select(statement, outcome);
    sqlite3_clear_bindings(statement);

    if (code == SQLITE_DONE) {
        claim_bind(writer->statements[FIND], claim, &parameters);
        code = outcome_select(writer->statements[FIND], outcome);
        sqlite3_clear_bindings(writer->statements[FIND]);
    } else if (code == SQLITE_CONSTRAINT_UNIQUE) {
        /* The hash has its own clause, so this is the code. Only the statement was undone. */
        outcome->status = STORE_CONFLICT;
        return 0;
    }
    return code == SQLITE_ROW ? 0 : -1;
}

/* A commit into a file that was moved or replaced would be lost with it. */
static bool file_moved(sqlite3 *database)
{
    int moved = 0;

    return sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved;
}

static int batch_run(struct sqlite_writer *writer, const struct record_claim *claims,
                     char error[STORE_ERROR_MAX])
{
    struct outcome *outcome = writer->outcomes;

    if (statement_run(writer->statements[BEGIN]) != 0)
        return sqlite_explain(writer->database, error);
    if (!claims && statement_run(writer->statements[TOUCH]) != 0)
        return sqlite_explain(writer->database, error);
    for (const struct record_claim *claim = claims; claim; claim = claim->next) {
        if (claim_run(writer, claim, outcome++) != 0)
            return sqlite_explain(writer->database, error);
    }
    if (file_moved(writer->database)) {
        snprintf(error, STORE_ERROR_MAX, "%.120s: the file was moved or deleted",
                 sqlite3_db_filename(writer->database, "main"));
        return -1;
    }
    if (statement_run(writer->statements[COMMIT]) != 0)
        return sqlite_explain(writer->database, error);
    return 0;
}

int sqlite_writer_commit(struct sqlite_writer *writer, struct record_claim *claims,
                         char error[STORE_ERROR_MAX])
{
    const struct outcome *outcome = writer->outcomes;

    if (batch_run(writer, claims, error) != 0) {
        if (!sqlite3_get_autocommit(writer->database))
            sqlite3_exec(writer->database, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    for (struct record_claim *claim = claims; claim; claim = claim->next, outcome++) {
        claim->ticket.status = outcome->status;
        if (outcome->status != STORE_OK)
            continue;
        claim->is_new = outcome->is_new;
        claim->asked_before = outcome->asked_before;
        memcpy(claim->code, outcome->code, sizeof claim->code);
    }
    return 0;
}

int sqlite_writer_sweep(struct sqlite_writer *writer, struct record_sweep *sweep,
                        char error[STORE_ERROR_MAX])
{
    int status = sqlite_sweep_step(writer->database, sweep, error);

    if (sweep->survey.trusted_us != INT64_MIN)
        writer->trusted_us = sweep->survey.trusted_us;
    return status;
}

static struct record_sums sums_read(sqlite3_stmt *row)
{
    return (struct record_sums){sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2),
                                sqlite3_column_int64(row, 3)};
}

int sqlite_writer_totals(struct sqlite_writer *writer, struct record_totals *totals,
                         char error[STORE_ERROR_MAX])
{
    sqlite3_stmt *all = writer->statements[TOTALS];
    sqlite3_stmt *hours = writer->statements[HOURS];
    char since[64];
    int code;

    time_format(totals->since_s * 1000000, since);
    text_bind(hours, 1, since, strlen("YYYY-MM-DD HH"));
    while ((code = sqlite3_step(hours)) == SQLITE_ROW) {
        const struct record_sums sums = sums_read(hours);
        record_totals_put(totals, sqlite3_column_int64(hours, 0), &sums);
    }
    sqlite3_reset(hours);
    sqlite3_clear_bindings(hours);
    if (code == SQLITE_DONE && sqlite3_step(all) == SQLITE_ROW) {
        totals->all = sums_read(all);
        record_totals_backup(totals, (const char *)sqlite3_column_text(all, 4));
    } else {
        code = SQLITE_ERROR;
    }
    sqlite3_reset(all);
    return code == SQLITE_DONE ? 0 : sqlite_explain(writer->database, error);
}
