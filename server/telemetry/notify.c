/* A datagram to the socket that NOTIFY_SOCKET names. What is said when is left to server.c. */
#include "server/telemetry/notify.h"

#include <limits.h>
#include <stddef.h>
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

void notify_send(const char *state)
{
    struct sockaddr_un address;
    const socklen_t length = read_address(&address, getenv("NOTIFY_SOCKET"));
    int fd = length == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    close(fd);
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
