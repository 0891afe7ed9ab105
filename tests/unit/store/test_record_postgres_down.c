/*
 * When PostgreSQL is away, silent, or takes no records: everyone is told in time, and it recovers.
 */
#include "record_bench.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define WAITING_MAX 8192

static struct bench bench;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

static void loop_until_up(bool up)
{
    while (record_link_up(bench.link) != up)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
}

static void assert_told(bool up, const char *why)
{
    assert_int_equal(bench.up, up);
    if (!strstr(bench.why, why))
        fail_msg("\"%s\" does not say \"%s\"", bench.why, why);
}

/* Connected, with a record. */
static void jean_is_there(void)
{
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_told(true, ": connected");
}

static void jean_comes_again(const char *event)
{
    struct asked jean = asked_by("jean", "+1", event, "another");

    loop_until_up(true);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
    assert_false(jean.claim.is_new);
    assert_string_equal(jean.claim.code, "code");
}

static void crowd_claim(struct asked *crowd, int count)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        crowd[i] = asked_by(name, "+1", "SM1", name);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
}

static void crowd_wait(struct asked *crowd, int count, enum store_status expected)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        asked_wait(&bench, &crowd[i]);
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(crowd[i].claim.ticket.status, expected);
        assert_string_equal(crowd[i].claim.code, name);
    }
}

static void a_link_connects_by_itself(void **state)
{
    (void)state;
    loop_until_up(true);
    assert_told(true, ": connected");
    assert_int_equal(bench.changes, 1);
    assert_sql(&bench,
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'whatsapp-uic'",
               "1");
}

static void a_server_that_is_silent_is_down(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);
    struct asked refused = asked_by("marie", "+1", "SM1", "code");

    jean_is_there();
    postgres_server_signal(&bench_server, SIGSTOP);
    crowd_claim(crowd, COUNT);
    asked_wait(&bench, &crowd[COUNT - 1]); /* the last to be told */
    for (int i = 0; i < COUNT; i++)
        assert_true(crowd[i].finished); /* those that waited behind are not kept waiting */
    crowd_wait(crowd, COUNT, STORE_DOWN);
    assert_told(false, "no answer within 3000 ms");
    assert_int_equal(record_claim(bench.link, &refused.claim), STORE_DOWN);

    postgres_server_signal(&bench_server, SIGCONT);
    jean_comes_again("SM2");
    assert_told(true, ": connected");
    crowd_claim(crowd, COUNT);
    crowd_wait(crowd, COUNT, STORE_OK);
    free(crowd);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "601 602");
}

/* A table lock of another program; ours waits for it before this returns. */
static PGconn *table_lock(struct asked *asked)
{
    PGconn *other = PQconnectdb(bench.url);
    char text[BENCH_TEXT_MAX] = "";

    PQclear(PQexec(other, "BEGIN"));
    PQclear(PQexec(other, "LOCK TABLE uic_records"));
    assert_int_equal(record_claim(bench.link, &asked->claim), STORE_LATER);
    while (strcmp(text, "1") != 0) {
        assert_int_equal(event_base_loop(bench.base, EVLOOP_NONBLOCK), 0);
        bench_sql(&bench,
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND wait_event_type = 'Lock'",
                  text);
    }
    return other;
}

static void a_connection_that_is_ended_in_mid_statement(void **state)
{
    (void)state;
    struct asked marie = asked_by("marie", "+1", "SM2", "code of marie");

    jean_is_there();
    PGconn *other = table_lock(&marie);
    assert_sql(&bench,
               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
               " WHERE datname = current_database() AND application_name = 'whatsapp-uic'",
               "1");
    asked_wait(&bench, &marie);
    PQfinish(other);
    assert_int_equal(marie.claim.ticket.status, STORE_DOWN);
    assert_told(false, "terminating connection due to administrator command");
    jean_comes_again("SM3");
    assert_int_equal(claimed(&bench, &marie), STORE_OK);
    assert_true(marie.claim.is_new);
}

static void a_connection_that_is_ended_while_idle(void **state)
{
    (void)state;
    jean_is_there();
    assert_sql(&bench,
               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
               " WHERE datname = current_database() AND application_name = 'whatsapp-uic'",
               "1");
    loop_until_up(false);
    assert_told(false, "terminating connection due to administrator command (57P01)");
    jean_comes_again("SM2");
}

static void a_table_that_is_locked_too_long(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct asked crowd[COUNT];
    struct asked marie = asked_by("marie", "+1", "SM2", "code of marie");

    jean_is_there();
    PGconn *other = table_lock(&marie);
    crowd_claim(crowd, COUNT);
    asked_wait(&bench, &marie);
    assert_int_equal(marie.claim.ticket.status, STORE_DOWN);
    crowd_wait(crowd, COUNT, STORE_DOWN);
    PQfinish(other);
    jean_comes_again("SM3");

    /* Whether any was written is not known; with the same event it does not matter. */
    crowd_claim(crowd, COUNT);
    crowd_wait(crowd, COUNT, STORE_OK);
    for (int i = 0; i < COUNT; i++)
        assert_true(crowd[i].claim.is_new);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "21 22");
}

static void a_server_that_turns_read_only(void **state)
{
    (void)state;
    struct asked marie = asked_by("marie", "+1", "SM2", "code of marie");

    jean_is_there();
    assert_sql(&bench, "ALTER SYSTEM SET default_transaction_read_only = on", "");
    assert_sql(&bench, "SELECT pg_reload_conf()", "t");
    while (claimed(&bench, &marie) == STORE_OK)
        snprintf(marie.claim.event_id, RECORD_EVENT_ID_MAX, "again"); /* not reloaded yet */
    assert_told(false, "in a read-only transaction (25006)");

    /* Told anew: not even the first statement of a connection succeeds. */
    unsigned changes = bench.changes;
    while (bench.changes == changes)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_told(false, "the server is read-only");
    assert_int_equal(record_claim(bench.link, &marie.claim), STORE_DOWN);

    assert_sql(&bench, "ALTER SYSTEM RESET default_transaction_read_only", "");
    assert_sql(&bench, "SELECT pg_reload_conf()", "t");
    jean_comes_again("SM3");
}

static void a_server_that_crashes_and_comes_back(void **state)
{
    (void)state;
    struct asked marie = asked_by("marie", "+1", "SM2", "code of marie");

    jean_is_there();
    postgres_server_end(&bench_server, SIGQUIT);
    loop_until_up(false);
    assert_int_equal(record_claim(bench.link, &marie.claim), STORE_DOWN);
    while (!strstr(bench.why, "No such file") && !strstr(bench.why, "refused"))
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_false(bench.up);

    postgres_server_run(&bench_server);
    jean_comes_again("SM3");
    assert_told(true, ": connected");
}

static void a_server_that_is_away_at_the_start(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench_detach(&bench);
    postgres_server_end(&bench_server, SIGINT);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_false(bench.up);
    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_DOWN);
    postgres_server_run(&bench_server);
    loop_until_up(true);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
}

static void tables_that_are_not_there_yet(void **state)
{
    (void)state;
    char report[ERROR_MAX], error[ERROR_MAX];
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench_detach(&bench);
    bench_folder(&bench);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_told(false, "run whatsapp-uic init-db");
    /* Without bench_prepare: it waits until nobody is connected, and the writer may be by then. */
    assert_int_equal(record_store_prepare(bench.url, report, error), 0);
    loop_until_up(true);
    assert_int_equal(claimed(&bench, &jean), STORE_OK);
}

/* Takes connections and never says a word, like a network that swallows what comes back. */
static int listener_open(char url[POSTGRES_URL_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, POSTGRES_URL_MAX, "postgresql://uic:s3cret@127.0.0.1:%d/uic",
             ntohs(address.sin_port));
    return listener;
}

static void a_network_that_swallows_everything(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");
    char url[POSTGRES_URL_MAX];
    int listener = listener_open(url);

    bench_detach(&bench);
    strcpy(bench.url, url);
    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    while (bench.changes == 0)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    assert_told(false, "no connection within 3000 ms");
    assert_null(strstr(bench.why, "s3cret"));
    close(listener);
}

static void too_many_waiting_claims_are_refused(void **state)
{
    (void)state;
    struct asked *crowd = calloc(WAITING_MAX, sizeof *crowd);
    struct asked last = asked_by("last", "+1", "SM1", "last");

    crowd_claim(crowd, WAITING_MAX);
    assert_int_equal(record_claim(bench.link, &last.claim), STORE_FULL);
    for (int i = 0; i < WAITING_MAX; i++)
        asked_wait(&bench, &crowd[i]);
    assert_false(last.finished);
    assert_int_equal(claimed(&bench, &last), STORE_OK);
    free(crowd);
}

static void detaching_finishes_what_is_under_way(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    struct asked *crowd = calloc(COUNT, sizeof *crowd);

    crowd_claim(crowd, COUNT); /* not even connected */
    bench_detach(&bench);
    for (int i = 0; i < COUNT; i++) {
        assert_true(crowd[i].finished);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    free(crowd);
}

static void detaching_from_a_silent_server_ends(void **state)
{
    (void)state;
    struct asked crowd[10];

    jean_is_there();
    postgres_server_signal(&bench_server, SIGSTOP);
    crowd_claim(crowd, 10);
    bench_detach(&bench);
    postgres_server_signal(&bench_server, SIGCONT);
    for (int i = 0; i < 10; i++) {
        assert_true(crowd[i].finished);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_DOWN);
    }
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
    struct asked marie = asked_by("marie", "+1", "SM2", "code");
    struct asked joan = asked_by("joan", "+1", "SM3", "code");

    marie.claim.ticket.done = joan.claim.ticket.done = claim_longer;
    jean_is_there();
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
        TEST(a_link_connects_by_itself),
        TEST(a_server_that_is_silent_is_down),
        TEST(a_connection_that_is_ended_in_mid_statement),
        TEST(a_connection_that_is_ended_while_idle),
        TEST(a_table_that_is_locked_too_long),
        TEST(a_server_that_turns_read_only),
        TEST(a_server_that_crashes_and_comes_back),
        TEST(a_server_that_is_away_at_the_start),
        TEST(tables_that_are_not_there_yet),
        TEST(a_network_that_swallows_everything),
        TEST(too_many_waiting_claims_are_refused),
        TEST(detaching_finishes_what_is_under_way),
        TEST(detaching_from_a_silent_server_ends),
        TEST(a_claim_may_be_repeated_from_its_done),
    };

    return cmocka_run_group_tests(tests, bench_server_start, bench_server_stop);
}
