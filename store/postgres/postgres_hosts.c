/*
 * Names are looked up one after the other, in the order of the URL; sockets and numeric addresses
 * are taken as they are.
 */
#include "store/postgres/postgres_hosts.h"
#include "store/base/resolver.h"
#include <stdio.h>

static void host_add(struct postgres_hosts *hosts, const struct postgres_host *host,
                     const char *address)
{
    if (hosts->count == POSTGRES_HOSTS_MAX)
        return;
    struct postgres_host *added = &hosts->list[hosts->count++];
    *added = *host;
    snprintf(added->address, sizeof added->address, "%s", address);
}

static enum store_status hosts_next(struct postgres_hosts *hosts);

static void on_addresses(const struct resolver_addresses *addresses, void *arg)
{
    struct postgres_hosts *hosts = arg;
    const struct postgres_host *named;

    hosts->lookup = NULL;
    if (hosts->lookup_of == hosts->seen) {
        postgres_url_hosts(hosts->url, &named);
        for (size_t i = 0; i < addresses->count; i++)
            host_add(hosts, &named[hosts->seen], addresses->text[i]);
        hosts->seen++;
    }
    /* Without a thread for the next name, those that were found have to do. */
    if (hosts_next(hosts) != STORE_LATER)
        hosts->found(hosts->arg);
}

/* Goes on to the next host that wants a look-up. */
static enum store_status hosts_next(struct postgres_hosts *hosts)
{
    const struct postgres_host *named;
    size_t count = postgres_url_hosts(hosts->url, &named);

    for (; hosts->seen < count; hosts->seen++) {
        const struct postgres_host *host = &named[hosts->seen];
        if (!postgres_host_is_name(host)) {
            host_add(hosts, host, host->address);
            continue;
        }
        if (!hosts->lookup) {
            hosts->lookup_of = hosts->seen;
            hosts->lookup = resolver_start(hosts->base, host->name, on_addresses, hosts);
        }
        return hosts->lookup ? STORE_LATER : STORE_DOWN;
    }
    return STORE_OK;
}

void postgres_hosts_init(struct postgres_hosts *hosts, struct event_base *base,
                         const struct postgres_url *url, void (*found)(void *arg), void *arg)
{
    *hosts = (struct postgres_hosts){.base = base, .url = url, .found = found, .arg = arg};
}

void postgres_hosts_deinit(struct postgres_hosts *hosts)
{
    if (hosts->lookup)
        resolver_cancel(hosts->lookup);
    hosts->lookup = NULL;
}

enum store_status postgres_hosts_find(struct postgres_hosts *hosts)
{
    hosts->count = 0;
    hosts->seen = 0;
    return hosts_next(hosts);
}
