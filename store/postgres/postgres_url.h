/*
 * postgresql:// URLs: what libpq reads in them, our defaults for what they leave out, and the hosts
 * one by one, because libpq would look their names up while the loop stands still.
 */
#ifndef STORE_POSTGRES_URL_H
#define STORE_POSTGRES_URL_H

#include "store/ticket.h"
#include <libpq-fe.h>
#include <stddef.h>

#define POSTGRES_HOSTS_MAX 32
#define POSTGRES_ADDRESS_MAX 64

/* A host to connect to; borrows from the URL. */
struct postgres_host {
    const char *name;                   /* or a folder of sockets, or "" for libpq's own default */
    const char *port;                   /* or "" */
    char address[POSTGRES_ADDRESS_MAX]; /* numeric; or "": the name is none, it is used as it is */
};

struct postgres_url;

/* Errors quote nothing of the URL. Returns NULL with error. */
struct postgres_url *postgres_url_parse(const char *text, char error[STORE_ERROR_MAX]);
void postgres_url_free(struct postgres_url *url);

/* "HOST:PORT/DATABASE", as in the URL. */
const char *postgres_url_place(const struct postgres_url *url);

/* The hosts in the order of the URL. Returns their number, at least 1. */
size_t postgres_url_hosts(const struct postgres_url *url, const struct postgres_host **hosts);
/* Whether the host wants a look-up. */
bool postgres_host_is_name(const struct postgres_host *host);

/* libpq's functions of like names, with the URL's parameters. The first two block, for as long as
 * its connect_timeout or ours says. */
PGconn *postgres_url_connect(const struct postgres_url *url);
PGPing postgres_url_ping(const struct postgres_url *url);
/* In place of the URL's hosts, with these, beginning at number first % count; count is not 0. */
PGconn *postgres_url_connect_start(const struct postgres_url *url,
                                   const struct postgres_host *hosts, size_t count, size_t first);

#endif
