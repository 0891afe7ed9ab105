/* The floor: evhttp that takes the same requests and gives a reply of the same size and headers,
 * and does nothing else. What a server of ours can reach at most on a machine. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char body[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message><Body>C’est noté : *1985*\n\n"
    "*Question 2 sur 5*\nOù votre mère est-elle née ?\nÉcrivez le nom de la ville ou du village."
    "</Body></Message></Response>";

static void on_request(struct evhttp_request *request, void *arg)
{
    static const char *const headers[][2] = {
        {"Content-Type", "text/xml; charset=utf-8"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    };
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);

    (void)arg;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        evhttp_add_header(out, headers[i][0], headers[i][1]);
    evbuffer_add(evhttp_request_get_output_buffer(request), body, sizeof body - 1);
    evhttp_send_reply(request, 200, "OK", NULL);
}

/* A listening socket of this thread's own; the kernel deals connections out. */
static int listen_on(unsigned port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1024) == 0)
        return fd;
    close(fd);
    return -1;
}

static void *run(void *arg)
{
    struct event_config *config = event_config_new();
    struct event_base *base;
    struct evhttp *http;
    int fd = listen_on(*(unsigned *)arg);

    if (config == NULL)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    http = base != NULL ? evhttp_new(base) : NULL;
    if (http == NULL || fd < 0 || evhttp_accept_socket(http, fd) != 0) {
        perror("whatsapp-uic-floor");
        exit(1);
    }
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_gencb(http, on_request, NULL);
    event_base_dispatch(base);
    return NULL;
}

int main(int argc, char *argv[])
{
    unsigned port = argc > 1 ? (unsigned)atoi(argv[1]) : 0, threads = 1;
    pthread_t thread;

    if (argc > 2)
        threads = (unsigned)atoi(argv[2]);
    if (port == 0 || threads == 0) {
        fputs("usage: whatsapp-uic-floor PORT [THREADS]\n", stderr);
        return 2;
    }
    for (unsigned i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, run, &port) != 0)
            return 1;
    run(&port);
    return 0;
}
