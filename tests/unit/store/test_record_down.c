/*
 * When the database cannot be written: nothing is half done, everyone is told, and it recovers.
 */
#include "record_bench.h"

#include "store/records/claims.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NOBODY 65534
#define WAITING_MAX 8192
#define BATCH_MAX 512

static struct bench bench;

/* No file grows beyond its first page, as on a full disk. */
static void disk_fill(void)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void disk_free(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    disk_free();
    bench_remove(&bench);
    return 0;
}

/* Another program in the middle of a transaction. */
static sqlite3 *lock_take(void)
{
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open(bench.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static void lock_release(sqlite3 *other)
{
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

static void assert_down(const char *why)
{
    assert_false(record_link_up(bench.link));
    assert_false(bench.up);
    assert_int_equal(bench.changes % 2, 1);
    if (!strstr(bench.why, why))
        fail_msg("\"%s\" does not say \"%s\"", bench.why, why);
}

static void assert_up_again(void)
{
    assert_true(record_link_up(bench.link));
    assert_true(bench.up);
    assert_int_equal(bench.changes % 2, 0);
}

static void wait_until_up(void)
{
    while (!record_link_up(bench.link))
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
}

static void a_link_is_up_from_the_start(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    assert_true(record_link_up(bench.link));
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_true(record_link_up(bench.link));
    assert_int_equal(bench.changes, 0);
}

static void a_lock_held_too_long_fails_all_who_wait(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);
    sqlite3 *other = lock_take();

    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        crowd[i] = asked_by(name, "+1", "SM1", name);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    asked_wait(&bench, &crowd[COUNT - 1]); /* the last to be told */
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        assert_true(crowd[i].finished); /* nobody waits for a lock of his own */
        assert_int_equal(crowd[i].claim.ticket.status, STORE_DOWN);
        assert_string_equal(crowd[i].claim.code, name);
    }
    assert_down("locked");
    lock_release(other);
    wait_until_up();
    assert_up_again();
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "0");
    assert_int_equal(claimed(&bench, &crowd[0]), STORE_OK);
    free(crowd);
}

static void a_full_disk_undoes_the_whole_batch(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code 1");
    struct asked again = asked_by("jean", "+2", "SM2", "another");
    struct asked marie = asked_by("marie", "+2", "SM3", "code 2");

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    disk_fill();
    assert_int_equal(record_claim(bench.link, &again.claim), STORE_LATER);
    assert_int_equal(record_claim(bench.link, &marie.claim), STORE_LATER);
    asked_wait(&bench, &again);
    asked_wait(&bench, &marie);
    disk_free();

    assert_int_equal(again.claim.ticket.status, STORE_DOWN);
    assert_string_equal(again.claim.code, "another");
    assert_int_equal(marie.claim.ticket.status, STORE_DOWN);
    assert_down(bench.path);
    assert_sql(&bench, "SELECT count(*)||' '||request_count FROM uic_records", "1 1");

    assert_int_equal(claimed(&bench, &again), STORE_OK);
    assert_string_equal(again.claim.code, "code 1");
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_up_again();
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "2 3");
}

/* A batch of one. */
static enum sql_result batch_run(struct sql *sql, struct claims_batch *batch, struct asked *asked)
{
    batch->count = asked != NULL ? 1 : 0;
    batch->claims[0] = asked != NULL ? &asked->claim : NULL;
    return claims_sqlite_run(sql, batch, INT64_MIN, NULL);
}

static void a_failed_batch_leaves_no_transaction_open(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code 1");
    struct asked marie = asked_by("marie", "+1", "SM2", "code 2");
    struct claims_batch *batch = calloc(1, sizeof *batch);
    char away[BENCH_TEXT_MAX];
    char error[ERROR_MAX];
    struct sql *sql = sql_open(bench.url, SQL_WRITE, 3000, NULL, error);

    assert_non_null(sql);
    assert_int_equal(claims_prepare(sql), SQL_DONE);
    assert_int_equal(batch_run(sql, batch, &jean), SQL_DONE);
    snprintf(away, sizeof away, "%s.away", bench.path);
    assert_int_equal(rename(bench.path, away), 0);
    assert_int_equal(batch_run(sql, batch, &marie), SQL_DOWN);
    assert_int_equal(rename(away, bench.path), 0);
    lock_release(lock_take());
    assert_int_equal(batch_run(sql, batch, &marie), SQL_DONE);
    assert_int_equal(batch_run(sql, batch, NULL), SQL_DONE);
    sql_close(sql);
    free(batch);
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "2");
}

static void on_refused(void *arg, const char *why)
{
    assert_non_null(strstr(why, "not this one"));
    ++*(unsigned *)arg;
}

static void a_trigger_that_refuses_one_person_stops_nobody_else(void **state)
{
    (void)state;
    struct asked crowd[3];
    unsigned told = 0;
    const struct record_commit_watch watch = {.refused = on_refused, .arg = &told};

    record_watch_commits(bench.link, &watch);
    assert_sql(&bench,
               "CREATE TRIGGER refuse BEFORE INSERT ON uic_records WHEN new.uic_code = '1'"
               " BEGIN SELECT RAISE(ABORT, 'not this one'); END",
               "");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        crowd[i] = asked_by(name, "+1", "SM1", name);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    for (int i = 0; i < 3; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, i == 1 ? STORE_DOWN : STORE_OK);
    }
    assert_true(record_link_up(bench.link));
    assert_int_equal(bench.changes, 0);
    assert_int_equal(told, 1);
}

static void nothing_is_promised_into_a_deleted_file(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code 1");
    char away[BENCH_TEXT_MAX];

    snprintf(away, sizeof away, "%s.away", bench.path);
    assert_int_equal(rename(bench.path, away), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_down("moved or deleted");
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_int_equal(access(bench.path, F_OK), -1);

    assert_int_equal(rename(away, bench.path), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_true(jean.claim.is_new);
    assert_up_again();
    assert_sql(&bench, "SELECT count(*) FROM uic_records", "1");
}

static void a_read_only_file_is_down_until_it_is_writable(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code 1");
    char away[BENCH_TEXT_MAX];
    char error[ERROR_MAX] = "";

    /* Root may write everything: be somebody else. */
    bench_detach(&bench);
    if (getuid() == 0) {
        assert_int_equal(chown(bench.folder, NOBODY, (gid_t)-1), 0);
        assert_int_equal(chown(bench.path, NOBODY, (gid_t)-1), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    bench_attach(&bench);

    snprintf(away, sizeof away, "%s.away", bench.path);
    assert_int_equal(rename(bench.path, away), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_int_equal(chmod(away, 0400), 0);
    assert_int_equal(rename(away, bench.path), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_down("moved or deleted"); /* told once, with the first reason */
    assert_null(record_store_open(bench.url, asker_key, NULL, error));
    assert_non_null(strstr(error, "read-only"));
    assert_int_equal(record_store_probe(bench.url, error), -1);

    assert_int_equal(chmod(bench.path, 0600), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_up_again();
}

static void a_link_that_comes_while_it_is_down_is_told(void **state)
{
    (void)state;
    struct bench late = bench;
    struct asked jean = asked_by("jean", "+1", "SM1", "code 1");
    struct store_watch watch = {bench_changed, &late};
    char away[BENCH_TEXT_MAX];
    char error[ERROR_MAX];

    snprintf(away, sizeof away, "%s.away", bench.path);
    assert_int_equal(rename(bench.path, away), 0);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    late.changes = 0;
    late.link = record_attach(bench.store, bench.base, &watch, error);
    while (late.changes == 0)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_false(late.up);
    assert_int_equal(rename(away, bench.path), 0);
    while (late.changes == 1)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_true(late.up);
    record_detach(late.link);
}

static void too_many_waiting_claims_are_refused(void **state)
{
    (void)state;
    enum { COUNT = WAITING_MAX + BATCH_MAX + 1 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);
    sqlite3 *other = lock_take();
    int accepted = 0;

    for (; accepted < COUNT; accepted++) {
        char name[16];
        snprintf(name, sizeof name, "%d", accepted);
        crowd[accepted] = asked_by(name, "+1", "SM1", name);
        if (record_claim(bench.link, &crowd[accepted].claim) == STORE_FULL)
            break;
    }
    assert_in_range(accepted, WAITING_MAX, WAITING_MAX + BATCH_MAX);
    lock_release(other);
    for (int i = 0; i < accepted; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    assert_false(crowd[accepted].finished);
    assert_int_equal(claimed(&bench, &crowd[accepted]), STORE_OK);
    free(crowd);
}

static void detaching_finishes_what_is_under_way(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);
    char error[ERROR_MAX];
    struct record_link *link = record_attach(bench.store, bench.base, NULL, error);

    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        crowd[i] = asked_by(name, "+1", "SM1", name);
        assert_int_equal(record_claim(link, &crowd[i].claim), STORE_LATER);
    }
    record_detach(link);
    for (int i = 0; i < COUNT; i++) {
        assert_true(crowd[i].finished);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    free(crowd);
}

/* As the server does on a conflict: claims a longer code at once. */
static void claim_longer(struct store_ticket *ticket)
{
    struct asked *asked = (struct asked *)ticket;

    if (ticket->status == STORE_CONFLICT) {
        strcat(asked->claim.code, "1");
        assert_int_equal(record_claim(asked->claim.job.link, &asked->claim), STORE_LATER);
    } else {
        asked_done(ticket);
    }
}

static void a_claim_may_be_repeated_from_its_done(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    struct asked marie = asked_by("marie", "+1", "SM2", "code");
    struct asked joan = asked_by("joan", "+1", "SM3", "code");

    marie.claim.ticket.done = joan.claim.ticket.done = claim_longer;
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_string_equal(marie.claim.code, "code1");
    assert_int_equal(record_claim(bench.link, &joan.claim), STORE_LATER);
    bench_detach(&bench);
    assert_true(joan.finished);
    assert_int_equal(joan.claim.ticket.status, STORE_OK);
    assert_string_equal(joan.claim.code, "code11");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_is_up_from_the_start),
        TEST(a_lock_held_too_long_fails_all_who_wait),
        TEST(a_full_disk_undoes_the_whole_batch),
        TEST(a_failed_batch_leaves_no_transaction_open),
        TEST(a_trigger_that_refuses_one_person_stops_nobody_else),
        TEST(nothing_is_promised_into_a_deleted_file),
        TEST(a_read_only_file_is_down_until_it_is_writable),
        TEST(a_link_that_comes_while_it_is_down_is_told),
        TEST(too_many_waiting_claims_are_refused),
        TEST(detaching_finishes_what_is_under_way),
        TEST(a_claim_may_be_repeated_from_its_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
