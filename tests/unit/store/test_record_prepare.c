/*
 * Which databases are taken: URLs, creation, migrations, and files that are not ours.
 */
#include "prepare_race.h"
#include "record_bench.h"
#include "schema_version.h"

#include "store/records/schema.h"
#include <pthread.h>
#include <sys/stat.h>

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

/* Makes the file with SQL of somebody else. */
static void file_made_by(const char *sql)
{
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(bench.path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

#define VERSION (schema_migrations[SQL_SQLITE].count)

static void assert_report(const char *format)
{
    assert_string_equal(report, with_versions(format, VERSION, 0));
}

static void the_first_time_creates_and_the_second_finds(void **state)
{
    (void)state;
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_report("created the tables (schema version %d)");
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_report("the tables are up to date (schema version %d)");
    assert_int_equal(record_store_probe(bench.url, error), 0);
    assert_sql(&bench, "PRAGMA journal_mode", "wal");
    assert_sql(&bench, "SELECT group_concat(name) FROM pragma_table_info('uic_records')",
               "id,uic_code,phone_number,input_hash,created_at,last_requested_at,is_active,notes,"
               "request_count,last_event_id,previous_event_ids,asked_by,user_id,near,same_as");
    assert_sql(&bench,
               "SELECT min(version) FROM schema_migrations WHERE applied_at GLOB "
               "'20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9]*000'",
               "1");
}

static void assert_private(const char *suffix)
{
    char path[128];
    struct stat status;

    snprintf(path, sizeof path, "%s%s", bench.path, suffix);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void only_the_owner_may_read_the_files(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    mode_t before = umask(0);

    bench_prepare(&bench);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    umask(before);
    assert_private("");
    assert_private("-wal");
    assert_private("-shm");
}

static void a_relative_url_is_relative_to_the_working_directory(void **state)
{
    (void)state;
    char before[4096];

    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(bench.folder), 0);
    int status = record_store_prepare("sqlite:///./records.db", report, error);
    assert_int_equal(record_store_probe("sqlite:///records.db", error), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, 0);
    assert_int_equal(record_store_probe(bench.url, error), 0);
}

static void wrong_urls_are_refused_without_quoting_them(void **state)
{
    (void)state;
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"mysql://uic:s3cret@db/uic", "begins neither with sqlite:/// nor with postgresql://"},
        {"", "begins neither with sqlite:/// nor with postgresql://"},
        {"records.db", "begins neither with sqlite:/// nor with postgresql://"},
        {"sqlite:records.db", "begins neither with sqlite:/// nor with postgresql://"},
        {"sqlite://", "names no file"},
        {"sqlite://records.db", "names no file"},
        {"sqlite:///", "names no file"},
        {"sqlite:///records.db?password=s3cret", "no options"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(record_store_prepare(cases[i].url, report, error), -1);
        assert_non_null(strstr(error, cases[i].says));
        assert_null(strstr(error, "s3cret"));
        strcpy(error, "");
        assert_int_equal(record_store_probe(cases[i].url, error), -1);
        assert_non_null(strstr(error, cases[i].says));
        strcpy(error, "");
        assert_null(record_store_open(cases[i].url, asker_key, NULL, error));
        assert_non_null(strstr(error, cases[i].says));
    }
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_int_equal(record_store_prepare("sqlite:////nowhere/at/all.db", report, error), -1);
    assert_string_equal(error, "/nowhere/at/all.db: No such file or directory");
}

static void an_unprepared_file_is_not_opened_nor_created(void **state)
{
    (void)state;
    assert_null(record_store_open(bench.url, asker_key, NULL, error));
    assert_non_null(strstr(error, "No such file or directory"));
    assert_int_equal(record_store_probe(bench.url, error), -1);
    assert_int_equal(access(bench.path, F_OK), -1);

    file_made_by("CREATE TABLE something_else (a)");
    assert_null(record_store_open(bench.url, asker_key, NULL, error));
    assert_non_null(strstr(error, "init-db"));
}

static void tables_of_the_python_version_are_left_alone(void **state)
{
    (void)state;
    char expected[ERROR_MAX];

    file_made_by("CREATE TABLE uic_records (id INTEGER PRIMARY KEY, uic_code VARCHAR(50),"
                 " phone_number VARCHAR(50), input_hash VARCHAR(64), created_at DATETIME)");
    snprintf(expected, sizeof expected, "%s holds a table uic_records that is not", bench.path);
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_int_equal(strncmp(error, expected, strlen(expected)), 0);
    assert_non_null(strstr(error, "new file"));
    assert_int_equal(record_store_probe(bench.url, error), -1);
    assert_null(record_store_open(bench.url, asker_key, NULL, error));
    assert_sql(&bench, "SELECT group_concat(name) FROM sqlite_schema", "uic_records");
    assert_sql(&bench, "PRAGMA journal_mode", "delete");
}

static void our_version_number_over_other_columns_is_refused(void **state)
{
    (void)state;
    file_made_by("CREATE TABLE schema_migrations (version, applied_at);"
                 "INSERT INTO schema_migrations VALUES (1, '');"
                 "CREATE TABLE uic_records (id INTEGER PRIMARY KEY, uic_code TEXT)");
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_non_null(strstr(error, "not this program's"));
}

static void tables_of_a_later_program_are_refused(void **state)
{
    (void)state;
    bench_prepare(&bench);
    assert_sql(&bench, "INSERT INTO schema_migrations VALUES (99, '')", "");
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_non_null(strstr(error, with_versions("(schema version 99) are newer than this program"
                                                " (%d), or older than its first release",
                                                VERSION, 0)));
    assert_null(record_store_open(bench.url, asker_key, NULL, error));
}

static void a_file_that_is_no_database_is_named(void **state)
{
    (void)state;
    FILE *file = fopen(bench.path, "w");

    for (int i = 0; i < 1000; i++)
        fputs("not a database\n", file);
    fclose(file);
    assert_int_equal(record_store_prepare(bench.url, report, error), -1);
    assert_non_null(strstr(error, bench.path));
    assert_non_null(strstr(error, "not a database"));
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    char url[4096];

    memset(url, 'x', sizeof url);
    memcpy(url, "sqlite:////tmp/", strlen("sqlite:////tmp/"));
    url[1000] = '\0';
    assert_int_equal(record_store_prepare(url, report, error), -1);
    assert_true(strlen(error) < ERROR_MAX);
    assert_non_null(strstr(error, "File name too long"));
}

/* From version 1 on, what is there is kept: as many steps as there are, each on rows. */
static void each_version_is_migrated_with_its_rows(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    for (int version = 1; version < VERSION; version++) {
        struct schema_migrations first = {schema_migrations[SQL_SQLITE].statements, version};
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
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    statements[VERSION] =
        "ALTER TABLE uic_records ADD COLUMN province TEXT; CREATE TABLE third_party (a)";
    statements[VERSION + 1] = "INSERT INTO third_party VALUES (3)";
    bench_prepare(&bench);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    bench_detach(&bench);

    struct sql *sql = sql_open(bench.url, SQL_WRITE, 1000, NULL, error);
    assert_int_equal(schema_check(sql, &later, false), SQL_FAILED);
    assert_non_null(strstr(sql->error, with_versions("schema version %d, this program needs %d",
                                                     VERSION, VERSION + 2)));
    assert_int_equal(schema_migrate(sql, &later, report), SQL_DONE);
    assert_string_equal(report, with_versions("migrated from %d to %d", VERSION, VERSION + 2));
    assert_int_equal(schema_check(sql, &later, false), SQL_DONE);
    sql_close(sql);
    assert_sql(&bench, "SELECT uic_code||coalesce(province,'-')||a FROM uic_records, third_party",
               "code-3");
}

static void a_migration_that_fails_leaves_no_half(void **state)
{
    (void)state;
    const char *statements[16] = {NULL};
    struct schema_migrations broken = {statements, VERSION + 1};

    statements[VERSION] = "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)";
    bench_prepare(&bench);
    struct sql *sql = sql_open(bench.url, SQL_WRITE, 1000, NULL, error);
    assert_int_equal(schema_migrate(sql, &broken, report), SQL_FAILED);
    assert_non_null(strstr(sql->error, "nowhere"));
    sql_close(sql);
    assert_sql(&bench, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'", "0");
    assert_int_equal(record_store_probe(bench.url, error), 0);
}

static void several_processes_may_prepare_at_once(void **state)
{
    (void)state;
    enum { ROUNDS = 8 };

    for (int round = 0; round < ROUNDS; round++) {
        snprintf(bench.path, sizeof bench.path, "%s/%d.db", bench.folder, round);
        snprintf(bench.url, sizeof bench.url, "sqlite:///%s", bench.path);
        assert_true(prepare_race(bench.url) >= 1);
        assert_sql(&bench, "SELECT count(*) FROM schema_migrations",
                   with_versions("%d", VERSION, 0));
    }
}

static void *lock_release_later(void *other)
{
    usleep(50 * 1000);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    return NULL;
}

static void preparing_waits_for_another_program_that_writes(void **state)
{
    (void)state;
    sqlite3 *other = NULL;
    pthread_t thread;

    file_made_by("CREATE TABLE something_else (a)");
    assert_int_equal(sqlite3_open(bench.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, lock_release_later, other), 0);
    bench_prepare(&bench);
    assert_int_equal(pthread_join(thread, NULL), 0);
    sqlite3_close(other);
}

static void preparing_does_not_disturb_a_store_that_is_open(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    struct asked marie = asked_by("marie", "+1", "SM2", "code 2");

    bench_prepare(&bench);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    bench_prepare(&bench);
    assert_int_equal(record_store_probe(bench.url, error), 0);
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void from_the_first_record_on_marks_are_compared(void **state)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    (void)state;
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "c", true, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", true, error), 0);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", true, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "b", false, error), 0);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), RECORD_DIFFERS);
    assert_int_equal(record_store_mark(bench.url, "salt", "a", false, error), RECORD_DIFFERS);
    assert_int_equal(record_store_mark(bench.url, "flow", "a", true, error), 0);
    assert_sql(&bench, "SELECT count(*) FROM uic_marks", "2");
}

static void a_database_without_tables_has_no_marks(void **state)
{
    (void)state;
    file_made_by("CREATE TABLE x(y)");
    assert_int_equal(record_store_mark(bench.url, "salt", "a", true, error), -1);
    assert_non_null(strstr(error, bench.path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_time_creates_and_the_second_finds),
        TEST(only_the_owner_may_read_the_files),
        TEST(a_relative_url_is_relative_to_the_working_directory),
        TEST(wrong_urls_are_refused_without_quoting_them),
        TEST(a_folder_that_is_not_there_is_named),
        TEST(an_unprepared_file_is_not_opened_nor_created),
        TEST(tables_of_the_python_version_are_left_alone),
        TEST(our_version_number_over_other_columns_is_refused),
        TEST(tables_of_a_later_program_are_refused),
        TEST(a_file_that_is_no_database_is_named),
        TEST(a_long_path_leaves_room_for_the_reason),
        TEST(each_version_is_migrated_with_its_rows),
        TEST(a_later_program_migrates),
        TEST(a_migration_that_fails_leaves_no_half),
        TEST(several_processes_may_prepare_at_once),
        TEST(preparing_waits_for_another_program_that_writes),
        TEST(preparing_does_not_disturb_a_store_that_is_open),
        TEST(from_the_first_record_on_marks_are_compared),
        TEST(a_database_without_tables_has_no_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
