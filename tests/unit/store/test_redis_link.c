/*
 * The connection to Redis, against a server of the test's own words: how it greets on each
 * connection, and when it leaves a server that answers.
 */
#include "store/redis/link.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_SECONDS 30
#define MASTER "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define REPLICA "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"

/* The server: what it answers, and what it heard. */
static struct {
    int listener;
    unsigned port;
    struct event *accepting;
    const char *role;
    const char *answer; /* to whatever is not a greeting */
    unsigned connections;
    int connection; /* the last one */
    struct event *reading;
    redisReader *reader;
    char heard[1024]; /* the commands, one a line */
} server;

static struct event_base *base;
static struct redis_url url;
static struct redis_link *link_;
static struct redis_lane lane;
static bool up;
static unsigned ups;
static char why[ERROR_MAX];

static void patience_ended(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

#define until(expression)                                                   \
    do {                                                                    \
        bool ended = false;                                                 \
        struct event *patience = evtimer_new(base, patience_ended, &ended); \
        event_add(patience, &(struct timeval){PATIENCE_SECONDS, 0});        \
        while (!(expression) && !ended)                                     \
            event_base_loop(base, EVLOOP_ONCE);                             \
        event_free(patience);                                               \
        if (ended)                                                          \
            fail_msg("waited in vain until %s; %s", #expression, why);      \
    } while (0)

static void server_hang_up(void)
{
    if (server.reading == NULL)
        return;
    event_free(server.reading);
    redisReaderFree(server.reader);
    close(server.connection);
    server.reading = NULL;
}

static void server_answer(const redisReply *command)
{
    const char *name = command->element[0]->str;
    const char *answer = server.answer;

    for (size_t i = 0; i < command->elements; i++) {
        size_t length = strlen(server.heard);
        snprintf(server.heard + length, sizeof server.heard - length, "%s%s",
                 command->element[i]->str, i + 1 < command->elements ? " " : "\n");
    }
    if (strcmp(name, "ROLE") == 0)
        answer = server.role;
    else if (strcmp(name, "GET") != 0)
        answer = "+OK\r\n";
    assert_int_equal(write(server.connection, answer, strlen(answer)), strlen(answer));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    char bytes[4096];
    void *command = NULL;
    (void)what;
    (void)arg;

    ssize_t length = read(fd, bytes, sizeof bytes);
    if (length <= 0) {
        server_hang_up();
        return;
    }
    assert_int_equal(redisReaderFeed(server.reader, bytes, (size_t)length), REDIS_OK);
    while (redisReaderGetReply(server.reader, &command) == REDIS_OK && command != NULL) {
        server_answer(command);
        freeReplyObject(command);
    }
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    (void)arg;
    server_hang_up();
    server.connection = accept(fd, NULL, NULL);
    assert_true(server.connection >= 0);
    server.connections++;
    server.reader = redisReaderCreate();
    server.reading = event_new(base, server.connection, EV_READ | EV_PERSIST, on_readable, NULL);
    event_add(server.reading, NULL);
}

static int start(void **state)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    (void)state;

    memset(&server, 0, sizeof server);
    server.role = MASTER;
    server.answer = "$5\r\nvalue\r\n";
    base = event_base_new();
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&here, length), 0);
    assert_int_equal(getsockname(server.listener, (struct sockaddr *)&here, &length), 0);
    assert_int_equal(listen(server.listener, 64), 0);
    server.port = ntohs(here.sin_port);
    server.accepting = event_new(base, server.listener, EV_READ | EV_PERSIST, on_connection, NULL);
    event_add(server.accepting, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_link_close(link_);
    link_ = NULL;
    redis_url_deinit(&url);
    server_hang_up();
    event_free(server.accepting);
    close(server.listener);
    event_base_free(base);
    return 0;
}

static void on_changed(void *arg, bool now_up, const char *text)
{
    (void)arg;
    up = now_up;
    ups += now_up;
    snprintf(why, sizeof why, "%s", text);
}

/* format: of the URL, with the port. */
static void link_open(const char *format)
{
    char text[128], error[ERROR_MAX] = "";
    const struct store_watch watch = {on_changed, NULL};

    up = false;
    ups = 0;
    snprintf(text, sizeof text, format, server.port);
    if (redis_url_parse(&url, text, error) != 0)
        fail_msg("%s", error);
    link_ = redis_link_open(base, &url, 5000, error);
    assert_non_null(link_);
    redis_lane_join(&lane, link_, 10, &watch);
}

/* One GET, and how it ended: the reply's text, or "(none)". */
struct ask {
    unsigned answers;
    char text[128];
};

static void on_answer(const struct redisReply *reply, void *arg)
{
    struct ask *ask = arg;
    ask->answers++;
    snprintf(ask->text, sizeof ask->text, "%s", reply != NULL ? reply->str : "(none)");
}

static enum store_status ask(struct ask *ask)
{
    *ask = (struct ask){0};
    return redis_lane_send(&lane, 2, (const char *[]){"GET", "k"}, (const size_t[]){3, 1},
                           on_answer, ask);
}

static void each_connection_is_greeted_in_full(void **state)
{
    (void)state;
    static const char greeting[] = "AUTH uic secret\nSELECT 3\nROLE\nPING\n";
    struct ask first, second;

    link_open("redis://uic:secret@127.0.0.1:%u/3");
    for (unsigned i = 1; i <= 3; i++) {
        until(ups == i);
        assert_string_equal(server.heard, greeting);
        assert_int_equal(server.connections, i);
        assert_int_equal(ask(&first), STORE_LATER);
        until(first.answers == 1);
        assert_string_equal(first.text, "value");
        server.heard[0] = '\0';
        server_hang_up();
        until(!up);
        assert_int_equal(ask(&second), STORE_DOWN);
    }
}

static void a_server_that_is_not_the_master_now_is_left(void **state)
{
    (void)state;
    static const char *const errors[] = {
        "READONLY You can't write against a read only replica.",
        "READONLY You can't write against a read only replica. script: 1, on @user_script:1.",
        "ERR Error running script (call to f_1): @user_script:12: @user_script: 12: -READONLY You "
        "can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    };
    char answer[256];
    struct ask asks[3];

    link_open("redis://127.0.0.1:%u");
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        until(ups == i + 1);
        snprintf(answer, sizeof answer, "-%s\r\n", errors[i]);
        server.answer = answer;
        for (int j = 0; j < 3; j++)
            assert_int_equal(ask(&asks[j]), STORE_LATER);
        until(asks[2].answers == 1);
        for (int j = 0; j < 3; j++) {
            assert_int_equal(asks[j].answers, 1);
            assert_string_equal(asks[j].text, "(none)");
        }
        assert_false(up);
        until(ups == i + 2);
        assert_int_equal(server.connections, i + 2);
    }
}

static void a_server_that_refuses_is_kept(void **state)
{
    (void)state;
    static const char *const errors[] = {
        "CLUSTERDOWN The cluster is down",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "ERR Error running script (call to f_1): @user_script: 2: -OOM command not allowed",
        "NOREPLICAS Not enough good replicas to write.",
    };
    char answer[256];
    struct ask one;

    link_open("redis://127.0.0.1:%u");
    until(up);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        snprintf(answer, sizeof answer, "-%s\r\n", errors[i]);
        server.answer = answer;
        assert_int_equal(ask(&one), STORE_LATER);
        until(one.answers == 1);
        assert_memory_equal(one.text, errors[i], 20);
        assert_true(up);
    }
    assert_int_equal(server.connections, 1);
}

static void an_error_of_one_command_is_that_commands_own(void **state)
{
    (void)state;
    static const char *const errors[] = {"ERR syntax error",
                                         "WRONGTYPE Operation against a key",
                                         "NOSCRIPT No matching script.",
                                         "READONLYX",
                                         "OOMX y",
                                         ""};
    char answer[256];
    struct ask one;

    link_open("redis://127.0.0.1:%u");
    until(up);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        snprintf(answer, sizeof answer, "-%s\r\n", errors[i]);
        server.answer = answer;
        assert_int_equal(ask(&one), STORE_LATER);
        until(one.answers == 1);
        assert_string_equal(one.text, errors[i]);
    }
    assert_int_equal(ups, 1);
    assert_int_equal(server.connections, 1);
}

static void a_replica_is_not_taken(void **state)
{
    (void)state;

    server.role = REPLICA;
    link_open("redis://127.0.0.1:%u");
    until(server.connections == 3); /* it tries again */
    assert_int_equal(ups, 0);
    assert_non_null(strstr(why, "is a replica, not a master"));
    server.role = MASTER;
    until(up);
}

static void who_may_not_ask_for_the_role_goes_without(void **state)
{
    (void)state;

    server.role = "-NOPERM this user has no permissions to run the 'role' command\r\n";
    link_open("redis://127.0.0.1:%u");
    until(up);
    assert_int_equal(server.connections, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_connection_is_greeted_in_full),
        CASE(a_server_that_is_not_the_master_now_is_left),
        CASE(a_server_that_refuses_is_kept),
        CASE(an_error_of_one_command_is_that_commands_own),
        CASE(a_replica_is_not_taken),
        CASE(who_may_not_ask_for_the_role_goes_without),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
