/*
 * PostgreSQL's side of sql.h: statements are sent, and their results awaited with poll() until the
 * deadline. A connection on which it has passed is not used again.
 */
#include "store/base/clock.h"
#include "store/sql/postgres_connect.h"
#include "store/sql/sql_driver.h"

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
    bool streams;              /* rows come one by one */
    bool under_way;            /* a statement has results to come */
    char last_word[ERROR_MAX]; /* of the server, before it closed the connection */
};

static struct postgres *postgres_of(struct sql *sql)
{
    return (struct postgres *)sql;
}

static void result_describe(const PGresult *result, char why[ERROR_MAX])
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (text != NULL && code != NULL)
        snprintf(why, ERROR_MAX, "%.160s (%.5s)", text, code);
    else
        snprintf(why, ERROR_MAX, "%.200s", PQresultErrorMessage(result));
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
        snprintf(postgres->last_word, sizeof postgres->last_word, "%s", why);
    return sql_explain(&postgres->sql, SQL_DOWN, "%s", postgres->last_word);
}

/* It broke: why the server closed it, if it said so, is told before that it is closed. */
static enum sql_result broken(struct postgres *postgres)
{
    return lost(postgres, PQerrorMessage(postgres->pg));
}

/* Returns SQL_DONE when there is something to read, or room to write. */
static enum sql_result await(struct postgres *postgres, short what)
{
    return postgres_await(postgres->pg, what, postgres->sql.due_ms)
               ? SQL_DONE
               : lost(postgres, "no answer in time");
}

static enum sql_result input_take(struct postgres *postgres)
{
    /* Under TLS, bytes may wait that the socket does not show any more. */
    for (int reads = PQsslInUse(postgres->pg) ? 4 : 1; reads > 0; reads--) {
        if (PQconsumeInput(postgres->pg) != 1)
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
    const enum sql_result verdict = failure_judge(state != NULL ? state : "");
    struct sql *sql = &postgres->sql;
    char why[ERROR_MAX];

    result_describe(result, why);
    snprintf(sql->state, sizeof sql->state, "%s", state != NULL ? state : "");
    snprintf(sql->constraint, sizeof sql->constraint, "%s", constraint != NULL ? constraint : "");
    PQclear(result);
    while (postgres->under_way && result_await(postgres, &result) == SQL_DONE)
        PQclear(result);
    return PQstatus(postgres->pg) == CONNECTION_OK ? sql_explain(sql, verdict, "%s", why)
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
    while (postgres->under_way) {
        if (result_await(postgres, &result) != SQL_DONE)
            return SQL_DOWN;
        if (result == NULL)
            break;
        const ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
            return fail(postgres, result);
        row_forget(postgres);
        postgres->result = result;
        sql->changed = strtoll(PQcmdTuples(result), NULL, 10);
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

    do
        row_forget(postgres);
    while (postgres->under_way && (result = postgres_next(&postgres->sql)) != SQL_DOWN);
    return result == SQL_DOWN ? SQL_DOWN : SQL_DONE;
}

/* Whether it was sent. */
static enum sql_result begin(struct postgres *postgres, int sent)
{
    if (sent != 1)
        return broken(postgres);
    if (postgres->streams)
        PQsetSingleRowMode(postgres->pg);
    postgres->under_way = true;
    return flush(postgres);
}

static enum sql_result postgres_start(struct sql *sql, const char *statement, int index,
                                      const struct sql_value *values, int count)
{
    struct postgres *postgres = postgres_of(sql);

    if (postgres->last_word[0] != '\0')
        return sql_explain(sql, SQL_DOWN, "%s", postgres->last_word);
    if (count > VALUES_MAX)
        return sql_explain(sql, SQL_FAILED, "too many values");
    if (statement_end(postgres) != SQL_DONE)
        return SQL_DOWN;
    return begin(postgres, count == 0 && index < 0
                               ? PQsendQuery(postgres->pg, statement)
                               : values_send(postgres, statement, index, values, count));
}

/* A pooler gives each transaction another server process: what we prepare there would be other
 * people's. */
static enum sql_result postgres_keep(struct sql *sql, int index)
{
    struct postgres *postgres = postgres_of(sql);
    char name[16];

    if (sql->pooled)
        return SQL_DONE;
    if (statement_end(postgres) != SQL_DONE)
        return SQL_DOWN;
    snprintf(name, sizeof name, "uic_%d", index);
    const enum sql_result result =
        begin(postgres, PQsendPrepare(postgres->pg, name, sql->kept[index], 0, NULL));
    return result == SQL_DONE ? postgres_next(sql) : result;
}

static void postgres_close(struct sql *sql)
{
    struct postgres *postgres = postgres_of(sql);

    row_forget(postgres);
    PQfinish(postgres->pg);
    free(postgres);
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

enum sql_result sql_hear(struct sql *sql)
{
    const enum sql_result result = input_take(postgres_of(sql));

    PQisBusy(postgres_of(sql)->pg); /* reads a notice, perhaps the last word */
    return result;
}

static const struct sql_driver driver = {
    .close = postgres_close,
    .keep = postgres_keep,
    .start = postgres_start,
    .next = postgres_next,
    .column = postgres_column,
    .column_name = postgres_column_name,
};

/* What is said first. A pooler's process number is of its own making. */
static enum sql_result greet(struct postgres *postgres, enum sql_access access)
{
    int64_t pid = 0;

    PQsetNoticeReceiver(postgres->pg, on_notice, postgres);
    if (PQsetnonblocking(postgres->pg, 1) != 0)
        return broken(postgres);
    if (access == SQL_READ) {
        const enum sql_result result =
            sql_run(&postgres->sql,
                    "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                    " SET LOCAL DateStyle = ISO; SET LOCAL TimeZone = 'UTC'",
                    SQL_NOTHING, NULL);
        postgres->streams = true;
        return result;
    }
    const enum sql_result result =
        sql_run(&postgres->sql, "SELECT pg_backend_pid()", SQL_NOTHING, &pid);
    postgres->sql.pooled = pid != PQbackendPID(postgres->pg);
    return result;
}

struct sql *sql_postgres_open(const char *url, enum sql_access access, int connect_ms, bool *away,
                              char error[ERROR_MAX])
{
    struct postgres *postgres = calloc(1, sizeof *postgres);

    if (postgres == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    struct sql *sql = &postgres->sql;
    *sql = (struct sql){.driver = &driver, .dialect = SQL_POSTGRES};
    sql->due_ms = clock_monotonic_ms() + connect_ms;
    postgres->pg = postgres_connect(sql, url, connect_ms, away);
    const enum sql_result greeted = postgres->pg != NULL ? greet(postgres, access) : SQL_DONE;
    if (greeted == SQL_DOWN && away != NULL)
        *away = true; /* a pooler was there, and nobody behind it */
    if (postgres->pg == NULL || greeted != SQL_DONE) {
        sql_finish(sql, SQL_DOWN, error);
        return NULL;
    }
    sql->due_ms = 0;
    sql->socket = PQsocket(postgres->pg);
    return sql;
}
