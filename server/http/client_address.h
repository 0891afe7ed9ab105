/*
 * Client addresses: who is on the other end, which proxies are trusted to say for whom they speak,
 * and how much each address has open. One object for the whole process; any thread.
 */
#ifndef SERVER_HTTP_CLIENT_ADDRESS_H
#define SERVER_HTTP_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* An IPv6 address, or an IPv4 address mapped into one. */
struct client_address {
    unsigned char bytes[16];
};

/* Bytes of an address as text, with its NUL. */
#define CLIENT_ADDRESS_TEXT_MAX 46

struct clients;

/* trusted is a list that networks_accept took; per_address is how much one address may have open, 0
 * for any number. Returns NULL when out of memory. */
struct clients *clients_create(const char *trusted, unsigned per_address);
void clients_free(struct clients *clients);

/* Returns 0, or -1 when it is no internet address. */
int client_address_of(struct client_address *address, const struct sockaddr *from);
/* "192.0.2.1" or "2001:db8::1". */
void client_address_print(const struct client_address *address, char text[CLIENT_ADDRESS_TEXT_MAX]);
bool clients_trust(const struct clients *clients, const struct client_address *address);
/* Whether it is this machine's own: 127.0.0.0/8 or ::1. */
bool client_address_is_loopback(const struct client_address *address);
/* For whom a trusted proxy speaks: the last address in X-Forwarded-For that is no trusted proxy. A
 * port behind an address ("192.0.2.1:4711", "[2001:db8::1]:4711") does not matter.
 * Returns false when the header names nobody. */
bool clients_forwarded(const struct clients *clients, const char *header,
                       struct client_address *client);

/* A key for a table of addresses: of an IPv6 address only its network counts, for it is one
 * subscriber's. seed is random, so that nobody can choose addresses that meet. */
uint64_t client_address_hash(const struct client_address *address, uint64_t seed);
/* Counts something that this address opens; false, and not counted, when it has too much open.
 * Where too many others are counted it is true, and not counted. */
bool clients_enter(struct clients *clients, const struct client_address *address);
/* Once for each clients_enter that returned true. */
void clients_leave(struct clients *clients, const struct client_address *address);

#endif
