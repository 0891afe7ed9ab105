/* The totals that each database keeps beside the records, and how they are read: on SQLite, then on
 * PostgreSQL. */
#include "record_bench.h"

#include "store/records/schema.h"

/* asked_by's hour: 2125-12-31 23:00 UTC. */
#define HOUR_S INT64_C(4922895600)
#define HOURS 48

static struct bench bench;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    return 0;
}

static int setup_unprepared(void **state)
{
    (void)state;
    bench_folder(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

struct read {
    struct record_totals totals; /* first: its ticket is where done finds us */
    bool finished;
    struct record_total hours[HOURS];
};

static void read_done(struct store_ticket *ticket)
{
    struct read *read = (struct read *)ticket;

    assert_false(read->finished);
    read->finished = true;
}

static enum store_status read_since(struct read *read, int64_t since_s)
{
    enum store_status status;

    read->totals.ticket.done = read_done;
    read->totals.since_s = since_s;
    read->totals.hours = read->hours;
    read->totals.hour_count = HOURS;
    read->finished = false;
    memset(read->hours, 0xff, sizeof read->hours);
    status = record_totals(bench.link, &read->totals);
    if (status != STORE_LATER)
        return status;
    assert_false(read->finished);
    while (!read->finished)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    return read->totals.ticket.status;
}

static void assert_sums(const struct record_total *sums, int64_t codes, int64_t phones,
                        int64_t requests)
{
    assert_int_equal(sums->codes, codes);
    assert_int_equal(sums->phones, phones);
    assert_int_equal(sums->requests, requests);
}

/* A claim so many hours after HOUR_S. */
static void claim(const char *answers, const char *phone, const char *event, int hour)
{
    struct asked asked = asked_by(answers, phone, event, answers);

    asked.claim.now_us = (HOUR_S + hour * INT64_C(3600)) * 1000000 + 42;
    assert_int_equal(claimed(&bench, &asked), STORE_OK);
}

static void without_records_all_is_zero(void **state)
{
    struct read read;

    (void)state;
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 0, 0, 0);
    for (int i = 0; i < HOURS; i++)
        assert_sums(&read.hours[i], 0, 0, 0);
}

static void claims_are_summed_by_the_hour(void **state)
{
    struct read read;

    (void)state;
    claim("jean", "+1", "SM1", 0);
    claim("marie", "+1", "SM2", 0);
    claim("paul", "+2", "SM3", 1);
    claim("jean", "+1", "SM4", 2);  /* again */
    claim("jean", "+1", "SM4", 2);  /* redelivered */
    claim("anne", "+3", "SM5", -1); /* before what is asked for */
    claim("eve", "+4", "SM6", HOURS);
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 5, 4, 6);
    assert_sums(&read.hours[0], 2, 1, 2);
    assert_sums(&read.hours[1], 1, 1, 1);
    assert_sums(&read.hours[2], 0, 0, 1);
    for (int i = 3; i < HOURS; i++)
        assert_sums(&read.hours[i], 0, 0, 0);
}

static void what_an_operator_writes_is_in_the_totals(void **state)
{
    struct read read;

    (void)state;
    claim("jean", "+1", "SM1", 0);
    claim("marie", "+1", "SM2", 0);
    assert_sql(&bench, "DELETE FROM uic_records WHERE uic_code = 'jean'", "");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 1, 1, 2); /* what was asked was asked */
    assert_sql(&bench, "DELETE FROM uic_records", "");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 0, 0, 2);
    claim("jean", "+1", "SM3", 1);
    assert_sql(&bench, "UPDATE uic_records SET notes = 'called', is_active = false", "");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 1, 1, 3);
}

static void backup_noted(const char *when)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "INSERT INTO uic_marks VALUES ('last_backup', '%s')"
             " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
             when);
    assert_sql(&bench, sql, "");
}

static void the_last_backup_is_told_with_or_without_records(void **state)
{
    struct read read;

    (void)state;
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_true(read.totals.backup_us == INT64_MIN);
    backup_noted("2125-12-31 23:00:01");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_true(read.totals.backup_us == (HOUR_S + 1) * 1000000);
    claim("jean", "+1", "SM1", 0);
    backup_noted("2125-12-31 23:00:02.500");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_true(read.totals.backup_us == (HOUR_S + 2) * 1000000 + 500000);
    assert_sums(&read.totals.all, 1, 1, 1);
    assert_sums(&read.hours[0], 1, 1, 1);
    backup_noted("last night");
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_true(read.totals.backup_us == INT64_MIN);
    assert_sums(&read.totals.all, 1, 1, 1);
}

static void a_claim_that_fails_counts_nothing(void **state)
{
    struct asked other = asked_by("other", "+2", "SM2", "jean");
    struct read read;

    (void)state;
    claim("jean", "+1", "SM1", 0);
    assert_int_equal(claimed(&bench, &other), STORE_CONFLICT);
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 1, 1, 1);
}

static void several_may_read_at_once_while_others_claim(void **state)
{
    enum { COUNT = 20 };
    static struct read reads[COUNT];
    struct asked asked = asked_by("jean", "+1", "SM1", "jean");

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        reads[i].totals = (struct record_totals){.ticket.done = read_done,
                                                 .since_s = HOUR_S,
                                                 .hours = reads[i].hours,
                                                 .hour_count = HOURS};
        reads[i].finished = false;
        assert_int_equal(record_totals(bench.link, &reads[i].totals), STORE_LATER);
        if (i == COUNT / 2)
            assert_int_equal(claimed(&bench, &asked), STORE_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        while (!reads[i].finished)
            assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
        assert_int_equal(reads[i].totals.ticket.status, STORE_OK);
    }
    assert_sums(&reads[COUNT - 1].totals.all, 1, 1, 1);
}

static void a_reading_under_way_ends_with_its_link(void **state)
{
    static struct read read;

    (void)state;
    read.finished = false;
    read.totals = (struct record_totals){
        .ticket.done = read_done, .since_s = HOUR_S, .hours = read.hours, .hour_count = HOURS};
    assert_int_equal(record_totals(bench.link, &read.totals), STORE_LATER);
    bench_detach(&bench);
    assert_true(read.finished);
}

static void tables_that_are_gone_are_down(void **state)
{
    struct read read;

    (void)state;
    assert_sql(&bench,
               SQL("ALTER TABLE uic_totals RENAME TO elsewhere",
                   "ALTER TABLE uic_totals_shards RENAME TO elsewhere"),
               "");
    assert_int_equal(read_since(&read, HOUR_S), STORE_DOWN);
    assert_sql(&bench,
               SQL("ALTER TABLE elsewhere RENAME TO uic_totals",
                   "ALTER TABLE elsewhere RENAME TO uic_totals_shards"),
               "");
    while (read_since(&read, HOUR_S) != STORE_OK)
        event_base_loop(bench.base, EVLOOP_ONCE);
}

/* Upgrades from the first version on */

static void prepare_first(void)
{
    char report[ERROR_MAX], error[ERROR_MAX];
    struct sql *sql = sql_open(bench.url, SQL_CREATE, 5000, NULL, error);
    struct schema_migrations first = {schema_migrations[sql->dialect].statements, 1};

    assert_int_equal(schema_migrate(sql, &first, report), SQL_DONE);
    sql_close(sql);
}

static void records_of_the_first_version_stay_counted(void **state)
{
    struct read read;

    (void)state;
    prepare_first();
    assert_sql(
        &bench,
        SQL("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
            " last_requested_at, request_count) VALUES"
            " ('a', '+1', 'a', '2125-12-31 23:10:00.000001', '2126-01-01 01:00:00.000000', 3),"
            " ('b', '+1', 'b', '2125-12-31 23:59:59.999999', '2125-12-31 23:59:59.999999', 1),"
            " ('c', '+2', 'c', '2126-01-01 00:00:00.000000', '2126-01-01 00:00:00.000000', 1)",
            "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
            " last_requested_at, request_count) VALUES"
            " ('a', '+1', 'a', '2125-12-31 23:10:00.000001Z', '2126-01-01 01:00:00Z', 3),"
            " ('b', '+1', 'b', '2125-12-31 23:59:59.999999Z', '2125-12-31 23:59:59.999999Z', 1),"
            " ('c', '+2', 'c', '2126-01-01 00:00:00Z', '2126-01-01 00:00:00Z', 1)"),
        "");
    bench_prepare(&bench);
    bench_attach(&bench);
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 3, 2, 5);
    assert_sums(&read.hours[0], 2, 1, 4);
    assert_sums(&read.hours[1], 1, 1, 1);
    claim("d", "+2", "SM1", 2);
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.hours[2], 1, 0, 1);
}

/* PostgreSQL alone */

static void reading_waits_for_nobody_who_claims(void **state)
{
    struct read read;
    PGconn *other = PQconnectdb(bench.url);

    (void)state;
    claim("jean", "+1", "SM1", 0);
    PQclear(PQexec(other, "BEGIN; UPDATE uic_records SET notes = 'x', request_count = 9"));
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 1, 1, 1);
    PQfinish(other);
}

static void past_hours_are_folded_and_their_sums_stay(void **state)
{
    const int64_t past_s = (time(NULL) / 3600 - 72) * 3600;
    const int hour = (int)((past_s - HOUR_S) / 3600);
    struct read before, after;

    (void)state;
    claim("jean", "+1", "SM1", hour);
    assert_sql(&bench,
               "INSERT INTO uic_totals_shards SELECT hour, 100 + n, 1, 1, 1"
               " FROM uic_totals_shards, generate_series(1, 4) AS n WHERE hour > '-infinity'",
               "");
    assert_int_equal(read_since(&before, past_s), STORE_OK);
    assert_sums(&before.hours[0], 5, 5, 5);
    for (int i = 0; i < 2; i++) {
        bench_detach(&bench);
        bench_prepare(&bench);
        bench_attach(&bench);
        claim(i == 0 ? "marie" : "paul", "+1", "", hour);
    }
    assert_sql(&bench, "SELECT count(*) FROM uic_totals_shards WHERE shard = -1", "1");
    assert_sql(&bench, "SELECT count(*) <= 2 FROM uic_totals_shards WHERE hour > '-infinity'", "t");
    assert_int_equal(read_since(&after, past_s), STORE_OK);
    assert_sums(&after.hours[0], 7, 5, 7);
    assert_sums(&after.totals.all, 3, 1, 3);
}

static void a_silent_server_is_down_and_claims_go_on(void **state)
{
    struct read read;
    struct asked jean = asked_by("jean", "+1", "SM1", "jean");
    PGconn *other = PQconnectdb(bench.url);

    (void)state;
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE uic_totals_shards IN ACCESS EXCLUSIVE MODE"));
    assert_int_equal(read_since(&read, HOUR_S), STORE_DOWN);
    PQclear(PQexec(other, "ROLLBACK"));
    PQfinish(other);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    while (read_since(&read, HOUR_S) != STORE_OK)
        event_base_loop(bench.base, EVLOOP_ONCE);
    assert_sums(&read.totals.all, 1, 1, 1);
}

/* That person's request is of no hour that anybody asks for. */
static void a_record_that_is_kept_for_ever_spoils_no_hour(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    struct read read = {0};

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_sql(&bench, "UPDATE uic_records SET last_requested_at = 'infinity'", "");
    strcpy(jean.claim.event_id, "SM2");
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_int_equal(read_since(&read, HOUR_S), STORE_OK);
    assert_sums(&read.totals.all, 1, 1, 2);
    assert_sums(&read.hours[0], 1, 1, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define BOTH                                                                                     \
    TEST(without_records_all_is_zero), TEST(claims_are_summed_by_the_hour),                      \
        TEST(a_record_that_is_kept_for_ever_spoils_no_hour),                                     \
        TEST(what_an_operator_writes_is_in_the_totals), TEST(a_claim_that_fails_counts_nothing), \
        TEST(the_last_backup_is_told_with_or_without_records),                                   \
        TEST(several_may_read_at_once_while_others_claim),                                       \
        TEST(a_reading_under_way_ends_with_its_link), TEST(tables_that_are_gone_are_down),       \
        cmocka_unit_test_setup_teardown(records_of_the_first_version_stay_counted,               \
                                        setup_unprepared, teardown)

int main(void)
{
    const struct CMUnitTest both[] = {BOTH};
    const struct CMUnitTest postgres[] = {
        BOTH,
        TEST(reading_waits_for_nobody_who_claims),
        TEST(past_hours_are_folded_and_their_sums_stay),
        TEST(a_silent_server_is_down_and_claims_go_on),
    };

    return cmocka_run_group_tests_name("totals in SQLite", both, NULL, NULL) +
           cmocka_run_group_tests_name("totals in PostgreSQL", postgres, bench_server_start,
                                       bench_server_stop) +
           cmocka_run_group_tests_name("totals behind pgbouncer", both, bench_pooler_start,
                                       bench_server_stop);
}
