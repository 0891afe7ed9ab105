/*
 * Many at once, in SQLite and in PostgreSQL: threads, links, processes; and processes that are
 * killed.
 */
#include "record_bench.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static struct bench bench;

static int setup(void **state)
{
    (void)state;
    bench_folder(&bench);
    bench_prepare(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

enum { PERSONS = 1500, IN_FLIGHT = 64 };

/* Links on one loop that claim until their share is done. */
struct crew {
    struct record_store *store;
    const char *prefix; /* of its event ids: no two crews share one */
    int next;           /* number of the next claim */
    int share;          /* number at which to stop */
    int under_way;
    int reports; /* a pipe for the codes that were promised, or -1 */
    pthread_t thread;
    struct event_base *base;
    atomic_int *new_count; /* one for each person */
};

struct member {
    struct record_claim claim;
    struct crew *crew;
    struct record_link *link;
    int person;
};

static void code_format(int person, char code[RECORD_CODE_MAX])
{
    snprintf(code, RECORD_CODE_MAX, "CODE-%06d", person);
}

static void member_claim(struct member *member);

static void member_done(struct store_ticket *ticket)
{
    struct member *member = (struct member *)ticket;
    struct crew *crew = member->crew;
    char code[RECORD_CODE_MAX];

    if (!pthread_equal(pthread_self(), crew->thread))
        abort();
    if (ticket->status == STORE_DOWN) {
        /* Another process had the lock all the time: the same event once more. */
        if (record_claim(member->link, &member->claim) != STORE_LATER)
            abort();
        return;
    }
    code_format(member->person, code);
    if (ticket->status != STORE_OK || strcmp(member->claim.code, code) != 0)
        abort();
    if (crew->new_count != NULL && member->claim.is_new)
        atomic_fetch_add(&crew->new_count[member->person], 1);
    if (crew->reports >= 0 && write(crew->reports, member->claim.code, 16) != 16)
        abort();
    crew->under_way--;
    member_claim(member);
}

static void member_claim(struct member *member)
{
    struct crew *crew = member->crew;

    if (crew->next == crew->share)
        return;
    int number = crew->next++;
    member->person = (number * 7919 + crew->prefix[0] * 31) % PERSONS;
    memset(&member->claim, 0, sizeof member->claim);
    member->claim.ticket.done = member_done;
    member->claim.now_us = 4922899199000042;
    snprintf((char *)member->claim.input_hash, RECORD_HASH_SIZE, "person %d", member->person);
    snprintf(member->claim.event_id, RECORD_EVENT_ID_MAX, "%s%d", crew->prefix, number);
    snprintf(member->claim.phone_number, RECORD_PHONE_MAX, "+243%d", member->person);
    code_format(member->person, member->claim.code);
    if (record_claim(member->link, &member->claim) != STORE_LATER)
        abort();
    crew->under_way++;
}

static void *crew_run(void *arg)
{
    struct crew *crew = arg;
    struct record_link *links[2];
    struct member members[IN_FLIGHT];
    char error[ERROR_MAX];

    crew->thread = pthread_self();
    crew->base = event_base_new();
    for (int i = 0; i < 2; i++) {
        links[i] = record_attach(crew->store, crew->base, NULL, error);
        if (links[i] == NULL)
            abort();
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        members[i].crew = crew;
        members[i].link = links[i % 2];
        member_claim(&members[i]);
    }
    while (crew->next < crew->share)
        event_base_loop(crew->base, EVLOOP_ONCE);
    record_detach(links[0]);
    record_detach(links[1]);
    event_base_free(crew->base);
    if (crew->under_way != 0)
        abort();
    return NULL;
}

static void threads_and_links_count_exactly(void **state)
{
    (void)state;
    enum { THREADS = 4, SHARE = 2500 };
    static const char *const prefixes[THREADS] = {"A", "B", "C", "D"};
    static atomic_int new_count[PERSONS];
    pthread_t threads[THREADS];
    struct crew crews[THREADS];
    char error[ERROR_MAX];
    struct record_store *store = record_store_open(bench.url, asker_key, NULL, error);

    assert_non_null(store);
    for (int i = 0; i < PERSONS; i++)
        atomic_store(&new_count[i], 0);
    for (int i = 0; i < THREADS; i++) {
        crews[i] = (struct crew){
            .store = store,
            .prefix = prefixes[i],
            .share = SHARE,
            .reports = -1,
            .new_count = new_count,
        };
        assert_int_equal(pthread_create(&threads[i], NULL, crew_run, &crews[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    record_store_close(store);

    for (int i = 0; i < PERSONS; i++)
        assert_int_equal(atomic_load(&new_count[i]), 1);
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "1500 10000");
}

/* A process with a store of its own that makes claims number first to share - 1 and exits. */
static pid_t process_start(const char *prefix, int first, int share, int reports)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    char error[ERROR_MAX] = "";
    struct crew crew = {.prefix = prefix, .next = first, .share = share, .reports = reports};
    crew.store = record_store_open(bench.url, asker_key, NULL, error);
    if (crew.store == NULL) {
        fprintf(stderr, "%s\n", error);
        _exit(9);
    }
    crew_run(&crew);
    record_store_close(crew.store);
    _exit(0);
}

static void two_processes_share_one_database(void **state)
{
    (void)state;
    pid_t children[] = {process_start("A", 0, 3000, -1), process_start("B", 0, 3000, -1)};

    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_sql(&bench, "SELECT count(*)||' '||sum(request_count) FROM uic_records", "1500 6000");
}

/* Reads promised codes until there were max or the pipe ends; marks whose they are. */
static int reports_read(int reports, int max, bool promised[PERSONS])
{
    char code[16];
    int count = 0;

    while (count < max && read(reports, code, sizeof code) == sizeof code) {
        int person = atoi(code + strlen("CODE-"));
        assert_in_range(person, 0, PERSONS - 1);
        promised[person] = true;
        count++;
    }
    return count;
}

static void assert_promises_kept(const bool promised[PERSONS])
{
    char *sql = NULL;
    size_t length;
    FILE *stream = open_memstream(&sql, &length);
    int count = 0;
    char expected[16];

    fputs("SELECT count(*) FROM uic_records WHERE uic_code IN (''", stream);
    for (int person = 0; person < PERSONS; person++) {
        char code[RECORD_CODE_MAX];
        if (!promised[person])
            continue;
        code_format(person, code);
        fprintf(stream, ", '%s'", code);
        count++;
    }
    fputs(")", stream);
    fclose(stream);
    assert_true(count > 0);
    snprintf(expected, sizeof expected, "%d", count);
    assert_sql(&bench, sql, expected);
    free(sql);
}

static void what_was_promised_survives_kill(void **state)
{
    (void)state;
    enum { ROUNDS = 12, FOR_EVER = 1000000 };
    bool promised[PERSONS] = {false};

    srand(20260101);
    for (int round = 0; round < ROUNDS; round++) {
        int reports[2];
        assert_int_equal(pipe(reports), 0);
        pid_t child = process_start("K", round * 120, FOR_EVER, reports[1]);
        close(reports[1]);
        int before_kill = 1 + rand() % 200;
        int count = reports_read(reports[0], before_kill, promised);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(count, before_kill);
        reports_read(reports[0], FOR_EVER, promised);
        close(reports[0]);
        assert_promises_kept(promised);
        assert_sql(&bench, SQL("PRAGMA integrity_check", "SELECT 'ok'"), "ok");
    }
}

static void on_committed(void *arg, size_t claims, int64_t took_us)
{
    (void)took_us;
    assert_int_equal(claims, 100);
    ++*(unsigned *)arg;
}

/* A hundred cost the database no more than one. */
static void claims_of_one_pass_of_the_loop_share_a_transaction(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    static struct asked crowd[COUNT];
    unsigned commits = 0;
    const struct record_commit_watch watch = {on_committed, &commits, NULL};

    bench_attach(&bench);
    while (!record_link_up(bench.link))
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    record_watch_commits(bench.link, &watch);
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        crowd[i] = asked_by(name, name, "SM1", name);
        assert_int_equal(record_claim(bench.link, &crowd[i].claim), STORE_LATER);
    }
    for (int i = 0; i < COUNT; i++) {
        asked_wait(&bench, &crowd[i]);
        assert_int_equal(crowd[i].claim.ticket.status, STORE_OK);
    }
    assert_int_equal(commits, 1);
    bench_detach(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_and_links_count_exactly),
        TEST(two_processes_share_one_database),
        TEST(what_was_promised_survives_kill),
        TEST(claims_of_one_pass_of_the_loop_share_a_transaction),
    };

    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
    failed += cmocka_run_group_tests_name("PostgreSQL behind pgbouncer", tests, bench_pooler_start,
                                          bench_server_stop);
    return failed;
}
