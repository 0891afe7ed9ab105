/*
 * The hosts of a postgresql:// URL with their addresses, looked up without blocking the loop.
 */
#ifndef STORE_POSTGRES_HOSTS_H
#define STORE_POSTGRES_HOSTS_H

#include "store/postgres/postgres_url.h"
#include "store/ticket.h"

struct event_base;
struct resolver;

struct postgres_hosts {
    struct postgres_host list[POSTGRES_HOSTS_MAX]; /* one for each address */
    size_t count;
    /* Its own: */
    struct event_base *base;
    const struct postgres_url *url;
    void (*found)(void *arg);
    void *arg;
    size_t seen;             /* of the URL's hosts */
    struct resolver *lookup; /* may outlast the search that began it */
    size_t lookup_of;
};

/* The URL outlives the hosts. found is called on the loop, only after STORE_LATER. */
void postgres_hosts_init(struct postgres_hosts *hosts, struct event_base *base,
                         const struct postgres_url *url, void (*found)(void *arg), void *arg);
/* found is not called any more. */
void postgres_hosts_deinit(struct postgres_hosts *hosts);

/* Begins a search; one under way is given up. STORE_OK: the list is there, and may be empty;
 * STORE_LATER; STORE_DOWN: there is no thread to be had. */
enum store_status postgres_hosts_find(struct postgres_hosts *hosts);

#endif
