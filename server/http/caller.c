/* Addresses from sockets and from X-Forwarded-For. How many are too many is left to peers.c. */
#include "server/http/caller.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

bool caller_enter(struct caller *caller, struct peers *peers, evutil_socket_t fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getpeername(fd, (struct sockaddr *)&address, &length) != 0 ||
        peer_of(&caller->peer, (struct sockaddr *)&address) != 0)
        return true;
    caller->trusted = peers_trust(peers, &caller->peer);
    if (caller->trusted)
        return true;
    caller->counted = peers_enter(peers, &caller->peer);
    return caller->counted;
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
static bool client_of(const struct caller *caller, const struct peers *peers,
                      struct evhttp_request *request, struct peer *client)
{
    const char *header = caller->trusted ? forwarded_header(request) : NULL;

    return header != NULL && peers_forwarded(peers, header, client);
}

bool caller_begin(struct caller *caller, struct peers *peers, struct evhttp_request *request)
{
    if (caller->client_counted || !client_of(caller, peers, request, &caller->client))
        return true;
    caller->client_counted = peers_enter(peers, &caller->client);
    return caller->client_counted;
}

void caller_end(struct caller *caller, struct peers *peers)
{
    if (caller->client_counted)
        peers_leave(peers, &caller->client);
    caller->client_counted = false;
}

void caller_leave(struct caller *caller, struct peers *peers)
{
    caller_end(caller, peers);
    if (caller->counted)
        peers_leave(peers, &caller->peer);
    caller->counted = false;
}

bool caller_is_local(const struct caller *caller, struct evhttp_request *request)
{
    static const char *const proxies_say[] = {"X-Forwarded-For",   "X-Real-IP",
                                              "Forwarded",         "Via",
                                              "X-Forwarded-Proto", "X-Forwarded-Host"};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

    for (size_t i = 0; i < sizeof proxies_say / sizeof *proxies_say; i++)
        if (evhttp_find_header(headers, proxies_say[i]) != NULL)
            return false;
    return peer_is_loopback(&caller->peer);
}

struct peer caller_of(const struct caller *caller, const struct peers *peers,
                      struct evhttp_request *request)
{
    struct peer client;

    return client_of(caller, peers, request, &client) ? client : caller->peer;
}
