/*
 * A Redis server of the test's own: on a socket in a temporary directory, and on a port of the
 * loopback if asked. It dies with the test.
 */
#ifndef TEST_REDIS_SERVER_H
#define TEST_REDIS_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "temporary_folder.h"

struct redis_server {
    pid_t pid;
    char directory[TEMPORARY_FOLDER_MAX];
    char socket[96];
    unsigned port;        /* 0: only the socket */
    const char *password; /* NULL: none */
};

/* Nobody listens there now, and the kernel does not give it out again soon. */
static inline unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
}

/* Says the password on a new connection, if there is one to say. */
static inline redisContext *redis_greet(redisContext *context, const char *password)
{
    if (context != NULL && context->err == 0 && password != NULL)
        freeReplyObject(redisCommand(context, "AUTH %s", password));
    return context;
}

/* A connection for the test to look behind the store's back. */
static inline redisContext *redis_server_connect(const struct redis_server *server)
{
    return redis_greet(redisConnectUnixWithTimeout(server->socket, (struct timeval){5, 0}),
                       server->password);
}

/* Sends one command and ends the connection. The reply is the caller's: an error as it is, NULL
 * when nobody answers. */
static inline redisReply *redis_ask(redisContext *context, const char *format, va_list arguments)
{
    redisReply *reply = NULL;
    if (context != NULL && context->err == 0)
        reply = redisvCommand(context, format, arguments);
    redisFree(context);
    return reply;
}

/* Sends the server a command directly. An error fails the test; any other reply is the caller's. */
static inline redisReply *redis_server_ask(const struct redis_server *server, const char *format,
                                           ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redis_ask(redis_server_connect(server), format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    return reply;
}

static inline bool redis_server_answers(const struct redis_server *server)
{
    redisContext *context = redis_server_connect(server);
    redisReply *reply = context != NULL && context->err == 0 ? redisCommand(context, "PING") : NULL;
    bool answers = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (context != NULL)
        redisFree(context);
    return answers;
}

/* Starts, or starts again with the same socket and port. */
static inline void redis_server_run(struct redis_server *server)
{
    char port[16];
    snprintf(port, sizeof port, "%u", server->port);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDOUT_FILENO);
        execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
               "--unixsocket", server->socket, "--dir", server->directory, "--save", "",
               "--appendonly", "no", "--requirepass",
               server->password != NULL ? server->password : "", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && !redis_server_answers(server); i++) {
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
        nap();
    }
    assert_true(redis_server_answers(server));
}

static inline void redis_server_start(struct redis_server *server, bool on_port,
                                      const char *password)
{
    *server = (struct redis_server){.password = password};
    temporary_folder("redis", server->directory);
    snprintf(server->socket, sizeof server->socket, "%s/redis", server->directory);
    server->port = on_port ? free_port() : 0;
    redis_server_run(server);
}

static inline void redis_server_kill(struct redis_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
    unlink(server->socket);
}

static inline void redis_server_stop(struct redis_server *server)
{
    char command[128];

    redis_server_kill(server);
    snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
    assert_int_equal(system(command), 0);
}

#endif
