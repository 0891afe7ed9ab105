/* Reads who is on the other end, and counts by address. */
#include "server/http/client_address.h"

#include "server/config/networks.h"
#include "store/base/count_table.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes of an IPv6 address that name a network. */
#define NETWORK_BYTES 8

struct clients {
    struct network trusted[NETWORKS_MAX];
    size_t trusted_count;
    unsigned per_address;
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    struct count_table *open;
};

/* Whether ":4711" stands there. */
static bool is_port(const char *text, const char *end)
{
    unsigned port = 0;

    if (*text != ':' || end - text < 2 || end - text > 6)
        return false;
    for (text++; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port <= 65535;
}

struct clients *clients_create(const char *trusted, unsigned per_address)
{
    struct clients *clients = calloc(1, sizeof *clients);

    if (clients == NULL)
        return NULL;
    int count = networks_read(clients->trusted, trusted);
    if (count < 0 || RAND_bytes((unsigned char *)&clients->seed, sizeof clients->seed) != 1 ||
        (clients->open = count_table_create(0)) == NULL) {
        free(clients);
        return NULL;
    }
    clients->trusted_count = (size_t)count;
    clients->per_address = per_address;
    return clients;
}

void clients_free(struct clients *clients)
{
    if (clients == NULL)
        return;
    count_table_free(clients->open);
    free(clients);
}

int client_address_of(struct client_address *address, const struct sockaddr *from)
{
    switch (from->sa_family) {
    case AF_INET6:
        memcpy(address->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
               sizeof address->bytes);
        return 0;
    case AF_INET:
        memcpy(address->bytes, address_mapped, ADDRESS_MAPPED_SIZE);
        memcpy(address->bytes + ADDRESS_MAPPED_SIZE,
               &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
        return 0;
    default:
        return -1;
    }
}

void client_address_print(const struct client_address *address, char text[CLIENT_ADDRESS_TEXT_MAX])
{
    const bool ipv4 = address_is_ipv4(address->bytes);

    if (inet_ntop(ipv4 ? AF_INET : AF_INET6, address->bytes + (ipv4 ? ADDRESS_MAPPED_SIZE : 0),
                  text, CLIENT_ADDRESS_TEXT_MAX) == NULL)
        *text = '\0';
}

bool client_address_is_loopback(const struct client_address *address)
{
    static const unsigned char six[16] = {[15] = 1};
    static const unsigned char four[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

    return memcmp(address->bytes, six, sizeof six) == 0 ||
           memcmp(address->bytes, four, sizeof four) == 0;
}

bool clients_trust(const struct clients *clients, const struct client_address *address)
{
    for (size_t i = 0; i < clients->trusted_count; i++)
        if (network_has(&clients->trusted[i], address->bytes))
            return true;
    return false;
}

/* Reads one element of X-Forwarded-For: "192.0.2.1", "192.0.2.1:4711", "2001:db8::1",
 * "[2001:db8::1]" or "[2001:db8::1]:4711". */
static bool read_forwarded(struct client_address *address, const char *text, size_t length)
{
    const bool bracketed = length > 0 && *text == '[';
    const char *end = text + length;
    const char *stop = bracketed ? memchr(text, ']', length) : memchr(text, ':', length);

    if (bracketed)
        return stop != NULL && memchr(text, ':', (size_t)(stop - text)) != NULL &&
               (stop + 1 == end || is_port(stop + 1, end)) &&
               address_read(address->bytes, text + 1, (size_t)(stop - text) - 1);
    if (stop != NULL && memchr(text, '.', (size_t)(stop - text)) != NULL && is_port(stop, end))
        return address_read(address->bytes, text, (size_t)(stop - text));
    return address_read(address->bytes, text, length);
}

bool clients_forwarded(const struct clients *clients, const char *header,
                       struct client_address *client)
{
    const char *end = header + strlen(header);

    for (;;) {
        const char *start = end;
        const char *stop = end;
        while (start > header && start[-1] != ',')
            start--;
        const char *comma = start;
        while (start < stop && (*start == ' ' || *start == '\t'))
            start++;
        while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (!read_forwarded(client, start, (size_t)(stop - start)))
            return false;
        if (!clients_trust(clients, client))
            return true;
        if (comma == header)
            return false;
        end = comma - 1;
    }
}

/* IPv4 addresses differ in the last bytes only, which are high bits here: shifts bring them
 * down. */
uint64_t client_address_hash(const struct client_address *address, uint64_t seed)
{
    uint64_t half[2] = {0};

    memcpy(half, address->bytes,
           address_is_ipv4(address->bytes) ? sizeof address->bytes : NETWORK_BYTES);
    uint64_t hash = (half[0] ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32 ^ half[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 29) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 32;
}

bool clients_enter(struct clients *clients, const struct client_address *address)
{
    const uint64_t key = client_address_hash(address, clients->seed);
    bool full;

    if (clients->per_address == 0)
        return true;
    struct count *open = count_begin(clients->open, key, 0, 1, &full);
    const bool allowed = open == NULL || open->count < clients->per_address;
    if (open != NULL && allowed)
        open->count++;
    count_end(clients->open);
    return allowed;
}

void clients_leave(struct clients *clients, const struct client_address *address)
{
    const uint64_t key = client_address_hash(address, clients->seed);
    bool full;

    if (clients->per_address == 0)
        return;
    struct count *open = count_begin(clients->open, key, 0, 0, &full);
    if (open != NULL)
        open->count--;
    count_end(clients->open);
}
