/* The connection to Redis: it fails, falls silent and comes back; and why there is none. */
#include "store/session_redis_bench.h"

#include <sys/un.h>

static struct session_settings settings_with_deadline(unsigned deadline_ms)
{
    struct session_settings settings = bench_settings(url);
    bench_deadline_ms = deadline_ms;
    return settings;
}

static void a_silent_redis_is_down_until_it_speaks(void **state)
{
    (void)state;
    struct session_settings settings = settings_with_deadline(200);
    struct visit visits[10];
    reopen(&settings);
    assert_status(save_something(), STORE_OK);

    kill(server.pid, SIGSTOP);
    for (size_t i = 0; i < 10; i++) {
        visit_init(&bench, &visits[i], ADDRESS);
        assert_status(session_load(bench.link, &visits[i].session), STORE_LATER);
    }
    for (size_t i = 0; i < 10; i++)
        assert_status(visit_end(&bench, &visits[i], STORE_LATER), STORE_DOWN);
    assert_false(session_link_up(bench.link));
    assert_false(bench.up);
    assert_non_null(strstr(bench.why, "no answer within 200 ms"));
    assert_status(visit_load(&bench, &visits[0]), STORE_DOWN);

    kill(server.pid, SIGCONT);
    bench_until(&bench, bench.up);
    assert_true(session_link_up(bench.link));
    load_says("Kabila");
}

/* Whoever slept beyond the deadline hears what was answered meanwhile before he calls it silent. */
static void a_process_without_a_processor_blames_nobody(void **state)
{
    (void)state;
    struct session_settings settings = settings_with_deadline(200);
    struct visit visit;
    reopen(&settings);
    assert_status(save_something(), STORE_OK);
    const unsigned changes = bench.changes;

    visit_init(&bench, &visit, ADDRESS);
    assert_status(session_load(bench.link, &visit.session), STORE_LATER);
    usleep(400000);
    assert_status(visit_end(&bench, &visit, STORE_LATER), STORE_OK);
    assert_int_equal(bench.changes, changes);
}

static void an_idle_link_stays_up(void **state)
{
    (void)state;
    struct session_settings settings = settings_with_deadline(50);
    reopen(&settings);
    assert_status(save_something(), STORE_OK);
    unsigned changes = bench.changes;
    event_base_loopexit(bench.base, &(struct timeval){0, 200000});
    event_base_dispatch(bench.base);
    assert_int_equal(bench.changes, changes);
    load_says("Kabila");
}

static void a_killed_redis_comes_back(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(session_load(bench.link, &visit.session), STORE_LATER);
    kill(server.pid, SIGSTOP); /* so that it cannot answer before it dies */
    redis_server_kill(&server);
    (void)visit_end(&bench, &visit, STORE_LATER);
    bench_until(&bench, !bench.up);
    assert_status(visit_load(&bench, &visit), STORE_DOWN);
    assert_status(visit_save(&bench, &visit), STORE_DOWN);

    redis_server_run(&server);
    bench_until(&bench, bench.up);
    assert_status(save_something(), STORE_OK);
    load_says("Kabila");
}

static void a_killed_redis_ends_what_is_under_way(void **state)
{
    (void)state;
    struct visit visits[10];
    kill(server.pid, SIGSTOP);
    for (size_t i = 0; i < 10; i++) {
        visit_init(&bench, &visits[i], ADDRESS);
        assert_status(session_save(bench.link, &visits[i].session), STORE_LATER);
    }
    event_base_loop(bench.base, EVLOOP_NONBLOCK); /* sends them */
    redis_server_kill(&server);
    for (size_t i = 0; i < 10; i++)
        assert_status(visit_end(&bench, &visits[i], STORE_LATER), STORE_DOWN);
}

static void a_link_may_close_while_it_tries(void **state)
{
    (void)state;
    redis_server_kill(&server);
    bench_until(&bench, !bench.up && bench.changes >= 2);
    bench_detach(&bench);
}

static void a_link_may_close_while_it_looks_a_name_up(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings("redis://localhost:1");
    for (int i = 0; i < 20; i++) {
        struct bench other;
        bench_attach(&other, &settings);
        event_base_loop(other.base, EVLOOP_ONCE); /* the lookup starts */
        bench_close(&other);
    }
}

/* Why there is no connection; none tells the password. */

static void attach_says(const struct session_settings *settings, const char *why)
{
    struct bench bad;
    char error[ERROR_MAX] = "";
    bench_attach(&bad, settings);
    bench_until(&bad, strstr(bad.why, why) != NULL);
    assert_false(bad.up);
    assert_false(session_link_up(bad.link));
    assert_null(strstr(bad.why, "hunter2"));

    assert_int_equal(bench_probe(error), -1);
    if (strstr(error, why) == NULL)
        fail_msg("the probe said: %s", error);
    bench_close(&bad);
}

static void nobody_listens(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "redis://:hunter2@127.0.0.1:%u", free_port());
    struct session_settings settings = bench_settings(url);
    attach_says(&settings, "Connection refused");
    snprintf(url, sizeof url, "unix://%s.not", server.socket);
    attach_says(&settings, "No such file");
}

static void the_name_is_unknown(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings("redis://:hunter2@redis.invalid");
    attach_says(&settings, "redis.invalid:6379: ");
}

static void the_database_is_unknown(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "unix://%s?db=99", server.socket);
    struct session_settings settings = bench_settings(url);
    attach_says(&settings, "SELECT refused: ERR DB index is out of range");
}

static void the_password_is_wrong_or_missing(void **state)
{
    (void)state;
    struct redis_server locked;
    struct session_settings settings = bench_settings(url);
    redis_server_start(&locked, true, "correct horse");
    snprintf(url, sizeof url, "redis://:hunter2@127.0.0.1:%u", locked.port);
    attach_says(&settings, "AUTH refused: WRONGPASS");
    snprintf(url, sizeof url, "redis://someone:hunter2@127.0.0.1:%u", locked.port);
    attach_says(&settings, "AUTH refused: WRONGPASS");
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", locked.port);
    attach_says(&settings, "refused: NOAUTH");
    redis_server_stop(&locked);
}

static void a_password_nobody_asked_for(void **state)
{
    (void)state;
    struct redis_server open;
    struct session_settings settings = bench_settings(url);
    redis_server_start(&open, true, NULL);
    snprintf(url, sizeof url, "redis://:hunter2@127.0.0.1:%u", open.port);
    attach_says(&settings, "AUTH refused: ERR AUTH");
    redis_server_stop(&open);
}

/* A listener that accepts and does what the test likes. */
static int listen_here(char *path, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, size, "%s/other", server.directory);
    unlink(path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void somebody_listens_and_never_speaks(void **state)
{
    (void)state;
    char path[128];
    int fd = listen_here(path, sizeof path);
    snprintf(url, sizeof url, "unix://%s", path);
    struct session_settings settings = settings_with_deadline(50);
    attach_says(&settings, "no answer within 50 ms");
    close(fd);
    unlink(path);
}

/* Answers the first command of each connection with some bytes and closes it. */
struct impostor {
    struct event_base *base;
    const char *bytes;
};

static void impostor_answer(evutil_socket_t fd, short what, void *arg)
{
    const struct impostor *impostor = arg;
    char command[4096];
    (void)what;
    if (read(fd, command, sizeof command) > 0)
        assert_true(write(fd, impostor->bytes, strlen(impostor->bytes)) >= 0);
    close(fd);
}

static void impostor_accept(evutil_socket_t fd, short what, void *arg)
{
    struct impostor *impostor = arg;
    (void)what;
    int connection = accept(fd, NULL, NULL);
    assert_true(connection >= 0);
    event_base_once(impostor->base, connection, EV_READ, impostor_answer, impostor, NULL);
}

static void what_is_not_redis_is_down(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *why;
    } rows[] = {
        {"", "Server closed the connection"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"},
        {"-ERR max number of clients reached\r\n", "max number of clients reached"},
        {"-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n",
         "AUTH refused: (its answer repeats the password)"},
        {"-ERR \x1b[31mred\r\n", "ERR ?[31mred"},
        {"$100\r\nhalf", "Server closed the connection"},
    };
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&here, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &length), 0);
    assert_int_equal(listen(listener, 64), 0);
    snprintf(url, sizeof url, "redis://:hunter2@127.0.0.1:%u", ntohs(here.sin_port));
    struct session_settings settings = bench_settings(url);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bad;
        bench_attach(&bad, &settings);
        struct impostor impostor = {bad.base, rows[i].bytes};
        struct event *accepting =
            event_new(bad.base, listener, EV_READ | EV_PERSIST, impostor_accept, &impostor);
        event_add(accepting, NULL);
        bench_until(&bad, strstr(bad.why, rows[i].why) != NULL);
        assert_false(session_link_up(bad.link));
        assert_null(strstr(bad.why, "hunter2"));
        event_free(accepting);
        bench_close(&bad);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_silent_redis_is_down_until_it_speaks),
        CASE(a_process_without_a_processor_blames_nobody),
        CASE(an_idle_link_stays_up),
        CASE(a_killed_redis_comes_back),
        CASE(a_killed_redis_ends_what_is_under_way),
        CASE(a_link_may_close_while_it_tries),
        CASE(a_link_may_close_while_it_looks_a_name_up),
        CASE(nobody_listens),
        CASE(the_name_is_unknown),
        CASE(the_database_is_unknown),
        CASE(the_password_is_wrong_or_missing),
        CASE(a_password_nobody_asked_for),
        CASE(somebody_listens_and_never_speaks),
        CASE(what_is_not_redis_is_down),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
