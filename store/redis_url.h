/*
 * The address of a Redis server, read from a URL:
 *
 *     redis://[[user]:password@]host[:port][/db]     host may be [::1]; port 6379, db 0
 *     unix:///path[?db=n]
 *
 * User, password and path may hold %41 for any byte but NUL.
 */
#ifndef STORE_REDIS_URL_H
#define STORE_REDIS_URL_H

#include "store/ticket.h"

struct redis_url {
    char *host; /* either host and port, or path */
    unsigned port;
    char *path;
    char *user; /* NULL: the default one */
    char *password;
    unsigned db;
};

/* Returns 0, or -1 with an error that repeats nothing of the URL: a slip may have put the password
 * anywhere. redis_url_deinit is due in both cases. */
int redis_url_parse(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX]);
void redis_url_deinit(struct redis_url *url);

#endif
