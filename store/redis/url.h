/*
 * The address of a Redis server, read from a URL:
 *
 *     redis://[[user]:password@]host[:port][/db]     host may be [::1]; port 6379, db 0
 *     rediss://...                                   the same through TLS
 *     unix:///path[?db=n]
 *     sentinel://[[user]:password@]host[:port],.../master[/db][?sentinel_password=...]
 *
 * The last names sentinels (port 26379), which know where the master of that name is; user and
 * password are the master's. User, passwords and path may hold %41 for any byte but NUL.
 */
#ifndef STORE_REDIS_URL_H
#define STORE_REDIS_URL_H

#include "store/ticket.h"
#include <stdatomic.h>
#include <stddef.h>

#define REDIS_SENTINELS_MAX 16
/* The key that says to which salt and flow a Redis belongs. */
#define REDIS_MARK_KEY "uic:marks"
/* Characters of a host's name, with its NUL. */
#define REDIS_HOST_MAX 254

struct redis_host {
    const char *name;
    unsigned port;
};

struct redis_url {
    char *text; /* all the others are in it */
    size_t text_length;
    const char *host; /* either host and port, or path, or master and sentinels */
    unsigned port;
    const char *path;
    const char *master;
    struct redis_host sentinels[REDIS_SENTINELS_MAX];
    size_t sentinel_count;
    const char *sentinel_password; /* NULL: they want none */
    const char *user;              /* NULL: the default one */
    const char *password;
    unsigned db;
    const char *mark; /* borrowed: what this Redis belongs to, where it says so; NULL: not asked */
    const atomic_bool
        *is_ours; /* borrowed: once set, another mark keeps nobody out; NULL: it does */
    bool tls;
};

/* Whether a host is an address, and no name. */
bool redis_host_is_address(const char *host);

/* Returns 0, or -1 with an error that repeats nothing of the URL: a slip may have put the password
 * anywhere. redis_url_deinit is due in both cases. */
int redis_url_parse(struct redis_url *url, const char *text, char error[ERROR_MAX]);
void redis_url_deinit(struct redis_url *url);

#endif
