/* Addresses from sockets and from X-Forwarded-For. */
#include "server/http/client.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

bool client_enter(struct client *client, struct clients *clients, evutil_socket_t fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getpeername(fd, (struct sockaddr *)&address, &length) != 0 ||
        client_address_of(&client->address, (struct sockaddr *)&address) != 0)
        return true;
    client->trusted = clients_trust(clients, &client->address);
    if (client->trusted)
        return true;
    client->counted = clients_enter(clients, &client->address);
    return client->counted;
}

/* The last of the headers, for that is the one which the proxy itself wrote. */
static const char *forwarded_header(struct evhttp_request *request)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const struct evkeyval *header;
    const char *last = NULL;

    TAILQ_FOREACH(header, headers, next)
    {
        if (strcasecmp(header->key, "X-Forwarded-For") == 0)
            last = header->value;
    }
    return last;
}

/* Whether the other end speaks for somebody else. */
static bool forwarded_address(const struct client *client, const struct clients *clients,
                              struct evhttp_request *request, struct client_address *forwarded)
{
    const char *header = client->trusted ? forwarded_header(request) : NULL;

    return header != NULL && clients_forwarded(clients, header, forwarded);
}

bool client_begin(struct client *client, struct clients *clients, struct evhttp_request *request)
{
    if (client->forwarded_counted ||
        !forwarded_address(client, clients, request, &client->forwarded))
        return true;
    client->forwarded_counted = clients_enter(clients, &client->forwarded);
    return client->forwarded_counted;
}

void client_end(struct client *client, struct clients *clients)
{
    if (client->forwarded_counted)
        clients_leave(clients, &client->forwarded);
    client->forwarded_counted = false;
}

void client_leave(struct client *client, struct clients *clients)
{
    client_end(client, clients);
    if (client->counted)
        clients_leave(clients, &client->address);
    client->counted = false;
}

bool client_is_local(const struct client *client, struct evhttp_request *request)
{
    static const char *const proxies_say[] = {"X-Forwarded-For",   "X-Real-IP",
                                              "Forwarded",         "Via",
                                              "X-Forwarded-Proto", "X-Forwarded-Host"};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

    for (size_t i = 0; i < sizeof proxies_say / sizeof *proxies_say; i++)
        if (evhttp_find_header(headers, proxies_say[i]) != NULL)
            return false;
    return client_address_is_loopback(&client->address);
}

struct client_address client_address_of_request(const struct client *client,
                                                const struct clients *clients,
                                                struct evhttp_request *request)
{
    struct client_address forwarded;

    return forwarded_address(client, clients, request, &forwarded) ? forwarded : client->address;
}
