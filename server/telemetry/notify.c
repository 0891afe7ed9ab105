/* A datagram to the socket that NOTIFY_SOCKET names. */
#include "server/telemetry/notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with @ in front a name of Linux's abstract namespace. Returns its length or 0. */
static socklen_t read_address(struct sockaddr_un *address, const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name);

    if (length < 2 || length >= sizeof address->sun_path || (*name != '/' && *name != '@'))
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (*name == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

bool notify_heard(void)
{
    struct sockaddr_un address;
    return read_address(&address, getenv("NOTIFY_SOCKET")) != 0;
}

/* With a descriptor, unless that is -1. */
static void send_state(const char *state, int passed)
{
    struct sockaddr_un address;
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec text = {(void *)(uintptr_t)state, strlen(state)};
    struct msghdr message = {.msg_name = &address, .msg_iov = &text, .msg_iovlen = 1};

    message.msg_namelen = read_address(&address, getenv("NOTIFY_SOCKET"));
    if (message.msg_namelen == 0)
        return;
    if (passed >= 0) {
        control.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
    close(fd);
}

void notify_send(const char *state)
{
    send_state(state, -1);
}

void notify_keep(const char *name, int fd)
{
    char state[128];

    snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s", name);
    send_state(state, fd);
}

void notify_forget(const char *name)
{
    char state[128];

    snprintf(state, sizeof state, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    send_state(state, -1);
}

static unsigned long long read_number(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

unsigned notify_watchdog_ms(void)
{
    const unsigned long long process = read_number("WATCHDOG_PID");
    const unsigned long long ms = read_number("WATCHDOG_USEC") / 1000;

    if (process != 0 && process != (unsigned long long)getpid())
        return 0;
    return ms > INT_MAX ? INT_MAX : (unsigned)ms;
}
