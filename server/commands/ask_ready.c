/* One small request over one socket. */
#include "server/commands/ask_ready.h"

#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_SECONDS 5
#define ANSWER_MAX 2048

/* To a server that listens everywhere one speaks here. */
static const char *host_to_ask(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(host, "::") == 0 ? "::1" : host;
}

/* Returns a socket, or -1 with errno. */
static int connect_to(const struct addrinfo *address)
{
    const struct timeval patience = {PATIENCE_SECONDS, 0};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* of connect, too */
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        const int why = errno == EINPROGRESS ? ETIMEDOUT : errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* Returns the status of the answer with its body, up to a line's end, or -1 when there is none. */
static int ask(int fd, char answer[ANSWER_MAX], const char **body)
{
    static const char request[] =
        "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t length = 0;
    int status;

    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1)
        return -1;
    while (length < ANSWER_MAX - 1) {
        ssize_t count = recv(fd, answer + length, ANSWER_MAX - 1 - length, 0);
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    answer[length] = '\0';
    char *end = strstr(answer, "\r\n\r\n");
    if (end != NULL) {
        end[4 + strcspn(end + 4, "\r\n")] = '\0';
        *body = end + 4;
    }
    return sscanf(answer, "HTTP/1.%*1[01] %3d ", &status) == 1 ? status : -1;
}

int64_t started_ms_read(const char *text)
{
    struct tm utc = {0};
    const char *end = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    unsigned ms;

    return end != NULL && sscanf(end, ".%3uZ", &ms) == 1 ? (int64_t)timegm(&utc) * 1000 + ms : -1;
}

/* "started_at" of the answer, or -1. */
static int64_t read_started(const char *body)
{
    json_t *answer = json_loads(body, 0, NULL);
    const int64_t started_ms =
        started_ms_read(json_string_value(json_object_get(answer, "started_at")));

    json_decref(answer);
    return started_ms;
}

int ask_ready(const struct config *config, unsigned port, int64_t *started_ms,
              char error[ERROR_MAX])
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    char service[12], answer[ANSWER_MAX];
    const char *body = "";
    int status = 200;

    *started_ms = -1;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host_to_ask(config->host), service, &hints, &address) != 0) {
        snprintf(error, ERROR_MAX, "HOST is no address of this machine");
        return -1;
    }
    int fd = connect_to(address);
    freeaddrinfo(address);
    if (fd < 0) {
        snprintf(error, ERROR_MAX, "nothing answers on port %u: %s", port, strerror(errno));
        return -1;
    }
    if (config->tls_cert_file == NULL)
        status = ask(fd, answer, &body);
    close(fd);
    if (status < 0)
        snprintf(error, ERROR_MAX, "no answer from port %u", port);
    else if (status != 200)
        snprintf(error, ERROR_MAX, "/ready on port %u answers %d: %.150s", port, status, body);
    else
        *started_ms = read_started(body);
    return status == 200 ? 0 : -1;
}
