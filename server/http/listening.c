/* systemd's protocol for handing sockets over: LISTEN_PID, LISTEN_FDS, descriptors from 3 on. */
#include "server/http/listening.h"

#include "server/telemetry/notify.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST 3
#define HANDED_MAX 64
#define BACKLOG 4096
/* How the manager names what it keeps for us. */
#define NAME "listen"
/* How long a manager may take to close one that it is to forget. */
#define CLOSING_MS 5000
#define PAUSE_MS 20
/* Who waited less may have ended only his own half of the connection. */
#define LEFT_MS 1000

static long read_number(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

/* The caller frees it. */
static int find_address(const char *host, unsigned port, struct addrinfo **address,
                        const char **subject, char error[ERROR_MAX])
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char service[12];

    snprintf(service, sizeof service, "%u", port);
    const int status = getaddrinfo(host, service, &hints, address);
    if (status == 0)
        return 0;
    *subject = "HOST";
    snprintf(error, ERROR_MAX, "%s", gai_strerror(status));
    return -1;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
    return a->sa_family == AF_INET6 && x->sin6_port == y->sin6_port &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

static bool listens_on(int fd, const struct sockaddr *address)
{
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    int listens = 0;
    socklen_t size = sizeof listens;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
           getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
           same_address((const struct sockaddr *)&own, address);
}

/* As every listener of ours: nobody waits in accept(), and a short response leaves at once. */
static void prepare(int fd)
{
    const int on = 1;

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The manager closes it too, in its own time. */
static void forget(struct listening *listening)
{
    notify_forget(NAME);
    listening->closing = true;
}

/* Whether the manager kept it for us. A .socket unit's has the unit's name. */
static bool was_kept(int fd)
{
    const char *name = getenv("LISTEN_FDNAMES");

    for (int before = fd - FIRST; name != NULL && before > 0; before--) {
        name = strchr(name, ':');
        name = name == NULL ? NULL : name + 1;
    }
    return name != NULL && strcspn(name, ":") == sizeof NAME - 1 &&
           memcmp(name, NAME, sizeof NAME - 1) == 0;
}

/* The one of this address, if it was handed over; the others are closed. */
static void take(struct listening *listening, const struct addrinfo *address)
{
    const long count = read_number("LISTEN_PID") == (long)getpid() ? read_number("LISTEN_FDS") : 0;
    bool outdated = false;

    if (count < 1 || count > HANDED_MAX)
        return;
    for (int fd = FIRST; fd < FIRST + (int)count; fd++) {
        if (listening->fd < 0 && listens_on(fd, address->ai_addr)) {
            listening->fd = fd;
            listening->kept = was_kept(fd);
        } else {
            close(fd);
            listening->unused++;
            outdated = outdated || was_kept(fd);
        }
    }
    if (listening->fd < 0 && outdated)
        forget(listening);
}

/* Bound, without SO_REUSEPORT: that would let a second server take half of the first one's
 * connections unnoticed. Returns it or -1 with errno. */
static int bind_alone(const struct addrinfo *address)
{
    const int on = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* With the patience that a manager needs to close the last one. */
static int bind_patiently(const struct listening *listening, const struct addrinfo *address)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    int fd = bind_alone(address);

    for (int ms = 0; fd < 0 && errno == EADDRINUSE && listening->closing && ms < CLOSING_MS;
         ms += PAUSE_MS) {
        nanosleep(&pause, NULL);
        fd = bind_alone(address);
    }
    return fd;
}

static int fail_port(const char *host, unsigned port, const char **subject, char error[ERROR_MAX])
{
    *subject = errno == EADDRNOTAVAIL ? "HOST" : "PORT";
    snprintf(error, ERROR_MAX, "cannot listen on %s port %u: %s", host, port, strerror(errno));
    return -1;
}

int listening_take(struct listening *listening, const char *host, unsigned port,
                   const char **subject, char error[ERROR_MAX])
{
    struct addrinfo *address;
    int status = 0;

    *listening = (struct listening){.fd = -1};
    if (find_address(host, port, &address, subject, error) != 0)
        return -1;
    take(listening, address);
    if (listening->fd >= 0) {
        prepare(listening->fd);
    } else {
        int fd = bind_patiently(listening, address);
        if (fd < 0)
            status = fail_port(host, port, subject, error);
        else
            close(fd);
    }
    freeaddrinfo(address);
    return status;
}

int listening_open(struct listening *listening, const char *host, unsigned port,
                   const char **subject, char error[ERROR_MAX])
{
    struct addrinfo *address;

    if (listening->fd >= 0 || !notify_heard())
        return 0;
    if (find_address(host, port, &address, subject, error) != 0)
        return -1;
    listening->fd = bind_patiently(listening, address);
    freeaddrinfo(address);
    if (listening->fd < 0 || listen(listening->fd, BACKLOG) != 0)
        return fail_port(host, port, subject, error);
    prepare(listening->fd);
    notify_keep(NAME, listening->fd);
    listening->kept = true;
    return 0;
}

bool listening_was_left(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           (info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE) &&
           info.tcpi_last_data_recv >= LEFT_MS;
}

void listening_leave(struct listening *listening)
{
    if (listening->fd >= 0)
        close(listening->fd);
    listening->fd = -1;
}

void listening_give_up(struct listening *listening)
{
    if (listening->fd < 0 || !listening->kept)
        return;
    forget(listening);
    listening_leave(listening);
}

void listening_refuse(void)
{
    notify_forget(NAME);
}
