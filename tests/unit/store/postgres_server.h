/*
 * A private PostgreSQL for tests, databases in it, and a pgbouncer before it.
 */
#ifndef POSTGRES_SERVER_H
#define POSTGRES_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "temporary_folder.h"
#include <dirent.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POSTGRES_URL_MAX 192
#define BENCH_TEXT_MAX 256 /* what SQL answers, with its NUL */

struct postgres_server {
    char folder[TEMPORARY_FOLDER_MAX]; /* with its socket */
    pid_t pid;
    pid_t pooler; /* 0: none */
    int port;
    const char *options[8]; /* "name=value", more than tests/servers/postgres-server gives */
    unsigned databases;
};

static inline void postgres_url_format(const struct postgres_server *server, const char *database,
                                       char url[POSTGRES_URL_MAX])
{
    snprintf(url, POSTGRES_URL_MAX, "postgresql:///%s?host=%s&port=%d&user=uic", database,
             server->folder, server->port);
}

/* Runs SQL on a database, as an operator would; the first column of the first row. */
static inline void postgres_sql(const char *url, const char *sql, char text[BENCH_TEXT_MAX])
{
    PGconn *pg = PQconnectdb(url);

    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(pg));
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    const char *value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    snprintf(text, BENCH_TEXT_MAX, "%s",
             PQntuples(result) > 0 && PQgetisnull(result, 0, 0) ? "NULL" : value);
    PQclear(result);
    PQfinish(pg);
}

/* A connection that was closed is still seen for a moment. */
static inline void postgres_wait_until_alone(const char *url)
{
    char count[BENCH_TEXT_MAX] = "";

    while (strcmp(count, "0") != 0)
        postgres_sql(
            url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'whatsapp-uic'",
            count);
}

/* Waits until the process answers at the URL. */
static inline void postgres_wait(const char *url, pid_t pid)
{
    for (int tries = 0; PQping(url) != PQPING_OK; tries++) {
        int status;
        if (tries == 3000 || waitpid(pid, &status, WNOHANG) != 0)
            fail_msg("%s does not start", url);
        usleep(10 * 1000);
    }
}

/* Starts, or starts again. */
static inline void postgres_server_run(struct postgres_server *server)
{
    const char *argv[32] = {"postgres-server", server->folder};
    char port[32];
    char url[POSTGRES_URL_MAX];
    int argc = 2;

    snprintf(port, sizeof port, "port=%d", server->port);
    argv[argc++] = "-c";
    argv[argc++] = port;
    for (int i = 0; server->options[i]; i++) {
        argv[argc++] = "-c";
        argv[argc++] = server->options[i];
    }
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        execv(SOURCE_DIR "/tests/servers/postgres-server", (char *const *)argv);
        _exit(9);
    }
    postgres_url_format(server, "postgres", url);
    postgres_wait(url, server->pid);
}

static inline void postgres_server_start(struct postgres_server *server)
{
    memset(server, 0, sizeof *server);
    server->port = 5432;
    temporary_folder("postgres", server->folder);
    postgres_server_run(server);
}

static inline void postgres_pooler_url(char url[POSTGRES_URL_MAX])
{
    strcat(url, "&port=6432");
}

static inline void postgres_pooler_start(struct postgres_server *server)
{
    char url[POSTGRES_URL_MAX];

    server->pooler = fork();
    assert_true(server->pooler >= 0);
    if (server->pooler == 0) {
        execl(SOURCE_DIR "/tests/servers/postgres-pooler", "postgres-pooler", server->folder, NULL);
        _exit(9);
    }
    postgres_url_format(server, "postgres", url);
    postgres_pooler_url(url);
    postgres_wait(url, server->pooler);
}

/* SIGINT: ends connections and stops; SIGQUIT: dies as on a crash. */
static inline void postgres_server_end(struct postgres_server *server, int signal)
{
    int status;

    assert_int_equal(kill(server->pid, signal), 0);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    server->pid = 0;
}

static inline void postgres_server_stop(struct postgres_server *server)
{
    char command[128];

    if (server->pooler > 0) {
        assert_int_equal(kill(server->pooler, SIGTERM), 0);
        assert_int_equal(waitpid(server->pooler, NULL, 0), server->pooler);
    }
    if (server->pid > 0)
        postgres_server_end(server, SIGQUIT);
    snprintf(command, sizeof command, "rm -rf '%s'", server->folder);
    assert_int_equal(system(command), 0);
}

/* Signals the server and all its processes: SIGSTOP and SIGCONT. */
static inline void postgres_server_signal(const struct postgres_server *server, int signal)
{
    char path[64];
    int child;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)server->pid, (int)server->pid);
    if (signal == SIGSTOP)
        assert_int_equal(kill(server->pid, signal), 0);
    FILE *children = fopen(path, "r");
    assert_non_null(children);
    while (fscanf(children, "%d", &child) == 1)
        kill(child, signal);
    fclose(children);
    if (signal != SIGSTOP)
        assert_int_equal(kill(server->pid, signal), 0);
}

/* Makes an empty database and gives its URL. */
static inline void postgres_database(struct postgres_server *server, const char *options,
                                     char url[POSTGRES_URL_MAX])
{
    char name[32];
    char sql[256];
    char text[BENCH_TEXT_MAX];

    snprintf(name, sizeof name, "test%u", ++server->databases);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0 %s", name, options);
    postgres_url_format(server, "postgres", url);
    postgres_sql(url, sql, text);
    postgres_url_format(server, name, url);
    if (server->pooler > 0)
        postgres_pooler_url(url);
}

#endif
