/*
 * Which PostgreSQL databases are taken: URLs, tables, encodings, hosts, TLS.
 */
#include "prepare_race.h"
#include "record_bench.h"
#include "schema_version.h"

#include "store/records/schema.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

static struct bench bench;
static char report[ERROR_MAX];
static char error[ERROR_MAX];

static int setup(void **state)
{
    (void)state;
    bench_folder(&bench);
    report[0] = error[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

static void assert_says(const char *says)
{
    if (!strstr(error, says))
        fail_msg("\"%s\" does not say \"%s\"", error, says);
    assert_null(strstr(error, "s3cret"));
}

#define VERSION (schema_migrations[SQL_POSTGRES].count)

static void assert_report(const char *format)
{
    assert_string_equal(report, with_versions(format, VERSION, 0));
}

static void the_first_time_creates_and_the_second_finds(void **state)
{
    (void)state;
    assert_int_equal(record_store_probe(bench.url, error), -1);
    assert_says("run whatsapp-uic init-db");
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_report("created the tables (schema version %d)");
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_report("the tables are up to date (schema version %d)");
    assert_int_equal(record_store_probe(bench.url, error), 0);
    assert_sql(&bench,
               "SELECT string_agg(column_name, ',' ORDER BY ordinal_position)"
               " FROM information_schema.columns WHERE table_name = 'uic_records'"
               " AND ordinal_position < 11",
               "id,uic_code,phone_number,input_hash,created_at,last_requested_at,is_active,notes,"
               "request_count,last_event_id");
    assert_sql(&bench,
               "SELECT string_agg(column_name, ',' ORDER BY column_name)"
               " FROM information_schema.columns WHERE table_name = 'uic_records'"
               " AND data_type = 'timestamp with time zone'",
               "created_at,last_requested_at");
    assert_sql(&bench, "SELECT count(*) FROM schema_migrations WHERE applied_at <= now()",
               with_versions("%d", VERSION, 0));
}

static void from_the_first_record_on_marks_are_compared(void **state)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    char row[BENCH_TEXT_MAX];

    (void)state;
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "c", true, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", true, error), 0);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    bench_sql(&bench, "SELECT xmin||' '||xmax FROM uic_marks", row);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", true, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), RECORD_DIFFERS);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), RECORD_DIFFERS);
    /* A start that changes nothing writes nothing, and waits for no standby. */
    assert_sql(&bench, "SELECT xmin||' '||xmax FROM uic_marks", row);
    assert_int_equal(record_store_mark(bench.url, "flow", "a", true, error), 0);
    assert_sql(&bench, "SELECT count(*) FROM uic_marks", "2");
}

static void the_queries_of_the_guide_work(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench_prepare(&bench);
    bench_attach(&bench);
    jean.claim.now_us = (int64_t)time(NULL) * 1000000;
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(&bench, "SELECT COUNT(*) AS total_codes FROM uic_records", "1");
    assert_sql(&bench,
               "SELECT DATE(created_at) = CURRENT_DATE, COUNT(*) FROM uic_records"
               " WHERE created_at >= NOW() - INTERVAL '30 days' GROUP BY DATE(created_at)"
               " ORDER BY DATE(created_at) DESC",
               "t");
    assert_sql(&bench, "SELECT COUNT(DISTINCT phone_number) FROM uic_records", "1");
    assert_sql(&bench,
               "SELECT uic_code, phone_number, created_at FROM uic_records"
               " ORDER BY created_at DESC LIMIT 10",
               "code");
}

static void wrong_urls_are_refused_without_quoting_them(void **state)
{
    (void)state;
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"postgresql+psycopg2://uic:s3cret@db/uic", "is not as postgresql://"},
        {"postgresql:/uic:s3cret@db/uic", "is not as postgresql://"},
        {"postgres", "is not as postgresql://"},
        {"postgresql://uic:s3cret@db/uic?sslmod=require", "is not as postgresql://"},
        {"postgresql://uic:s3cret@db:5432:1/uic", "is not as postgresql://"},
        {"postgresql://uic:s3@s3cret@db/uic", "is not as postgresql://"},
        {"postgresql://uic:12/s3cret@db/uic", "is not as postgresql://"},
        {"postgresql://uic:s3cret%@db/uic", "is not as postgresql://"},
        {"postgresql://uic:s3cret@a,b/uic?port=1,2,3", "not as many ports"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        strcpy(error, "");
        assert_int_equal(record_store_prepare(cases[i].url, report, error), -1);
        assert_says(cases[i].says);
        strcpy(error, "");
        assert_int_equal(record_store_probe(cases[i].url, error), -1);
        assert_says(cases[i].says);
        strcpy(error, "");
        assert_null(record_store_open(cases[i].url, asker_key, NULL, error));
        assert_says(cases[i].says);
    }
}

static void both_spellings_of_the_scheme_are_good(void **state)
{
    (void)state;
    char url[POSTGRES_URL_MAX];

    snprintf(url, sizeof url, "postgres%.180s", bench.url + strlen("postgresql"));
    assert_int_equal(record_store_prepare(url, report, error), 0);
}

static void a_server_that_cannot_be_reached_is_named(void **state)
{
    (void)state;
    assert_int_equal(record_store_prepare("postgresql://uic:s3cret@127.0.0.1:1/uic", report, error),
                     RECORD_AWAY);
    assert_says("127.0.0.1\", port 1 failed: Connection refused");
    assert_int_equal(record_store_probe("postgresql://uic:s3cret@127.0.0.1:1/uic", error), -1);
    assert_says("Connection refused");
}

static void opening_does_not_need_the_server(void **state)
{
    (void)state;
    struct record_store *store =
        record_store_open("postgresql://uic@127.0.0.1:1/uic", asker_key, NULL, error);

    assert_non_null(store);
    record_store_close(store);
}

static void tables_of_the_python_version_are_left_alone(void **state)
{
    (void)state;
    assert_sql(&bench,
               "CREATE TABLE uic_records (id serial PRIMARY KEY, uic_code varchar(50),"
               " phone_number varchar(50), input_hash varchar(64), created_at timestamp)",
               "");
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_says("holds a table uic_records that is not this program's");
    assert_int_equal(record_store_probe(bench.url, error), -1);
    assert_says("holds a table uic_records that is not this program's");
    assert_sql(&bench, "SELECT to_regclass('schema_migrations') IS NULL", "t");
}

static void our_version_number_over_other_columns_is_refused(void **state)
{
    (void)state;
    assert_sql(&bench,
               "CREATE TABLE schema_migrations (version integer, applied_at timestamptz);"
               "INSERT INTO schema_migrations VALUES (1, now());"
               "CREATE TABLE uic_records (id bigint, uic_code text)",
               "");
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_says("not this program's");
}

static void tables_of_a_later_program_are_refused(void **state)
{
    (void)state;
    bench_prepare(&bench);
    assert_sql(&bench, "INSERT INTO schema_migrations VALUES (99, now())", "");
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_says(with_versions("(schema version 99) are newer than this program (%d), or older than"
                              " its first release",
                              VERSION, 0));
    assert_int_equal(record_store_probe(bench.url, error), -1);
}

/* From version 1 on, what is there is kept: as many steps as there are, each on rows. */
static void each_version_is_migrated_with_its_rows(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    for (int version = 1; version < VERSION; version++) {
        struct schema_migrations first = {schema_migrations[SQL_POSTGRES].statements, version};
        bench_folder(&bench);
        struct sql *sql = sql_open(bench.url, SQL_CREATE, 5000, NULL, error);
        assert_int_equal(schema_migrate(sql, &first, report), SQL_DONE);
        sql_close(sql);
        assert_sql(&bench,
                   "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                   " last_requested_at) VALUES ('old', '+2', 'hash', '2026-01-01 00:00:00',"
                   " '2026-01-01 00:00:00')",
                   "");
        assert_int_equal(record_store_prepare(bench.url, report, error), 0);
        assert_string_equal(report, with_versions("migrated from %d to %d", version, VERSION));
        bench_attach(&bench);
        assert_int_equal(claimed(&bench, &jean), STORE_OK);
        bench_detach(&bench);
        assert_sql(&bench, "SELECT uic_code FROM uic_records WHERE phone_number = '+2'", "old");
        assert_sql(&bench, "SELECT count(*) FROM uic_records", "2");
    }
}

static void a_later_program_migrates(void **state)
{
    (void)state;
    const char *statements[16] = {NULL};
    struct schema_migrations later = {statements, VERSION + 2};
    struct schema_migrations latest = {statements, VERSION + 3};

    statements[VERSION] =
        "ALTER TABLE uic_records ADD COLUMN province text; CREATE TABLE third_party (a text)";
    statements[VERSION + 1] = "INSERT INTO third_party VALUES ('3')";
    statements[VERSION + 2] = "CREATE TABLE half (a text); INSERT INTO nowhere VALUES (1)";
    bench_prepare(&bench);
    struct sql *sql = sql_open(bench.url, SQL_WRITE, 5000, NULL, error);
    assert_int_equal(schema_check(sql, &later, false), SQL_FAILED);
    strcpy(error, sql->error);
    assert_says(with_versions("schema version %d, this program needs %d", VERSION, VERSION + 2));
    assert_int_equal(schema_migrate(sql, &later, report), SQL_DONE);
    assert_string_equal(report, with_versions("migrated from %d to %d", VERSION, VERSION + 2));
    assert_int_equal(schema_check(sql, &later, false), SQL_DONE);
    assert_sql(&bench, "SELECT a FROM third_party", "3");

    assert_int_equal(schema_migrate(sql, &latest, report), SQL_FAILED);
    strcpy(error, sql->error);
    assert_says("nowhere");
    assert_sql(&bench, "SELECT to_regclass('half') IS NULL", "t");
    assert_int_equal(schema_check(sql, &later, false), SQL_DONE);
    sql_close(sql);
}

static void an_encoding_other_than_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const encodings[] = {"SQL_ASCII", "LATIN1"};

    for (int i = 0; i < 2; i++) {
        char options[64];
        snprintf(options, sizeof options, "ENCODING '%s' LOCALE 'C'", encodings[i]);
        postgres_database(&bench_server, options, bench.url);
        assert_int_equal(record_store_prepare(bench.url, report, error), -1);
        assert_says(encodings[i]);
        assert_says("not UTF8");
        assert_int_equal(record_store_probe(bench.url, error), -1);
        assert_says("not UTF8");
    }
}

static void several_processes_may_prepare_at_once(void **state)
{
    (void)state;
    enum { ROUNDS = 4 };

    for (int round = 0; round < ROUNDS; round++) {
        bench_folder(&bench);
        assert_int_equal(prepare_race(bench.url), 1);
        assert_sql(&bench, "SELECT count(*) FROM schema_migrations",
                   with_versions("%d", VERSION, 0));
    }
}

static void a_schema_of_its_own(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    assert_sql(&bench, "CREATE SCHEMA health", "");
    strcat(bench.url, "&options=-csearch_path%3Dhealth");
    bench_prepare(&bench);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(&bench, "SELECT count(*) FROM health.uic_records", "1");
    assert_sql(&bench, "SELECT sum(new_codes) FROM health.uic_totals", "1");
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    close(listener);
    return ntohs(address.sin_port);
}

/* The server again, over TCP, with a certificate for localhost that nobody else has signed. */
static int start_with_tls(void **state)
{
    char command[512];

    bench_server_start(state);
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
             " -addext subjectAltName=DNS:localhost -keyout data/server.key -out data/server.crt"
             " 2>openssl.log && cp data/server.crt . && chmod 600 data/server.key &&"
             " chown --reference=data/PG_VERSION data/server.key data/server.crt",
             bench_server.folder);
    assert_int_equal(system(command), 0);
    postgres_server_end(&bench_server, SIGINT);
    bench_server.port = free_port();
    bench_server.options[0] = "listen_addresses=127.0.0.1";
    bench_server.options[1] = "ssl=on";
    postgres_server_run(&bench_server);
    return 0;
}

/* The bench's database at these hosts, with these options. */
static void url_use(const char *hosts, const char *options)
{
    const char *database = strstr(bench.url, "/test") + 1;
    char url[POSTGRES_URL_MAX];

    snprintf(url, sizeof url, "postgresql://uic@%s/%.*s?%s", hosts, (int)strcspn(database, "?"),
             database, options);
    strcpy(bench.url, url);
}

static void hundreds_claim(void)
{
    enum { COUNT = 700 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);

    bench_prepare(&bench);
    bench_attach(&bench);
    for (int i = 0; i < COUNT; i++) {
        char name[RECORD_CODE_MAX];
        snprintf(name, sizeof name, "%0100d", i);
        crowd[i] = asked_by("", name, "SM1", name);
        snprintf((char *)crowd[i].claim.input_hash, RECORD_HASH_SIZE, "%d", i);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    for (int i = 0; i < COUNT; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    free(crowd);
}

static void over_tls_to_a_host_name(void **state)
{
    (void)state;
    char host[64];
    char options[128];

    snprintf(host, sizeof host, "localhost:%d", bench_server.port);
    snprintf(options, sizeof options, "sslmode=verify-full&sslrootcert=%s/server.crt",
             bench_server.folder);
    url_use(host, options);
    hundreds_claim();
    assert_sql(&bench,
               "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
               " WHERE ssl AND application_name = 'whatsapp-uic'",
               "1");
}

static void a_certificate_that_nobody_signed_is_refused_when_asked_for(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    char host[64];

    snprintf(host, sizeof host, "127.0.0.1:%d", bench_server.port);
    url_use(host, "sslmode=verify-ca&sslrootcert=/etc/hostname");
    assert_int_equal(record_store_prepare(bench.url, report, error), RECORD_AWAY);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    if (strstr(bench.why, "certificate") == NULL)
        fail_msg("%s", bench.why);
}

static void the_host_that_answers_is_taken(void **state)
{
    (void)state;
    char hosts[64];

    snprintf(hosts, sizeof hosts, "127.0.0.1:%d,localhost:%d", free_port(), bench_server.port);
    url_use(hosts, "sslmode=disable");
    hundreds_claim();
}

static void a_host_name_that_nobody_knows(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    url_use("nowhere.invalid", "connect_timeout=2");
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    while (bench.changes == 0)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_non_null(strstr(bench.why, "nowhere.invalid/"));
    assert_non_null(strstr(bench.why, "could not translate host name"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_time_creates_and_the_second_finds),
        TEST(from_the_first_record_on_marks_are_compared),
        TEST(the_queries_of_the_guide_work),
        TEST(wrong_urls_are_refused_without_quoting_them),
        TEST(both_spellings_of_the_scheme_are_good),
        TEST(a_server_that_cannot_be_reached_is_named),
        TEST(opening_does_not_need_the_server),
        TEST(tables_of_the_python_version_are_left_alone),
        TEST(our_version_number_over_other_columns_is_refused),
        TEST(tables_of_a_later_program_are_refused),
        TEST(each_version_is_migrated_with_its_rows),
        TEST(a_later_program_migrates),
        TEST(an_encoding_other_than_utf8_is_refused),
        TEST(several_processes_may_prepare_at_once),
        TEST(a_schema_of_its_own),
    };
    const struct CMUnitTest network_tests[] = {
        TEST(over_tls_to_a_host_name),
        TEST(a_certificate_that_nobody_signed_is_refused_when_asked_for),
        TEST(the_host_that_answers_is_taken),
        TEST(a_host_name_that_nobody_knows),
    };
    int failed =
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);

    failed += cmocka_run_group_tests_name("PostgreSQL over TCP", network_tests, start_with_tls,
                                          bench_server_stop);
    return failed;
}
