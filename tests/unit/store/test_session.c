/* What a session store promises, tried on every backend. */
#include "store/redis_server.h"
#include "store/session_bench.h"

/* What the tests of one backend run on. */
struct ground {
    bool on_redis;
    struct redis_server server;
    char url[128];
};

static struct ground ground;
static struct bench bench;

static int open_bench(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(ground.on_redis ? ground.url : NULL);
    bench_open(&bench, &settings);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

/* Opens the bench again, with short lives. */
static void open_short_lived(unsigned ttl_ms, unsigned mark_ttl_ms)
{
    struct session_settings settings = bench_settings(ground.on_redis ? ground.url : NULL);
    settings.ttl_ms = ttl_ms;
    settings.mark_ttl_ms = mark_ttl_ms;
    bench_close(&bench);
    bench_open(&bench, &settings);
}

/* Each test has people of its own. */
static const char *somebody(void)
{
    static unsigned count;
    static char address[4][64];
    char *text = address[count % 4];
    snprintf(text, sizeof address[0], "whatsapp:+24381%07u", count++);
    return text;
}

static void a_new_person_has_no_session(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, somebody());
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_int_equal(visit.session.length, 0);
    assert_int_equal(visit.session.mark_length, 0);
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit;
    visit_init(&bench, &visit, address);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    visit_say(&visit, "née à Kinshasa");
    visit_mark(&visit, "fr");
    assert_status(visit_save(&bench, &visit), STORE_OK);

    visit_init(&bench, &visit, address);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_says(&visit, "née à Kinshasa");
    assert_marked(&visit, "fr");
}

static void people_are_kept_apart(void **state)
{
    (void)state;
    struct visit marie, jean;
    visit_init(&bench, &marie, "whatsapp:US.1234");
    visit_init(&bench, &jean, "whatsapp:US.123");
    visit_say(&marie, "Marie");
    assert_status(visit_save(&bench, &marie), STORE_OK);
    assert_status(visit_load(&bench, &jean), STORE_ABSENT);
    visit_say(&jean, "Jean");
    assert_status(visit_save(&bench, &jean), STORE_OK);
    assert_status(visit_load(&bench, &marie), STORE_OK);
    assert_says(&marie, "Marie");
}

static void an_address_may_be_any_bytes(void **state)
{
    (void)state;
    struct visit longer, shorter;
    const char bytes[128] = {'w', '\0', '\n', '\xff'};
    visit_init(&bench, &longer, "");
    visit_init(&bench, &shorter, "");
    session_init(bench.link, &longer.session, bytes, sizeof bytes);
    session_init(bench.link, &shorter.session, bytes, sizeof bytes - 1);
    longer.session.ticket.done = shorter.session.ticket.done = visit_done;
    visit_say(&longer, "x");
    assert_status(visit_save(&bench, &longer), STORE_OK);
    assert_status(visit_load(&bench, &shorter), STORE_ABSENT);
    assert_status(visit_load(&bench, &longer), STORE_OK);
}

static void a_save_after_another_conflicts(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit first, second;
    visit_init(&bench, &first, address);
    visit_say(&first, "one");
    assert_status(visit_save(&bench, &first), STORE_OK);

    visit_init(&bench, &first, address);
    visit_init(&bench, &second, address);
    assert_status(visit_load(&bench, &first), STORE_OK);
    assert_status(visit_load(&bench, &second), STORE_OK);
    visit_say(&first, "two");
    assert_status(visit_save(&bench, &first), STORE_OK);
    visit_say(&second, "three");
    assert_status(visit_save(&bench, &second), STORE_CONFLICT);

    assert_status(visit_load(&bench, &second), STORE_OK);
    assert_says(&second, "two");
    visit_say(&second, "three");
    assert_status(visit_save(&bench, &second), STORE_OK);
}

static void even_the_same_bytes_saved_again_conflict(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit first, second;
    visit_init(&bench, &first, address);
    visit_init(&bench, &second, address);
    visit_say(&first, "same");
    assert_status(visit_save(&bench, &first), STORE_OK);
    assert_status(visit_load(&bench, &second), STORE_OK);
    assert_status(visit_save(&bench, &first), STORE_OK);
    assert_status(visit_save(&bench, &second), STORE_CONFLICT);
}

static void of_two_first_messages_one_conflicts(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit first, second;
    visit_init(&bench, &first, address);
    visit_init(&bench, &second, address);
    assert_status(visit_load(&bench, &first), STORE_ABSENT);
    assert_status(visit_load(&bench, &second), STORE_ABSENT);
    visit_say(&first, "first");
    assert_status(visit_save(&bench, &first), STORE_OK);
    visit_say(&second, "second");
    assert_status(visit_save(&bench, &second), STORE_CONFLICT);
    assert_status(visit_load(&bench, &second), STORE_OK);
    assert_says(&second, "first");
}

static void one_may_save_again_without_loading(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, somebody());
    visit_say(&visit, "one");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    visit_say(&visit, "two");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_says(&visit, "two");
}

static void saving_nothing_deletes(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit;
    visit_init(&bench, &visit, address);
    visit_say(&visit, "x");
    visit_mark(&visit, "m");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    visit_say(&visit, "");
    visit_mark(&visit, "");
    assert_status(visit_save(&bench, &visit), STORE_OK);

    visit_init(&bench, &visit, address);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_int_equal(visit.session.mark_length, 0);
    assert_status(visit_save(&bench, &visit), STORE_OK); /* nothing, once more */
    visit_say(&visit, "again");
    assert_status(visit_save(&bench, &visit), STORE_OK);
}

static void a_deleted_session_may_leave_a_mark(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, somebody());
    visit_say(&visit, "x");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    visit_say(&visit, "");
    visit_mark(&visit, "m");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_marked(&visit, "m");
    visit_say(&visit, "new");
    visit_mark(&visit, "");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_int_equal(visit.session.mark_length, 0);
}

static void a_delete_after_a_save_conflicts(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit first, second;
    visit_init(&bench, &first, address);
    visit_init(&bench, &second, address);
    visit_say(&first, "one");
    assert_status(visit_save(&bench, &first), STORE_OK);
    assert_status(visit_load(&bench, &second), STORE_OK);
    assert_status(visit_save(&bench, &first), STORE_OK);
    visit_say(&second, "");
    assert_status(visit_save(&bench, &second), STORE_CONFLICT);
}

#define NAPS (PATIENCE_SECONDS * 200)

static void load_until_absent(struct visit *visit)
{
    for (int i = 0; i < NAPS && visit_load(&bench, visit) == STORE_OK; i++)
        nap();
    assert_status(visit_load(&bench, visit), STORE_ABSENT);
}

static void a_session_ends_and_its_mark_stays(void **state)
{
    (void)state;
    struct visit visit;
    open_short_lived(20, 600000);
    visit_init(&bench, &visit, somebody());
    visit_say(&visit, "x");
    visit_mark(&visit, "m");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    struct visit stale = visit;
    load_until_absent(&visit);
    assert_marked(&visit, "m");
    assert_status(visit_save(&bench, &stale), STORE_CONFLICT);
}

static void a_mark_ends_too(void **state)
{
    (void)state;
    struct visit visit;
    open_short_lived(20, 40);
    visit_init(&bench, &visit, somebody());
    visit_say(&visit, "x");
    visit_mark(&visit, "m");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    load_until_absent(&visit);
    for (int i = 0; i < NAPS && visit.session.mark_length > 0; i++) {
        nap();
        load_until_absent(&visit);
    }
    assert_int_equal(visit.session.mark_length, 0);
}

static void all_sizes_fit(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 12, 13, 16, 17, 1000, SESSION_BYTES_MAX - 1, SESSION_BYTES_MAX};
    const char *address = somebody();
    struct visit visit;
    unsigned char expected[SESSION_BYTES_MAX];
    visit_init(&bench, &visit, address);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t at = 0; at < sizes[i]; at++)
            expected[at] = (unsigned char)(at * 7 + i);
        visit.session.length = sizes[i];
        memcpy(visit.session.bytes, expected, sizes[i]);
        visit.session.mark_length = SESSION_MARK_MAX;
        memcpy(visit.session.mark, "0123456789abcdef", SESSION_MARK_MAX);
        assert_status(visit_save(&bench, &visit), STORE_OK);
        session_wipe(&visit.session);
        assert_room_is_empty(&bench);
        assert_status(visit_load(&bench, &visit), STORE_OK);
        assert_int_equal(visit.session.length, sizes[i]);
        assert_memory_equal(visit.session.bytes, expected, sizes[i]);
        session_wipe(&visit.session);
        assert_room_is_empty(&bench);
        assert_int_equal(visit.session.mark_length, SESSION_MARK_MAX);
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, somebody());
    visit.session.length = SESSION_BYTES_MAX + 1;
    assert_status(visit_save(&bench, &visit), STORE_FULL);
    visit.session.length = 1;
    visit.session.mark_length = SESSION_MARK_MAX + 1;
    assert_status(visit_save(&bench, &visit), STORE_FULL);
}

#define CROWD 200

/* Operations of many people end as they were started, so the next one to end is who is loaded. */
static size_t crowd_done;

static void crowd_saved(struct store_ticket *ticket)
{
    assert_status(ticket->status, STORE_OK);
    crowd_done++;
}

static void crowd_loaded(struct store_ticket *ticket)
{
    char text[32];

    assert_status(ticket->status, STORE_OK);
    snprintf(text, sizeof text, "I am %zu", crowd_done++);
    assert_says((const struct visit *)ticket, text);
}

static void crowd_start(struct visit *one, void (*done)(struct store_ticket *),
                        enum store_status (*operation)(struct session_link *, struct session *))
{
    one->session.ticket.done = done;
    const enum store_status status = operation(bench.link, &one->session);
    if (status == STORE_LATER)
        return;
    one->session.ticket.status = status;
    done(&one->session.ticket);
}

static void many_operations_are_under_way_at_once(void **state)
{
    (void)state;
    static struct visit crowd[CROWD];
    char text[32];

    crowd_done = 0;
    for (size_t i = 0; i < CROWD; i++) {
        visit_init(&bench, &crowd[i], somebody());
        snprintf(text, sizeof text, "I am %zu", i);
        visit_say(&crowd[i], text);
        crowd_start(&crowd[i], crowd_saved, session_save);
    }
    bench_until(&bench, crowd_done == CROWD);
    crowd_done = 0;
    for (size_t i = 0; i < CROWD; i++)
        crowd_start(&crowd[i], crowd_loaded, session_load);
    bench_until(&bench, crowd_done == CROWD);
}

static void another_link_sees_the_same_sessions(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit;
    char error[ERROR_MAX];
    visit_init(&bench, &visit, address);
    visit_say(&visit, "x");
    assert_status(visit_save(&bench, &visit), STORE_OK);

    struct bench other = bench;
    other.link = session_attach(bench.store, bench.redis, NULL, error);
    assert_non_null(other.link);
    bench_until(&other, session_link_up(other.link));
    visit_init(&other, &visit, address);
    assert_status(visit_load(&other, &visit), STORE_OK);
    assert_says(&visit, "x");
    bench_detach(&other);
}

static int start_memory(void **state)
{
    (void)state;
    ground = (struct ground){0};
    return 0;
}

static int start_redis_on_socket(void **state)
{
    (void)state;
    ground = (struct ground){.on_redis = true};
    redis_server_start(&ground.server, false, NULL);
    snprintf(ground.url, sizeof ground.url, "unix://%s?db=1", ground.server.socket);
    return 0;
}

static int start_redis_on_port(void **state)
{
    (void)state;
    ground = (struct ground){.on_redis = true};
    redis_server_start(&ground.server, true, "p@ss word");
    snprintf(ground.url, sizeof ground.url, "redis://default:p%%40ss%%20word@localhost:%u/3",
             ground.server.port);
    return 0;
}

static void a_session_is_forgotten_with_its_mark(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit;
    visit_init(&bench, &visit, address);
    visit_say(&visit, "Marie");
    visit_mark(&visit, "fr");
    assert_status(visit_save(&bench, &visit), STORE_OK);

    visit_init(&bench, &visit, address);
    assert_status(visit_forget(&bench, &visit, false), STORE_OK);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_int_equal(visit.session.mark_length, 0);
    assert_status(visit_forget(&bench, &visit, false), STORE_ABSENT);
}

static void a_forgotten_session_may_keep_its_mark(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit;
    visit_init(&bench, &visit, address);
    visit_say(&visit, "Marie");
    visit_mark(&visit, "fr");
    assert_status(visit_save(&bench, &visit), STORE_OK);

    assert_status(visit_forget(&bench, &visit, true), STORE_OK);
    assert_status(visit_forget(&bench, &visit, true), STORE_ABSENT);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_marked(&visit, "fr");
    assert_status(visit_forget(&bench, &visit, false), STORE_OK);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    assert_int_equal(visit.session.mark_length, 0);
}

static void a_save_after_forgetting_conflicts(void **state)
{
    (void)state;
    const char *address = somebody();
    struct visit visit, operator;
    visit_init(&bench, &visit, address);
    visit_say(&visit, "one");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    visit_init(&bench, &operator, address);
    assert_status(visit_forget(&bench, &operator, false), STORE_OK);
    visit_say(&visit, "two");
    assert_status(visit_save(&bench, &visit), STORE_CONFLICT);
    visit_say(&operator, "anew");
    assert_status(visit_save(&bench, &operator), STORE_OK);
}

static int stop_redis(void **state)
{
    (void)state;
    redis_server_stop(&ground.server);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_person_has_no_session),
        CASE(what_was_saved_is_loaded),
        CASE(people_are_kept_apart),
        CASE(an_address_may_be_any_bytes),
        CASE(a_save_after_another_conflicts),
        CASE(even_the_same_bytes_saved_again_conflict),
        CASE(of_two_first_messages_one_conflicts),
        CASE(one_may_save_again_without_loading),
        CASE(saving_nothing_deletes),
        CASE(a_deleted_session_may_leave_a_mark),
        CASE(a_delete_after_a_save_conflicts),
        CASE(a_session_ends_and_its_mark_stays),
        CASE(a_mark_ends_too),
        CASE(a_session_is_forgotten_with_its_mark),
        CASE(a_forgotten_session_may_keep_its_mark),
        CASE(a_save_after_forgetting_conflicts),
        CASE(all_sizes_fit),
        CASE(what_is_too_long_is_refused),
        CASE(many_operations_are_under_way_at_once),
        CASE(another_link_sees_the_same_sessions),
    };
    signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests_name("memory", tests, start_memory, NULL);
    failed +=
        cmocka_run_group_tests_name("redis on a socket", tests, start_redis_on_socket, stop_redis);
    failed +=
        cmocka_run_group_tests_name("redis on a port", tests, start_redis_on_port, stop_redis);
    return failed;
}
