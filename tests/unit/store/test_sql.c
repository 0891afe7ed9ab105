/*
 * Statements with deadlines, the same on SQLite, on PostgreSQL, and on PostgreSQL through a pooler.
 */
#include "record_bench.h"

#include "store/base/clock.h"
#include "store/sql/sql.h"
#include <netinet/in.h>
#include <sys/socket.h>

static struct bench bench;
static struct sql *sql;
static char error[ERROR_MAX];

static int setup(void **state)
{
    (void)state;
    bench_folder(&bench);
    sql = sql_open(bench.url, SQL_CREATE, 5000, NULL, error);
    if (sql == NULL)
        fail_msg("%s", error);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sql_close(sql);
    bench_remove(&bench);
    return 0;
}

#define assert_runs(...)                           \
    do {                                           \
        if (sql_run(sql, __VA_ARGS__) != SQL_DONE) \
            fail_msg("%s", sql->error);            \
    } while (0)

/* A script: several statements at once. */
static void table_make(void)
{
    if (sql->dialect == SQL_SQLITE)
        assert_runs("PRAGMA journal_mode = WAL", SQL_NOTHING, NULL);
    assert_runs("CREATE TABLE t (a integer PRIMARY KEY, b text CONSTRAINT t_b UNIQUE);\n"
                "INSERT INTO t VALUES (1, 'one'); INSERT INTO t VALUES (2, NULL);\n",
                SQL_NOTHING, NULL);
}

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    table_make();
    assert_int_equal(sql->dialect, SQL(SQL_SQLITE, SQL_POSTGRES));
    assert_runs("INSERT INTO t VALUES ($2, $1)",
                SQL_VALUES(sql_text("l'été \"'; DROP"), sql_number(3)), NULL);
    assert_int_equal(sql_query(sql, "SELECT b, a, a AS c FROM t WHERE a > $1 ORDER BY a",
                               SQL_VALUES(sql_number(1))),
                     SQL_ROW);
    assert_null(sql_column(sql, 0));
    assert_int_equal(sql_column_number(sql, 0), INT64_MIN);
    assert_int_equal(sql_column_number(sql, 1), 2);
    assert_int_equal(sql_next(sql), SQL_ROW);
    assert_string_equal(sql_column(sql, 0), "l'été \"'; DROP");
    assert_int_equal(sql_column_length(sql, 0), strlen("l'été \"'; DROP"));
    assert_string_equal(sql_column_name(sql, 2), "c");
    assert_int_equal(sql_next(sql), SQL_DONE);
    assert_null(sql_column_name(sql, 3));
}

static void a_run_says_what_it_found_or_changed(void **state)
{
    (void)state;
    int64_t number = 0;

    table_make();
    assert_runs("SELECT count(*) + 40 FROM t", SQL_NOTHING, &number);
    assert_int_equal(number, 42);
    assert_runs("UPDATE t SET b = NULL WHERE a < $1", SQL_VALUES(sql_number(9)), &number);
    assert_int_equal(number, 2);
    assert_runs("DELETE FROM t WHERE b = $1", SQL_VALUES(sql_text("x")), &number);
    assert_int_equal(number, 0);
    /* A blob; in PostgreSQL binary. */
    assert_runs(SQL("SELECT length($1)", "SELECT length($1::bytea)"),
                SQL_VALUES(sql_bytes("a\0b", 3)), &number);
    assert_int_equal(number, 3);
}

static void columns_have_names_without_rows(void **state)
{
    (void)state;
    table_make();
    assert_int_equal(sql_query(sql, "SELECT * FROM t LIMIT 0", SQL_NOTHING), SQL_DONE);
    assert_string_equal(sql_column_name(sql, 1), "b");
    assert_null(sql_column_name(sql, 2));
}

static void kept_statements_are_run_again(void **state)
{
    (void)state;
    static const char insert[] = "INSERT INTO t VALUES ($1, $2)";
    static const char count[] = "SELECT count(*) FROM t WHERE a >= $1";
    int64_t number;

    table_make();
    assert_int_equal(sql_keep(sql, insert), SQL_DONE);
    assert_int_equal(sql_keep(sql, count), SQL_DONE);
    for (int i = 10; i < 20; i++) {
        assert_runs(insert, SQL_VALUES(sql_number(i), sql_text(NULL)), NULL);
        assert_runs(count, SQL_VALUES(sql_number(10)), &number);
        assert_int_equal(number, i - 9);
    }
    assert_int_equal(sql->pooled, bench_server.pooler != 0);
}

static void failures_have_their_kinds(void **state)
{
    (void)state;
    int64_t number;

    table_make();
    assert_int_equal(sql_run(sql, "INSERT INTO t VALUES (3, 'one')", SQL_NOTHING, NULL),
                     SQL_UNIQUE);
    assert_string_equal(sql->constraint, SQL("t.b", "t_b"));
    assert_null(strchr(sql->error, '\n'));
    assert_int_equal(sql_run(sql, "SELEC 1", SQL_NOTHING, NULL), SQL_FAILED);
    assert_non_null(strstr(sql->error, SQL(bench.path, "PostgreSQL at /")));
    assert_non_null(strstr(sql->error, "syntax error"));
    assert_int_equal(sql_run(sql, "SELECT 1 FROM nowhere", SQL_NOTHING, NULL), SQL_FAILED);
    assert_string_equal(sql->state, SQL("", "42P01"));
    assert_int_equal(sql_run(sql, SQL("SELECT abs(-9223372036854775807 - 1)", "SELECT 1 / 0"),
                             SQL_NOTHING, NULL),
                     SQL(SQL_FAILED, SQL_REFUSED));
    /* It goes on as if nothing had been. */
    assert_runs("SELECT count(*) FROM t", SQL_NOTHING, &number);
    assert_int_equal(number, 2);
    assert_string_equal(sql->error, "");
}

static void what_is_not_committed_is_undone(void **state)
{
    (void)state;
    table_make();
    assert_runs("BEGIN", SQL_NOTHING, NULL);
    assert_runs("DELETE FROM t", SQL_NOTHING, NULL);
    assert_runs("ROLLBACK", SQL_NOTHING, NULL);
    assert_runs("BEGIN", SQL_NOTHING, NULL);
    assert_runs("DELETE FROM t WHERE a = 1", SQL_NOTHING, NULL);
    assert_runs("COMMIT", SQL_NOTHING, NULL);
    assert_runs("BEGIN", SQL_NOTHING, NULL);
    assert_runs("DELETE FROM t", SQL_NOTHING, NULL);
    sql_close(sql);
    sql = sql_open(bench.url, SQL_WRITE, 5000, NULL, error);
    assert_sql(&bench, "SELECT count(*) FROM t", "1");
}

/* A statement under way is left for another. */
static void a_reader_sees_one_state_and_cannot_write(void **state)
{
    (void)state;
    struct sql *reader;
    int64_t number = 0;
    int rows = 0;

    table_make();
    assert_runs("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                " INSERT INTO t SELECT i + 10, 'n' || i FROM n",
                SQL_NOTHING, NULL);
    reader = sql_open(bench.url, SQL_READ, 5000, NULL, error);
    if (reader == NULL)
        fail_msg("%s", error);
    assert_int_equal(sql_run(reader, "SELECT count(*) FROM t", SQL_NOTHING, &number), SQL_DONE);
    assert_int_equal(number, 5002);
    assert_runs("DELETE FROM t", SQL_NOTHING, NULL);
    assert_int_equal(sql_query(reader, "SELECT a, b FROM t", SQL_NOTHING), SQL_ROW);
    assert_int_equal(sql_query(reader, "SELECT a FROM t WHERE a > $1", SQL_VALUES(sql_number(2))),
                     SQL_ROW);
    do
        rows++;
    while (sql_next(reader) == SQL_ROW);
    assert_int_equal(rows, 5000);
    assert_int_equal(sql_run(reader, "DELETE FROM t", SQL_NOTHING, NULL),
                     SQL(SQL_DOWN, SQL_FAILED)); /* SQLITE_READONLY */
    sql_close(reader);
}

static void who_waits_for_a_lock_hears_when_it_is_too_long(void **state)
{
    (void)state;
    struct sql *other = sql_open(bench.url, SQL_WRITE, 5000, NULL, error);
    int64_t number;

    assert_non_null(other);
    table_make();
    sql->due_ms = clock_monotonic_ms() + 300;
    assert_int_equal(
        sql_run(other, SQL("BEGIN IMMEDIATE", "BEGIN; LOCK TABLE t"), SQL_NOTHING, NULL), SQL_DONE);
    assert_int_equal(sql_run(sql, "DELETE FROM t", SQL_NOTHING, NULL), SQL(SQL_AGAIN, SQL_DOWN));
    assert_non_null(strstr(sql->error, SQL("locked", "no answer in time")));
    sql_close(other);
    /* Whether PostgreSQL has done it nobody knows: the connection is not used again. */
    sql->due_ms = 0;
    assert_int_equal(sql_run(sql, "SELECT 1", SQL_NOTHING, &number), SQL(SQL_DONE, SQL_DOWN));
}

static void urls_are_judged_without_opening(void **state)
{
    (void)state;
    assert_int_equal(sql_url_dialect("sqlite:///x.db", error), SQL_SQLITE);
    assert_int_equal(sql_url_dialect("postgres://a,b/x?port=1,2", error), SQL_POSTGRES);
    assert_int_equal(sql_url_dialect("mysql://s3cret@a", error), -1);
    assert_int_equal(sql_url_dialect("sqlite:///x.db?s3cret=1", error), -1);
    assert_int_equal(sql_url_dialect("postgresql://uic:s3@cret@a/b", error), -1);
    assert_null(strstr(error, "cret"));
    assert_null(sql_open("sqlite:////nowhere/x.db", SQL_CREATE, 100, NULL, error));
    assert_non_null(strstr(error, "/nowhere/x.db: No such file"));
}

/* Takes connections and never says a word. */
static int listener_open(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* One by one each host is the first. */
static void silent_hosts_do_not_hide_the_one_behind(void **state)
{
    (void)state;
    int port, attempts = 1, listener = listener_open(&port);
    char url[POSTGRES_URL_MAX];
    struct sql *found = NULL;

    snprintf(url, sizeof url,
             "postgresql://uic@/postgres?host=127.0.0.1,127.0.0.1,%s&port=%d,%d,%d",
             bench_server.folder, port, port, bench_server.port);
    while (!(found = sql_open(url, SQL_WRITE, 500, NULL, error)))
        assert_true(++attempts <= 3);
    sql_close(found);
    close(listener);
}

static void a_silent_server_is_given_up(void **state)
{
    (void)state;
    int port, listener = listener_open(&port);
    char url[POSTGRES_URL_MAX];
    bool away = false;

    snprintf(url, sizeof url, "postgresql://uic:s3cret@127.0.0.1:%d/uic", port);
    assert_null(sql_open(url, SQL_WRITE, 200, &away, error));
    assert_true(away);
    assert_non_null(strstr(error, "/uic: no connection within 200 ms"));
    assert_null(strstr(error, "s3cret"));
    close(listener);
    assert_null(sql_open(url, SQL_WRITE, 5000, &away, error));
    assert_true(away);
    assert_non_null(strstr(error, "refused"));
}

static void a_server_that_refuses_us_is_not_away(void **state)
{
    (void)state;
    char url[POSTGRES_URL_MAX];
    bool away = true;

    postgres_url_format(&bench_server, "nowhere", url);
    assert_null(sql_open(url, SQL_WRITE, 5000, &away, error));
    assert_false(away);
    assert_non_null(strstr(error, "\"nowhere\" does not exist"));
}

/* The last words before the end are heard, also when nothing was asked. */
static void a_connection_that_is_ended_while_idle(void **state)
{
    (void)state;
    char text[BENCH_TEXT_MAX];
    enum sql_result result = SQL_DONE;

    bench_sql(&bench,
              "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
              " WHERE datname = current_database() AND application_name = 'whatsapp-uic'",
              text);
    assert_string_equal(text, "1");
    assert_true(sql->socket >= 0);
    while (result == SQL_DONE)
        result = sql_hear(sql);
    assert_int_equal(result, SQL_DOWN);
    assert_non_null(
        strstr(sql->error, "terminating connection due to administrator command (57P01)"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_went),
        TEST(a_run_says_what_it_found_or_changed),
        TEST(columns_have_names_without_rows),
        TEST(kept_statements_are_run_again),
        TEST(failures_have_their_kinds),
        TEST(what_is_not_committed_is_undone),
        TEST(a_reader_sees_one_state_and_cannot_write),
    };
    const struct CMUnitTest alone_tests[] = {
        TEST(who_waits_for_a_lock_hears_when_it_is_too_long),
    };
    const struct CMUnitTest postgres_tests[] = {
        TEST(urls_are_judged_without_opening),         TEST(a_silent_server_is_given_up),
        TEST(silent_hosts_do_not_hide_the_one_behind), TEST(a_server_that_refuses_us_is_not_away),
        TEST(a_connection_that_is_ended_while_idle),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed += cmocka_run_group_tests_name("SQLite, two at once", alone_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, NULL);
    failed += cmocka_run_group_tests_name("PostgreSQL, two at once", alone_tests, NULL, NULL);
    failed +=
        cmocka_run_group_tests_name("PostgreSQL alone", postgres_tests, NULL, bench_server_stop);
    failed += cmocka_run_group_tests_name("PostgreSQL behind pgbouncer", tests, bench_pooler_start,
                                          bench_server_stop);
    return failed;
}
