/*
 * Internet addresses and lists of networks, as settings and headers name them. An address is 16
 * bytes: of IPv6, or of IPv4 mapped into it. Pure.
 */
#ifndef SERVER_CONFIG_NETWORKS_H
#define SERVER_CONFIG_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_SIZE 16
/* In front of an IPv4 address that is mapped. */
#define ADDRESS_MAPPED_SIZE 12
extern const unsigned char address_mapped[ADDRESS_MAPPED_SIZE];

/* Reads one address of length characters. */
bool address_read(unsigned char address[ADDRESS_SIZE], const char *text, size_t length);
bool address_is_ipv4(const unsigned char address[ADDRESS_SIZE]);

struct network {
    unsigned char address[ADDRESS_SIZE];
    unsigned bits;
};

#define NETWORKS_MAX 32

/* A list: addresses, or networks like 10.0.0.0/8, with commas between them, or "none". Returns how
 * many it names, or -1 when it cannot be understood. */
int networks_read(struct network networks[NETWORKS_MAX], const char *list);
/* Whether a list can be understood. */
bool networks_accept(const char *list);
bool network_has(const struct network *network, const unsigned char address[ADDRESS_SIZE]);

#endif
