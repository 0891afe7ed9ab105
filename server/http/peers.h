/*
 * Who is on the other end: addresses, the proxies among them that are trusted to say for whom they
 * speak, and how much each address has open. One object for the whole process; any thread.
 */
#ifndef SERVER_HTTP_PEERS_H
#define SERVER_HTTP_PEERS_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* An IPv6 address, or an IPv4 address mapped into one. */
struct peer {
    unsigned char bytes[16];
};

/* Bytes of an address as text, with its NUL. */
#define PEER_TEXT_MAX 46

struct peers;

/* Whether a list of proxies can be understood: addresses, or networks like 10.0.0.0/8, with commas
 * between them, or "none". */
bool peers_accept(const char *trusted);
/* trusted is a list that was accepted; per_address is how much one address may have open, 0 for any
 * number. Returns NULL when out of memory. */
struct peers *peers_create(const char *trusted, unsigned per_address);
void peers_free(struct peers *peers);

/* Returns 0, or -1 when it is no internet address. */
int peer_of(struct peer *peer, const struct sockaddr *address);
/* "192.0.2.1" or "2001:db8::1". */
void peer_print(const struct peer *peer, char text[PEER_TEXT_MAX]);
bool peers_trust(const struct peers *peers, const struct peer *peer);
/* Whether it is this machine's own: 127.0.0.0/8 or ::1. */
bool peer_is_loopback(const struct peer *peer);
/* For whom a trusted proxy speaks: the last address in X-Forwarded-For that is no trusted proxy. A
 * port behind an address ("192.0.2.1:4711", "[2001:db8::1]:4711") does not matter.
 * Returns false when the header names nobody. */
bool peers_forwarded(const struct peers *peers, const char *header, struct peer *client);

/* Whom an address stands for when something is counted: of an IPv6 address only its network, for it
 * is one subscriber's. */
struct peer peer_counted_as(const struct peer *peer);
/* A hash for a table of addresses, 32 bits; seed is random, so that nobody can choose addresses
 * that meet. */
uint64_t peer_hash(const struct peer *peer, uint64_t seed);
/* Counts something that this address opens; false, and not counted, when it has too much open. */
bool peers_enter(struct peers *peers, const struct peer *peer);
/* Once for each peers_enter that returned true. */
void peers_leave(struct peers *peers, const struct peer *peer);

#endif
