/* Lists of addresses and counts by address. What is counted, and what a refusal says, is left to
 * connection.c. */
#include "server/http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NETWORKS_MAX 32
#define BUCKETS 4096
#define ADDRESS_TEXT_MAX 64
/* Bytes of an IPv6 address that name a network. */
#define NETWORK_BYTES 8

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct network {
    struct peer peer;
    unsigned bits;
};

struct count {
    struct count *next;
    struct peer peer;
    unsigned open;
};

struct peers {
    struct network trusted[NETWORKS_MAX];
    size_t trusted_count;
    unsigned per_address;
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    pthread_mutex_t lock;
    struct count *buckets[BUCKETS];
};

static bool is_ipv4(const struct peer *peer)
{
    return memcmp(peer->bytes, mapped, sizeof mapped) == 0;
}

/* Reads one address of length bytes. */
static bool read_address(struct peer *peer, const char *text, size_t length)
{
    char copy[ADDRESS_TEXT_MAX];

    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, peer->bytes) == 1)
        return true;
    memcpy(peer->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, peer->bytes + sizeof mapped) == 1;
}

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

/* Reads ADDRESS or ADDRESS/BITS. */
static bool read_network(struct network *network, const char *text, size_t length)
{
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash == NULL ? length : (size_t)(slash - text);
    unsigned bits = 0, max;

    if (!read_address(&network->peer, text, address_length))
        return false;
    max = is_ipv4(&network->peer) ? 32 : 128;
    if (slash == NULL) {
        network->bits = 128;
        return true;
    }
    if (length - address_length < 2 || length - address_length > 4)
        return false;
    for (const char *at = slash + 1; at < text + length; at++) {
        if (*at < '0' || *at > '9')
            return false;
        bits = bits * 10 + (unsigned)(*at - '0');
    }
    network->bits = 128 - max + bits;
    return bits <= max;
}

/* Returns how many networks a list names, or -1 when it cannot be understood. */
static int read_list(struct network networks[NETWORKS_MAX], const char *list)
{
    int count = 0;

    if (strcmp(list, "none") == 0)
        return 0;
    for (;;) {
        size_t length = strcspn(list, ",");
        if (count == NETWORKS_MAX || !read_network(&networks[count], list, length))
            return -1;
        count++;
        if (list[length] == '\0')
            return count;
        list += length + 1;
    }
}

bool peers_accept(const char *trusted)
{
    struct network networks[NETWORKS_MAX];

    return read_list(networks, trusted) >= 0;
}

struct peers *peers_create(const char *trusted, unsigned per_address)
{
    struct peers *peers = calloc(1, sizeof *peers);

    if (peers == NULL)
        return NULL;
    int count = read_list(peers->trusted, trusted);
    if (count < 0 || RAND_bytes((unsigned char *)&peers->seed, sizeof peers->seed) != 1) {
        free(peers);
        return NULL;
    }
    peers->trusted_count = (size_t)count;
    peers->per_address = per_address;
    pthread_mutex_init(&peers->lock, NULL);
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (peers->buckets[i] != NULL) {
            struct count *count = peers->buckets[i];
            peers->buckets[i] = count->next;
            free(count);
        }
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}

int peer_of(struct peer *peer, const struct sockaddr *address)
{
    switch (address->sa_family) {
    case AF_INET6:
        memcpy(peer->bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               sizeof peer->bytes);
        return 0;
    case AF_INET:
        memcpy(peer->bytes, mapped, sizeof mapped);
        memcpy(peer->bytes + sizeof mapped,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return 0;
    default:
        return -1;
    }
}

void peer_print(const struct peer *peer, char text[PEER_TEXT_MAX])
{
    const bool ipv4 = is_ipv4(peer);

    if (inet_ntop(ipv4 ? AF_INET : AF_INET6, peer->bytes + (ipv4 ? sizeof mapped : 0), text,
                  PEER_TEXT_MAX) == NULL)
        *text = '\0';
}

static bool network_has(const struct network *network, const struct peer *peer)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->peer.bytes, peer->bytes, whole) != 0)
        return false;
    return rest == 0 || (network->peer.bytes[whole] ^ peer->bytes[whole]) >> (8 - rest) == 0;
}

bool peer_is_loopback(const struct peer *peer)
{
    static const unsigned char six[16] = {[15] = 1};
    static const unsigned char four[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

    return memcmp(peer->bytes, six, sizeof six) == 0 || memcmp(peer->bytes, four, sizeof four) == 0;
}

bool peers_trust(const struct peers *peers, const struct peer *peer)
{
    for (size_t i = 0; i < peers->trusted_count; i++)
        if (network_has(&peers->trusted[i], peer))
            return true;
    return false;
}

/* Reads one element of X-Forwarded-For: "192.0.2.1", "192.0.2.1:4711", "2001:db8::1",
 * "[2001:db8::1]" or "[2001:db8::1]:4711". */
static bool read_forwarded(struct peer *peer, const char *text, size_t length)
{
    const bool bracketed = length > 0 && *text == '[';
    const char *end = text + length;
    const char *stop = bracketed ? memchr(text, ']', length) : memchr(text, ':', length);

    if (bracketed)
        return stop != NULL && memchr(text, ':', (size_t)(stop - text)) != NULL &&
               (stop + 1 == end || is_port(stop + 1, end)) &&
               read_address(peer, text + 1, (size_t)(stop - text) - 1);
    if (stop != NULL && memchr(text, '.', (size_t)(stop - text)) != NULL && is_port(stop, end))
        return read_address(peer, text, (size_t)(stop - text));
    return read_address(peer, text, length);
}

bool peers_forwarded(const struct peers *peers, const char *header, struct peer *client)
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
        if (!peers_trust(peers, client))
            return true;
        if (comma == header)
            return false;
        end = comma - 1;
    }
}

struct peer peer_counted_as(const struct peer *peer)
{
    struct peer key = *peer;

    if (!is_ipv4(peer))
        memset(key.bytes + NETWORK_BYTES, 0, sizeof key.bytes - NETWORK_BYTES);
    return key;
}

/* IPv4 addresses differ in the last bytes only, which are high bits here: shifts bring them down.
 */
uint64_t peer_hash(const struct peer *peer, uint64_t seed)
{
    uint64_t half[2];

    memcpy(half, peer->bytes, sizeof half);
    uint64_t hash = (half[0] ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32 ^ half[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 29) * UINT64_C(0x94d049bb133111eb);
    return hash >> 32;
}

/* Under the lock: the link to an address's count, or to where it would be. */
static struct count **count_find(struct peers *peers, const struct peer *key)
{
    struct count **link = &peers->buckets[peer_hash(key, peers->seed) % BUCKETS];

    while (*link != NULL && memcmp((*link)->peer.bytes, key->bytes, sizeof key->bytes) != 0)
        link = &(*link)->next;
    return link;
}

bool peers_enter(struct peers *peers, const struct peer *peer)
{
    const struct peer key = peer_counted_as(peer);
    bool allowed = false;

    if (peers->per_address == 0)
        return true;
    pthread_mutex_lock(&peers->lock);
    struct count **link = count_find(peers, &key);
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link != NULL)
            (*link)->peer = key;
    }
    if (*link != NULL && (*link)->open < peers->per_address) {
        (*link)->open++;
        allowed = true;
    }
    pthread_mutex_unlock(&peers->lock);
    return allowed;
}

void peers_leave(struct peers *peers, const struct peer *peer)
{
    const struct peer key = peer_counted_as(peer);
    struct count *count;

    if (peers->per_address == 0)
        return;
    pthread_mutex_lock(&peers->lock);
    struct count **link = count_find(peers, &key);
    count = *link;
    if (count != NULL && --count->open == 0) {
        *link = count->next;
        free(count);
    }
    pthread_mutex_unlock(&peers->lock);
}
