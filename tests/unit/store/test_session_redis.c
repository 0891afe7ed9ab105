/* Sessions in Redis: what stands there for everyone to see, and what happens when Redis fails. */
#include "store/redis_server.h"
#include "store/session_bench.h"

#include <sys/un.h>

#define ADDRESS "whatsapp:+243812345678"

static struct redis_server server;
static struct bench bench;
static char url[160];

/* Sends the server a command directly. The reply is the caller's. */
static redisReply *ask(const char *format, ...)
{
    va_list arguments;
    redisContext *context = redis_server_connect(&server);
    assert_non_null(context);
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    redisFree(context);
    return reply;
}

static void tell(const char *command)
{
    redisReply *reply = ask(command);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static int start(void **state)
{
    (void)state;
    redis_server_start(&server, false, NULL);
    snprintf(url, sizeof(url), "unix://%s", server.socket);
    struct session_settings settings = bench_settings(url);
    bench_open(&bench, &settings);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_close(&bench);
    redis_server_stop(&server);
    return 0;
}

static void reopen(const struct session_settings *settings)
{
    bench_close(&bench);
    bench_open(&bench, settings);
}

static struct session_settings settings_with_deadline(unsigned deadline_ms)
{
    struct session_settings settings = bench_settings(url);
    settings.deadline_ms = deadline_ms;
    return settings;
}

static enum store_status save_something(void)
{
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    (void)visit_load(&bench, &visit);
    visit_say(&visit, "Kabila");
    visit_mark(&visit, "Lumumba");
    return visit_save(&bench, &visit);
}

static void load_says(const char *text)
{
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_says(&visit, text);
}

/* What stands in Redis */

static bool holds(const redisReply *reply, const char *text)
{
    return memmem(reply->str, reply->len, text, strlen(text)) != NULL;
}

static void neither_names_nor_answers_stand_in_clear(void **state)
{
    (void)state;
    static const char *const secrets[] = {"Kabila", "Lumumba", "whatsapp", "243", "812345678"};
    assert_status(save_something(), STORE_OK);
    redisReply *keys = ask("KEYS *");
    assert_int_equal(keys->elements, 2);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *value = ask("GET %s", keys->element[i]->str);
        for (size_t j = 0; j < sizeof(secrets) / sizeof(secrets[0]); j++) {
            assert_false(holds(keys->element[i], secrets[j]));
            assert_false(holds(value, secrets[j]));
        }
        freeReplyObject(value);
    }
    freeReplyObject(keys);
}

/* Computed elsewhere: base64url(HMAC-SHA256("a" x 32, address)), its first 22 characters. */
static void names_are_as_promised(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_string_equal(visit.session.name, "uic:s:QY90ZU_TqEsBRj7NCqXAun");
}

static void both_keys_have_their_life(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(save_something(), STORE_OK);
    redisReply *session = ask("PTTL %s", visit.session.name);
    redisReply *mark = ask("PTTL uic:m:%s", visit.session.name + strlen("uic:s:"));
    assert_in_range(session->integer, 1, bench.settings.ttl_ms);
    assert_in_range(mark->integer, bench.settings.ttl_ms + 1, bench.settings.mark_ttl_ms);
    freeReplyObject(session);
    freeReplyObject(mark);
}

/* The sealed bytes of the mark after one more save with this one; static, "" for none. */
static const char *sealed_mark(const char *mark)
{
    static char bytes[256];
    struct visit visit;

    visit_init(&bench, &visit, ADDRESS);
    (void)visit_load(&bench, &visit);
    visit_say(&visit, "Kabila");
    visit_mark(&visit, mark);
    assert_status(visit_save(&bench, &visit), STORE_OK);
    redisReply *reply = ask("GET uic:m:%s", visit.session.name + strlen("uic:s:"));
    for (size_t i = 0; i < (size_t)reply->len; i++)
        snprintf(bytes + 2 * i, 3, "%02x", (unsigned char)reply->str[i]);
    bytes[2 * reply->len] = '\0';
    freeReplyObject(reply);
    return bytes;
}

static void a_mark_that_does_not_change_is_left_alone(void **state)
{
    (void)state;
    char first[256];

    strcpy(first, sealed_mark("fr"));
    assert_string_not_equal(first, "");
    assert_string_equal(first, sealed_mark("fr"));
    assert_string_not_equal(first, sealed_mark("en"));
    assert_string_equal("", sealed_mark(""));
    assert_string_not_equal("", sealed_mark("fr"));
}

static void a_mark_that_is_gone_comes_back_with_the_next_save(void **state)
{
    (void)state;
    struct visit visit;

    visit_init(&bench, &visit, ADDRESS);
    sealed_mark("fr");
    freeReplyObject(ask("DEL uic:m:%s", visit.session.name + strlen("uic:s:")));
    assert_string_not_equal("", sealed_mark("fr"));
}

static void a_deleted_session_leaves_no_key(void **state)
{
    (void)state;
    struct visit visit;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    visit_say(&visit, "");
    visit_mark(&visit, "");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    redisReply *size = ask("DBSIZE");
    assert_int_equal(size->integer, 0);
    freeReplyObject(size);
}

/* Whatever somebody wrote there counts as absent, and can be replaced. */
static void damaged_values_count_as_absent(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "SET %s x",         "SET %s 0123456789ab", "SET %s 0123456789abcdefghijklmnopqrstuvwxyz",
        "SETRANGE %s 20 x", "APPEND %s x",         "SETRANGE %s 6000 x",
    };
    struct visit visit;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        assert_status(save_something(), STORE_OK);
        visit_init(&bench, &visit, ADDRESS);
        freeReplyObject(ask(commands[i], visit.session.name));
        assert_status(visit_load(&bench, &visit), STORE_ABSENT);
        assert_int_equal(visit.session.length, 0);
        assert_marked(&visit, "Lumumba");
        visit_say(&visit, "new");
        assert_status(visit_save(&bench, &visit), STORE_OK);
        load_says("new");
    }
}

static void a_damaged_mark_counts_as_none(void **state)
{
    (void)state;
    struct visit visit;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    freeReplyObject(ask("APPEND uic:m:%s x", visit.session.name + strlen("uic:s:")));
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_int_equal(visit.session.mark_length, 0);
}

static void a_value_moved_to_another_person_does_not_open(void **state)
{
    (void)state;
    struct visit mine, theirs;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &mine, ADDRESS);
    visit_init(&bench, &theirs, "whatsapp:+243800000000");
    freeReplyObject(ask("RENAME %s %s", mine.session.name, theirs.session.name));
    assert_status(visit_load(&bench, &theirs), STORE_ABSENT);
}

static void under_another_salt_all_are_absent(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(url);
    struct visit visit;
    assert_status(save_something(), STORE_OK);

    settings.seal_key[0] ^= 1;
    reopen(&settings);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    visit_say(&visit, "new");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    load_says("new");

    settings.address_key[0] ^= 1;
    reopen(&settings);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
}

/* What fails */

static void lost_scripts_are_not_noticed(void **state)
{
    (void)state;
    assert_status(save_something(), STORE_OK);
    tell("SCRIPT FLUSH");
    assert_status(save_something(), STORE_OK);
    load_says("Kabila");
    tell("SCRIPT FLUSH");
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_save(&bench, &visit), STORE_CONFLICT);
}

/* Redis out of memory refuses to write; the connection stays. */
static void a_refused_write_is_down(void **state)
{
    (void)state;
    tell("CONFIG SET maxmemory 1");
    assert_status(save_something(), STORE_DOWN);
    assert_true(session_link_up(bench.link));
    tell("CONFIG SET maxmemory 0");
    assert_status(save_something(), STORE_OK);
}

static void too_much_under_way_is_full(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(url);
    struct visit visits[3];
    settings.in_flight_max = 2;
    reopen(&settings);
    for (size_t i = 0; i < 3; i++)
        visit_init(&bench, &visits[i], ADDRESS);
    assert_status(session_load(bench.link, &visits[0].session), STORE_LATER);
    assert_status(session_save(bench.link, &visits[1].session), STORE_LATER);
    assert_status(session_load(bench.link, &visits[2].session), STORE_FULL);
    assert_status(session_save(bench.link, &visits[2].session), STORE_FULL);
    assert_status(visit_end(&bench, &visits[0], STORE_LATER), STORE_ABSENT);
    assert_status(visit_end(&bench, &visits[1], STORE_LATER), STORE_OK);
    assert_status(visit_load(&bench, &visits[2]), STORE_ABSENT);
}

static void nothing_is_called_from_the_starting_call(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(session_load(bench.link, &visit.session), STORE_LATER);
    assert_int_equal(visit.done, 0);
    assert_status(visit_end(&bench, &visit, STORE_LATER), STORE_ABSENT);
}

static void a_detach_ends_what_is_under_way(void **state)
{
    (void)state;
    struct visit visits[5];
    for (size_t i = 0; i < 5; i++) {
        visit_init(&bench, &visits[i], ADDRESS);
        assert_status(session_load(bench.link, &visits[i].session), STORE_LATER);
    }
    bench_detach(&bench);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(visits[i].done, 1);
        assert_status(visits[i].session.ticket.status, STORE_DOWN);
    }
}

/* A ticket's done may go on at once, from a reply and from a failure. */
struct stubborn {
    struct visit visit;
    enum store_status second;
};

static void try_again(struct store_ticket *ticket)
{
    struct stubborn *stubborn = (struct stubborn *)ticket;
    ticket->done = visit_done;
    stubborn->second = session_load(bench.link, &stubborn->visit.session);
}

static void a_ticket_may_go_on_when_done(void **state)
{
    (void)state;
    struct stubborn stubborn = {.second = STORE_FULL};
    visit_init(&bench, &stubborn.visit, ADDRESS);
    stubborn.visit.session.ticket.done = try_again;
    assert_status(session_load(bench.link, &stubborn.visit.session), STORE_LATER);
    bench_until(&bench, stubborn.second != STORE_FULL);
    assert_status(visit_end(&bench, &stubborn.visit, stubborn.second), STORE_ABSENT);

    stubborn.visit.session.ticket.done = try_again;
    assert_status(session_load(bench.link, &stubborn.visit.session), STORE_LATER);
    bench_detach(&bench);
    assert_status(stubborn.second, STORE_DOWN);
    assert_int_equal(stubborn.visit.done, 0);
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
    char error[STORE_ERROR_MAX] = "";
    bench_attach(&bad, settings);
    bench_until(&bad, strstr(bad.why, why) != NULL);
    assert_false(bad.up);
    assert_false(session_link_up(bad.link));
    assert_null(strstr(bad.why, "hunter2"));

    assert_int_equal(session_store_probe(bad.store, error), -1);
    if (strstr(error, why) == NULL)
        fail_msg("the probe said: %s", error);
    bench_close(&bad);
}

static void nobody_listens(void **state)
{
    (void)state;
    snprintf(url, sizeof(url), "redis://:hunter2@127.0.0.1:%u", free_port());
    struct session_settings settings = bench_settings(url);
    attach_says(&settings, "Connection refused");
    snprintf(url, sizeof(url), "unix://%s.not", server.socket);
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
    snprintf(url, sizeof(url), "unix://%s?db=99", server.socket);
    struct session_settings settings = bench_settings(url);
    attach_says(&settings, "SELECT refused: ERR DB index is out of range");
}

static void the_password_is_wrong_or_missing(void **state)
{
    (void)state;
    struct redis_server locked;
    struct session_settings settings = bench_settings(url);
    redis_server_start(&locked, true, "correct horse");
    snprintf(url, sizeof(url), "redis://:hunter2@127.0.0.1:%u", locked.port);
    attach_says(&settings, "AUTH refused: WRONGPASS");
    snprintf(url, sizeof(url), "redis://someone:hunter2@127.0.0.1:%u", locked.port);
    attach_says(&settings, "AUTH refused: WRONGPASS");
    snprintf(url, sizeof(url), "redis://127.0.0.1:%u", locked.port);
    attach_says(&settings, "refused: NOAUTH");
    redis_server_stop(&locked);
}

static void a_password_nobody_asked_for(void **state)
{
    (void)state;
    struct redis_server open;
    struct session_settings settings = bench_settings(url);
    redis_server_start(&open, true, NULL);
    snprintf(url, sizeof(url), "redis://:hunter2@127.0.0.1:%u", open.port);
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
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void somebody_listens_and_never_speaks(void **state)
{
    (void)state;
    char path[128];
    int fd = listen_here(path, sizeof(path));
    snprintf(url, sizeof(url), "unix://%s", path);
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
    if (read(fd, command, sizeof(command)) > 0)
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
    socklen_t length = sizeof(here);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&here, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &length), 0);
    assert_int_equal(listen(listener, 64), 0);
    snprintf(url, sizeof(url), "redis://:hunter2@127.0.0.1:%u", ntohs(here.sin_port));
    struct session_settings settings = bench_settings(url);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(neither_names_nor_answers_stand_in_clear),
        CASE(names_are_as_promised),
        CASE(both_keys_have_their_life),
        CASE(a_mark_that_does_not_change_is_left_alone),
        CASE(a_mark_that_is_gone_comes_back_with_the_next_save),
        CASE(a_deleted_session_leaves_no_key),
        CASE(damaged_values_count_as_absent),
        CASE(a_damaged_mark_counts_as_none),
        CASE(a_value_moved_to_another_person_does_not_open),
        CASE(under_another_salt_all_are_absent),
        CASE(lost_scripts_are_not_noticed),
        CASE(a_refused_write_is_down),
        CASE(too_much_under_way_is_full),
        CASE(nothing_is_called_from_the_starting_call),
        CASE(a_detach_ends_what_is_under_way),
        CASE(a_ticket_may_go_on_when_done),
        CASE(a_silent_redis_is_down_until_it_speaks),
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
