/* Several consumers of one outbox: whatever is left by those who die is taken over, and each entry
 * reaches the database once. */
#include "store/outbox_bench.h"

#include <pthread.h>
#include <stdatomic.h>

static void entries_of_the_dead_are_taken_over(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[100];
    struct outbox_pace pace = quick;

    for (int i = 0; i < 100; i++)
        letters[i] = letter_number(i);
    put_aside(letters, 100);
    tell("XGROUP CREATE " STREAM " %s 0", group);
    tell("XREADGROUP GROUP %s dead COUNT 99 STREAMS " STREAM " >", group);
    outbox_open(&outbox);
    until(outbox.written == 1);
    unsigned lengths = outbox.lengths;
    until(outbox.lengths > lengths + 5);
    assert_int_equal(outbox.written, 1); /* the others may live */
    pace.dead_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(outbox.written == 100);
    assert_sql(&bench, ROWS, "100 100");
    assert_int_equal(entries(), 0);
    outbox_close(&outbox);
}

static bool consumer_exists(const char *name)
{
    redisReply *consumers = ask("XINFO CONSUMERS " STREAM " %s", group);
    bool exists = false;
    for (size_t i = 0; i < consumers->elements; i++)
        exists = exists || strcmp(consumers->element[i]->element[1]->str, name) == 0;
    freeReplyObject(consumers);
    return exists;
}

static void the_dead_are_forgotten_when_nothing_is_left_of_them(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};
    struct outbox_pace pace = quick;

    put_aside(letters, 1);
    tell("XGROUP CREATE " STREAM " %s 0", group);
    tell("XREADGROUP GROUP %s heir COUNT 1 STREAMS " STREAM " >", group);
    tell("XGROUP CREATECONSUMER " STREAM " %s gone", group);
    outbox_open(&outbox);
    pace.forget_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(!consumer_exists("gone"));
    assert_true(consumer_exists("heir"));
    pace.dead_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(outbox.written == 1);
    until(!consumer_exists("heir"));
    assert_status(put(&outbox, &letters[1]), STORE_OK); /* forgotten itself, it comes back */
    until(outbox.written == 2);
    outbox_close(&outbox);
}

/* A process that claims ten, and is killed before it can say so. */
static struct record_claim copies[10];
static bool dying;

static void die(struct store_ticket *ticket)
{
    static unsigned count;
    if (ticket->status != STORE_OK)
        abort();
    if (++count == 10)
        raise(SIGKILL);
}

/* The linker leads the outbox here (tests/CMakeLists.txt). */
enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim);
enum store_status __real_record_claim(struct record_link *link, struct record_claim *claim);

enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim)
{
    static size_t count;

    if (!dying)
        return __real_record_claim(link, claim);
    copies[count] = *claim;
    copies[count].ticket.done = die;
    return __real_record_claim(link, &copies[count++]);
}

static void killed_between_commit_and_settling_it_counts_once(void **state)
{
    (void)state;
    struct outbox outbox;
    struct outbox_pace pace = quick;
    struct letter letters[10];
    int status;

    for (int i = 0; i < 10; i++)
        letters[i] = letter_number(i);
    put_aside(letters, 10);
    bench_detach(&bench); /* its thread does not live in a child */
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bench_attach(&bench);
        dying = true;
        outbox_open(&outbox);
        event_base_dispatch(bench.base);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_sql(&bench, ROWS, "10 10");
    assert_int_equal(entries(), 10);

    bench_attach(&bench);
    outbox_open(&outbox);
    pace.dead_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(outbox.written == 10);
    assert_sql(&bench, ROWS, "10 10");
    assert_int_equal(entries(), 0);
    outbox_close(&outbox);
}

/* So short a time that the living are robbed, too. */
static const struct outbox_pace hasty = {
    .look_ms = 5, .dead_ms = 20, .forget_ms = 100, .pause_ms = 5, .pause_max_ms = 20};

static pid_t drainer_start(void)
{
    struct outbox outbox;
    pid_t child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_attach(&bench);
    outbox_open(&outbox);
    outbox_set_pace(outbox.link, &hasty);
    event_base_dispatch(bench.base);
    _exit(1);
}

static void whoever_is_killed_each_entry_counts_once(void **state)
{
    (void)state;
    enum { COUNT = 3000, DRAINERS = 3 };
    struct letter *letters = calloc(COUNT, sizeof *letters);
    pid_t drainers[DRAINERS];
    unsigned kills = 0;

    for (int i = 0; i < COUNT; i++)
        letters[i] = letter_number(i);
    put_aside(letters, COUNT);
    bench_detach(&bench);
    for (int i = 0; i < DRAINERS; i++)
        drainers[i] = drainer_start();
    for (long long before = COUNT, left; (left = entries()) > 0;) {
        if (before - left < 150) {
            nap();
            continue;
        }
        before = left;
        pid_t *unlucky = &drainers[kills++ % DRAINERS];
        kill(*unlucky, SIGKILL);
        assert_int_equal(waitpid(*unlucky, NULL, 0), *unlucky);
        *unlucky = drainer_start();
    }
    for (int i = 0; i < DRAINERS; i++) {
        kill(drainers[i], SIGKILL);
        waitpid(drainers[i], NULL, 0);
    }
    assert_in_range(kills, 3, COUNT);
    assert_sql(&bench, ROWS, "3000 3000");
    assert_int_equal(ask_number("EXISTS " KEPT), 0);
    free(letters);
}

/* Threads of one process, each with its loop and its links. */
enum { SHARED = 2000 };

struct crew {
    pthread_t thread;
    struct event_base *base;
    struct outbox outbox;
    atomic_int *looked;
    atomic_int *written;
};

static void crew_length(void *arg, uint64_t length, int64_t oldest_age_ms)
{
    struct crew *crew = arg;
    (void)oldest_age_ms;
    if (length > 0 && crew->outbox.lengths++ == 0)
        atomic_fetch_add(crew->looked, 1);
}

static void crew_written(void *arg)
{
    struct crew *crew = arg;
    crew->outbox.written++;
    atomic_fetch_add(crew->written, 1);
}

static void crew_refused(void *arg, const char *why)
{
    struct crew *crew = arg;
    crew->outbox.refused++;
    (void)why;
}

static void *crew_run(void *arg)
{
    struct crew *crew = arg;
    const struct outbox_watch watch = {
        .length = crew_length, .written = crew_written, .refused = crew_refused, .arg = crew};
    char error[ERROR_MAX];
    struct event_base *base = event_base_new();
    struct record_link *records = record_attach(bench.store, base, NULL, error);

    test_redis_open(&crew->outbox.redis, base, url, deadline_ms);
    crew->outbox.link =
        outbox_attach(&settings, base, crew->outbox.redis.links.patient, records, &watch, error);
    if (!crew->outbox.link)
        abort();
    outbox_set_pace(crew->outbox.link, &quick);
    while (atomic_load(crew->written) < SHARED)
        event_base_loop(base, EVLOOP_ONCE);
    outbox_detach(crew->outbox.link);
    test_redis_close(&crew->outbox.redis);
    record_detach(records);
    event_base_free(base);
    return NULL;
}

static void two_share_the_work(void **state)
{
    (void)state;
    struct letter *letters = calloc(SHARED, sizeof *letters);
    atomic_int looked = 0, written = 0;
    struct crew crews[2];

    for (int i = 0; i < SHARED; i++)
        letters[i] = letter_number(i);
    put_aside(letters, SHARED);
    database_away();
    for (int i = 0; i < 2; i++) {
        crews[i] = (struct crew){.looked = &looked, .written = &written};
        assert_int_equal(pthread_create(&crews[i].thread, NULL, crew_run, &crews[i]), 0);
    }
    while (atomic_load(&looked) < 2)
        nap();
    database_back();
    for (int i = 0; i < 2; i++)
        pthread_join(crews[i].thread, NULL);
    assert_int_equal(atomic_load(&written), SHARED);
    assert_true(crews[0].outbox.written > 0);
    assert_true(crews[1].outbox.written > 0);
    assert_sql(&bench, ROWS, "2000 2000");
    assert_int_equal(entries(), 0);
    free(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entries_of_the_dead_are_taken_over),
        CASE(the_dead_are_forgotten_when_nothing_is_left_of_them),
        CASE(killed_between_commit_and_settling_it_counts_once),
        CASE(whoever_is_killed_each_entry_counts_once),
        CASE(two_share_the_work),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
