/*
 * PostgreSQL's side of sql.h: statements are sent, and their results awaited with poll() until the
 * deadline. A connection on which it has passed is not used again.
 */
#include "store/base/clock.h"
#include "store/records/postgres_connect.h"
#include "store/records/sql_driver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 16

struct postgres {
    struct sql sql; /* first */
    PGconn *pg;
    PGresult *result; /* with the row */
    int row;
    bool streams;   /* rows come one by one */
    bool under_way; /* a statement has results to come */
    int64_t due_ms; /* of what is awaited; 0: never */
    char place[POSTGRES_PLACE_MAX];
    char last_word[STORE_ERROR_MAX]; /* of the server, before it closed the connection */
};

static struct postgres *postgres_of(struct sql *sql)
{
    return (struct postgres *)sql;
}

static void result_describe(const PGresult *result, char why[STORE_ERROR_MAX])
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (text != NULL && code != NULL)
        snprintf(why, STORE_ERROR_MAX, "%.160s (%.5s)", text, code);
    else
        snprintf(why, STORE_ERROR_MAX, "%.200s", PQresultErrorMessage(result));
}

/* What the server says unasked: the last words before it closes the connection. */
static void on_notice(void *arg, const PGresult *notice)
{
    struct postgres *postgres = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        result_describe(notice, postgres->last_word);
}

/* The connection is of no use any more; the first reason is told again, should it be used. */
static enum sql_result lost(struct postgres *postgres, const char *why)
{
    postgres->under_way = false;
    if (postgres->last_word[0] == '\0')
        snprintf(postgres->last_word, sizeof postgres->last_word, "%.*s", (int)strcspn(why, "\n"),
                 why);
    return sql_explain(&postgres->sql, SQL_DOWN, postgres->last_word);
}

/* It broke: why the server closed it, if it said so, is told before that it is closed. */
static enum sql_result broken(struct postgres *postgres)
{
    return lost(postgres, PQerrorMessage(postgres->pg));
}

/* Returns SQL_DONE when there is something to read, or room to write. */
static enum sql_result await(struct postgres *postgres, short what)
{
    struct pollfd socket = {.fd = PQsocket(postgres->pg), .events = what};
    int ready;

    do {
        int64_t left = postgres->due_ms > 0 ? postgres->due_ms - clock_monotonic_ms() : -1;
        ready = poll(&socket, 1, postgres->due_ms == 0 ? -1 : left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return SQL_DONE;
    return lost(postgres, "no answer in time");
}

static enum sql_result input_take(struct postgres *postgres)
{
    /* Under TLS, bytes may wait that the socket does not show any more. */
    for (int reads = PQsslInUse(postgres->pg) ? 4 : 1; reads > 0; reads--) {
        if (!PQconsumeInput(postgres->pg))
            return broken(postgres);
    }
    return SQL_DONE;
}

static enum sql_result flush(struct postgres *postgres)
{
    int left;

    while ((left = PQflush(postgres->pg)) > 0) {
        if (await(postgres, POLLIN | POLLOUT) < 0 || input_take(postgres) < 0)
            return SQL_DOWN;
    }
    return left < 0 ? broken(postgres) : SQL_DONE;
}

/* The next result; none: the statement is over. */
static enum sql_result result_await(struct postgres *postgres, PGresult **result)
{
    while (PQisBusy(postgres->pg)) {
        if (await(postgres, POLLIN) < 0 || input_take(postgres) < 0)
            return SQL_DOWN;
    }
    *result = PQgetResult(postgres->pg);
    postgres->under_way = *result != NULL;
    return SQL_DONE;
}

static enum sql_result failure_judge(const char *state)
{
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
        return SQL_AGAIN; /* serialization, deadlock */
    if (strcmp(state, "23505") == 0)
        return SQL_UNIQUE;
    /* Another constraint; a character that the server does not take; a trigger of an operator's; a
     * lock timeout. */
    if (strncmp(state, "23", 2) == 0 || strncmp(state, "22", 2) == 0 ||
        strncmp(state, "P0", 2) == 0 || strcmp(state, "55P03") == 0)
        return SQL_REFUSED;
    return SQL_FAILED;
}

/* What else the statement gives is of no interest: the first failure counts. */
static enum sql_result fail(struct postgres *postgres, PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    enum sql_result verdict = failure_judge(state != NULL ? state : "");
    struct sql *sql = &postgres->sql;
    char why[STORE_ERROR_MAX];

    result_describe(result, why);
    snprintf(sql->state, sizeof sql->state, "%s", state != NULL ? state : "");
    snprintf(sql->constraint, sizeof sql->constraint, "%s", constraint != NULL ? constraint : "");
    PQclear(result);
    while (postgres->under_way && result_await(postgres, &result) == SQL_DONE)
        PQclear(result);
    return PQstatus(postgres->pg) == CONNECTION_OK ? sql_explain(sql, verdict, why)
                                                   : lost(postgres, why);
}

static void row_forget(struct postgres *postgres)
{
    PQclear(postgres->result);
    postgres->result = NULL;
    postgres->row = 0;
}

static enum sql_result postgres_next(struct sql *sql)
{
    struct postgres *postgres = postgres_of(sql);
    PGresult *result;

    if (postgres->result != NULL && ++postgres->row < PQntuples(postgres->result))
        return SQL_ROW;
    if (postgres->under_way && sql->answer_ms > 0 && postgres->result != NULL)
        postgres->due_ms = clock_monotonic_ms() + sql->answer_ms;
    while (postgres->under_way) {
        if (result_await(postgres, &result) < 0)
            return SQL_DOWN;
        if (result == NULL)
            break;
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
            return fail(postgres, result);
        row_forget(postgres);
        postgres->result = result;
        if (PQntuples(result) > 0)
            return SQL_ROW;
    }
    return SQL_DONE;
}

static int values_send(struct postgres *postgres, const char *statement, int index,
                       const struct sql_value *values, int count)
{
    char numbers[VALUES_MAX][24], name[16];
    const char *texts[VALUES_MAX];
    int lengths[VALUES_MAX], formats[VALUES_MAX];

    for (int i = 0; i < count; i++) {
        texts[i] = values[i].type == SQL_NULL ? NULL : values[i].bytes;
        lengths[i] = (int)values[i].length;
        formats[i] = values[i].type == SQL_BYTES;
        if (values[i].type == SQL_NUMBER) {
            snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)values[i].number);
            texts[i] = numbers[i];
        }
    }
    if (index < 0 || postgres->sql.pooled)
        return PQsendQueryParams(postgres->pg, statement, count, NULL, texts, lengths, formats, 0);
    snprintf(name, sizeof name, "uic_%d", index);
    return PQsendQueryPrepared(postgres->pg, name, count, texts, lengths, formats, 0);
}

/* Ends the statement under way. */
static enum sql_result statement_end(struct postgres *postgres)
{
    enum sql_result result = SQL_DONE;

    if (postgres->sql.answer_ms > 0)
        postgres->due_ms = clock_monotonic_ms() + postgres->sql.answer_ms;
    else
        postgres->due_ms = 0;
    postgres->row = 0;
    while (postgres->under_way && result != SQL_DOWN) {
        row_forget(postgres);
        result = postgres_next(&postgres->sql);
    }
    row_forget(postgres);
    return result == SQL_DOWN ? SQL_DOWN : SQL_DONE;
}

static enum sql_result postgres_start(struct sql *sql, const char *statement, int index,
                                      const struct sql_value *values, int count)
{
    struct postgres *postgres = postgres_of(sql);
    int sent;

    if (postgres->last_word[0] != '\0')
        return sql_explain(sql, SQL_DOWN, postgres->last_word);
    if (count > VALUES_MAX)
        return sql_explain(sql, SQL_FAILED, "too many values");
    if (statement_end(postgres) < 0)
        return SQL_DOWN;
    if (count == 0 && index < 0)
        sent = PQsendQuery(postgres->pg, statement);
    else
        sent = values_send(postgres, statement, index, values, count);
    if (!sent)
        return broken(postgres);
    if (postgres->streams)
        PQsetSingleRowMode(postgres->pg);
    postgres->under_way = true;
    return flush(postgres);
}

static enum sql_result postgres_keep(struct sql *sql, int index)
{
    struct postgres *postgres = postgres_of(sql);
    enum sql_result result;
    char name[16];

    /* A pooler gives each transaction another server process: what we prepare there would be other
     * people's. */
    if (sql->pooled)
        return SQL_DONE;
    if (statement_end(postgres) < 0)
        return SQL_DOWN;
    snprintf(name, sizeof name, "uic_%d", index);
    if (!PQsendPrepare(postgres->pg, name, sql->kept[index], 0, NULL))
        return broken(postgres);
    postgres->under_way = true;
    result = flush(postgres);
    return result == SQL_DONE ? postgres_next(sql) : result;
}

static void postgres_close(struct sql *sql)
{
    struct postgres *postgres = postgres_of(sql);

    row_forget(postgres);
    PQfinish(postgres->pg);
    free(postgres);
}

static int64_t postgres_changed(const struct sql *sql)
{
    return strtoll(PQcmdTuples(((const struct postgres *)sql)->result), NULL, 10);
}

static const char *postgres_column(const struct sql *sql, int column, size_t *length)
{
    const struct postgres *postgres = (const struct postgres *)sql;

    *length = (size_t)PQgetlength(postgres->result, postgres->row, column);
    return PQgetisnull(postgres->result, postgres->row, column)
               ? NULL
               : PQgetvalue(postgres->result, postgres->row, column);
}

static const char *postgres_column_name(const struct sql *sql, int column)
{
    const PGresult *result = ((const struct postgres *)sql)->result;

    return column < PQnfields(result) ? PQfname(result, column) : NULL;
}

static const char *postgres_place(const struct sql *sql)
{
    return ((const struct postgres *)sql)->place;
}

int sql_postgres_socket(const struct sql *sql)
{
    return PQsocket(((const struct postgres *)sql)->pg);
}

enum sql_result sql_postgres_hear(struct sql *sql)
{
    struct postgres *postgres = postgres_of(sql);
    enum sql_result result = input_take(postgres);

    PQisBusy(postgres->pg); /* reads a notice, perhaps the last word */
    return result;
}

static const struct sql_driver driver = {
    .close = postgres_close,
    .keep = postgres_keep,
    .start = postgres_start,
    .next = postgres_next,
    .changed = postgres_changed,
    .column = postgres_column,
    .column_name = postgres_column_name,
    .place = postgres_place,
};

/* What is said first. A pooler's process number is of its own making. */
static enum sql_result greet(struct postgres *postgres, enum sql_access access, int ms)
{
    enum sql_result result;
    int64_t pid = 0;

    PQsetNoticeReceiver(postgres->pg, on_notice, postgres);
    if (PQsetnonblocking(postgres->pg, 1) != 0)
        return broken(postgres);
    postgres->sql.answer_ms = ms;
    if (access == SQL_READ) {
        result = sql_run(&postgres->sql,
                         "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                         " SET LOCAL DateStyle = ISO; SET LOCAL TimeZone = 'UTC'",
                         SQL_NOTHING, NULL);
    } else {
        result = sql_run(&postgres->sql, "SELECT pg_backend_pid()", SQL_NOTHING, &pid);
        postgres->sql.pooled = pid != PQbackendPID(postgres->pg);
    }
    postgres->sql.answer_ms = 0;
    postgres->streams = access == SQL_READ;
    return result;
}

struct sql *sql_postgres_open(const char *url, enum sql_access access, int connect_ms, bool *away,
                              char error[STORE_ERROR_MAX])
{
    struct postgres *postgres = calloc(1, sizeof *postgres);
    const int64_t due_ms = clock_monotonic_ms() + connect_ms;

    if (postgres == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    postgres->sql = (struct sql){.driver = &driver, .dialect = SQL_POSTGRES};
    postgres->pg = postgres_connect_within(url, connect_ms, away, postgres->place, error);
    if (postgres->pg == NULL) {
        free(postgres);
        return NULL;
    }
    int left = (int)(due_ms - clock_monotonic_ms());
    if (greet(postgres, access, left > 1 ? left : 1) == SQL_DONE)
        return &postgres->sql;
    snprintf(error, STORE_ERROR_MAX, "%s", postgres->sql.error);
    postgres_close(&postgres->sql);
    return NULL;
}
