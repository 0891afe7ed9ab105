/* Emptying the outbox into a database that refuses, fails, or is slow: what waits stays, and holds
 * up nothing else. */
#include "store/outbox_bench.h"

#include "store/base/container_of.h"

/* To us a link is something else than to the store, which never sees ours. */
struct record_link {
    bool up;
};

/* Records that do as the test says. */
struct puppet {
    struct record_link link;
    bool hold; /* claims wait for release */
    enum store_status at_once;
    enum store_status later;
    const char *poison; /* this event is down for ever */
    struct record_job *held;
    unsigned claims;
    struct event *soon;
};

static struct puppet puppet;

static void puppet_release(enum store_status status)
{
    struct record_job *jobs = puppet.held;

    puppet.held = NULL;
    while (jobs != NULL) {
        struct record_claim *claim = container_of(jobs, struct record_claim, job);
        bool poisoned = puppet.poison != NULL && strcmp(claim->event_id, puppet.poison) == 0;
        jobs = jobs->entry.stqe_next;
        claim->ticket.status = poisoned ? STORE_DOWN : status;
        claim->ticket.done(&claim->ticket);
    }
}

static void puppet_soon(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    puppet_release(puppet.later);
}

/* The linker leads the outbox here (tests/CMakeLists.txt). */
bool __wrap_record_link_up(const struct record_link *link);
enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim);
bool __real_record_link_up(const struct record_link *link);
enum store_status __real_record_claim(struct record_link *link, struct record_claim *claim);

bool __wrap_record_link_up(const struct record_link *link)
{
    return link == &puppet.link ? link->up : __real_record_link_up(link);
}

enum store_status __wrap_record_claim(struct record_link *link, struct record_claim *claim)
{
    if (link != &puppet.link)
        return __real_record_claim(link, claim);
    puppet.claims++;
    if (puppet.at_once != STORE_LATER)
        return puppet.at_once;
    claim->job.entry.stqe_next = puppet.held;
    puppet.held = &claim->job;
    if (!puppet.hold)
        event_active(puppet.soon, EV_TIMEOUT, 0);
    return STORE_LATER;
}

static int start_puppet(void **state)
{
    start(state);
    puppet = (struct puppet){.link = {.up = true}, .at_once = STORE_LATER, .later = STORE_OK};
    puppet.soon = evtimer_new(bench.base, puppet_soon, NULL);
    return 0;
}

static int stop_puppet(void **state)
{
    event_free(puppet.soon);
    return stop(state);
}

#define PUPPET(name) cmocka_unit_test_setup_teardown(name, start_puppet, stop_puppet)

static void what_the_database_refuses_stays(void **state)
{
    (void)state;
    static const enum store_status at_once[] = {STORE_FULL, STORE_DOWN, STORE_LATER, STORE_LATER};
    static const enum store_status later[] = {STORE_OK, STORE_OK, STORE_DOWN, STORE_FULL};
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};

    put_aside(letters, 2);
    outbox_open_on(&outbox, &puppet.link);
    for (int i = 0; i < 4; i++) {
        puppet.at_once = at_once[i];
        puppet.later = later[i];
        puppet.claims = 0;
        until(puppet.claims >= 6); /* again and again */
        assert_int_equal(entries(), 2);
    }
    puppet.later = STORE_OK;
    until(outbox.written == 2);
    assert_int_equal(entries(), 0);
    outbox_close(&outbox);
}

/* After a failure it does not try again while a test lasts. */
static const struct outbox_pace patient = {.look_ms = 5,
                                           .dead_ms = 3600000,
                                           .forget_ms = 3600000,
                                           .pause_ms = 3600000,
                                           .pause_max_ms = 3600000};

static void after_a_failure_it_waits_until_the_database_is_back(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter jean = letter_number(0);

    put_aside(&jean, 1);
    puppet.later = STORE_DOWN;
    outbox_open_on(&outbox, &puppet.link);
    outbox_set_pace(outbox.link, &patient);
    until(puppet.claims == 1);
    unsigned lengths = outbox.lengths;
    until(outbox.lengths > lengths + 5); /* it goes on looking */
    assert_int_equal(puppet.claims, 1);
    puppet.link.up = false;
    lengths = outbox.lengths;
    until(outbox.lengths > lengths + 5);
    assert_int_equal(puppet.claims, 1);
    puppet.later = STORE_OK;
    puppet.link.up = true;
    until(outbox.written == 1);
    outbox_close(&outbox);
}

static void one_that_always_fails_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[300];

    for (int i = 0; i < 300; i++)
        letters[i] = letter_number(i);
    puppet.poison = "000003";
    put_aside(letters, 300);
    outbox_open_on(&outbox, &puppet.link);
    outbox_set_pace(outbox.link, &patient);
    until(outbox.written == 299);
    assert_int_equal(entries(), 1);
    outbox_close(&outbox);
}

static void what_was_written_but_not_settled_is_written_again(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};

    put_aside(letters, 2);
    puppet.hold = true;
    outbox_open_on(&outbox, &puppet.link);
    until(puppet.claims == 2);
    tell("CLIENT KILL TYPE normal SKIPME yes");
    puppet_release(STORE_OK);
    assert_int_equal(outbox.written, 0);
    until(puppet.claims == 4);
    puppet_release(STORE_OK);
    until(outbox.written == 2);
    assert_int_equal(entries(), 0);
    outbox_close(&outbox);
}

static void a_detach_leaves_claims_to_end_by_themselves(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[2] = {letter_number(0), letter_number(1)};

    put_aside(letters, 2);
    puppet.hold = true;
    outbox_open_on(&outbox, &puppet.link);
    until(puppet.claims == 2);
    outbox_close(&outbox);
    puppet_release(STORE_OK);
    assert_int_equal(entries(), 2);
    assert_int_equal(outbox.written, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET(what_the_database_refuses_stays),
        PUPPET(after_a_failure_it_waits_until_the_database_is_back),
        PUPPET(one_that_always_fails_does_not_hold_up_the_others),
        PUPPET(what_was_written_but_not_settled_is_written_again),
        PUPPET(a_detach_leaves_claims_to_end_by_themselves),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
