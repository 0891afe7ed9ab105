/* Reads the URL of a Redis server: cuts a copy into its texts, which stay in it. */
#include "store/redis/url.h"
#include "store/base/hex.h"
#include "store/redis/tls.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 6379
#define SENTINEL_PORT_DEFAULT 26379
#define MASTER_MAX 64
#define PATH_MAX_UNIX 107 /* of sockaddr_un */
#define DB_MAX 65535

static int fail(char error[ERROR_MAX], const char *what)
{
    snprintf(error, ERROR_MAX, "bad Redis URL: %s", what);
    return -1;
}

/* Ends the text before the first of these characters. Returns what follows it, and which it was:
 * NUL when there is none. */
static char *cut(char *text, const char *characters, char *which)
{
    char *end = text + strcspn(text, characters);

    *which = *end;
    *end = '\0';
    return *which != '\0' ? end + 1 : end;
}

/* In place. Returns -1 when an escape is broken or stands for NUL. */
static int percent_decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        int byte = (unsigned char)*in;
        if (byte == '%') {
            const int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
            if (low < 0 || (high == 0 && low == 0))
                return -1;
            byte = high * 16 + low;
            in += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return 0;
}

/* All of the text is a decimal number of at most max. */
static int read_number(const char *text, unsigned max, unsigned *number)
{
    const size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return -1;
    *number = (unsigned)strtoul(text, NULL, 10);
    return *number <= max ? 0 : -1;
}

bool redis_host_is_address(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_host(const char *host)
{
    if (strchr(host, ':') != NULL)
        return redis_host_is_address(host);
    return host[strspn(
               host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] == '\0';
}

/* host or [address], then :port, without which the port stays. */
static int read_host(struct redis_host *host, char *text, char error[ERROR_MAX])
{
    char *port = NULL, mark;

    if (*text == '[') {
        port = cut(++text, "]", &mark);
        if (mark == '\0')
            return fail(error, "the host has [ without ]");
        if (*port != '\0' && *port != ':')
            return fail(error, "after [host] stands :port or nothing");
        if (strchr(text, ':') == NULL)
            return fail(error, "between [ and ] stands an IPv6 address");
        mark = *port++;
    } else {
        port = cut(text, ":", &mark);
    }
    if (*text == '\0' || strlen(text) >= REDIS_HOST_MAX)
        return fail(error, "the host is missing or too long");
    if (!is_host(text))
        return fail(error, "the host is not a name or an address (special characters of a password "
                           "are written as %-escapes)");
    host->name = text;
    if (mark == ':' && (read_number(port, 65535, &host->port) != 0 || host->port == 0))
        return fail(error, "the port is not a number from 1 to 65535");
    return 0;
}

/* Reads [[user]:password@] off the head of a text. */
static int read_login(struct redis_url *url, char **text, char error[ERROR_MAX])
{
    char *at = strrchr(*text, '@'), *user = *text, mark;

    if (at == NULL)
        return 0;
    *at = '\0';
    *text = at + 1;
    char *password = cut(user, ":", &mark);
    if (mark == '\0')
        return fail(error, "before @ stands user:password or :password");
    if (percent_decode(user) != 0)
        return fail(error, "the user has a broken %-escape");
    if (percent_decode(password) != 0)
        return fail(error, "the password has a broken %-escape");
    if (*password == '\0')
        return fail(error, "the password is empty");
    url->user = *user != '\0' ? user : NULL;
    url->password = password;
    return 0;
}

static int read_network(struct redis_url *url, char *text, char error[ERROR_MAX])
{
    struct redis_host host = {.port = url->port};
    char mark;
    const char *db = cut(text, "/?#", &mark);

    if (read_login(url, &text, error) != 0 || read_host(&host, text, error) != 0)
        return -1;
    url->host = host.name;
    url->port = host.port;
    if (mark == '\0' || (mark == '/' && *db == '\0'))
        return 0;
    if (mark != '/' || read_number(db, DB_MAX, &url->db) != 0)
        return fail(error, "after the host stands nothing or /number, the database");
    return 0;
}

static int read_unix(struct redis_url *url, char *text, char error[ERROR_MAX])
{
    char mark;
    const char *query = cut(text, "?", &mark);

    if (*text != '/')
        return fail(error, "after unix:// stands a path that begins with /");
    if (percent_decode(text) != 0)
        return fail(error, "the path has a broken %-escape");
    if (strlen(text) > PATH_MAX_UNIX)
        return fail(error, "the path is longer than a socket's may be");
    url->path = text;
    if (mark != '\0' &&
        (strncmp(query, "db=", 3) != 0 || read_number(query + 3, DB_MAX, &url->db) != 0))
        return fail(error, "after the path stands nothing or ?db=number");
    return 0;
}

/* master[/db][?sentinel_password=...] */
static int read_master(struct redis_url *url, char *text, char error[ERROR_MAX])
{
    static const char key[] = "sentinel_password=";
    char mark;
    char *rest = cut(text, "/?#", &mark);

    if (*text == '\0' || strlen(text) > MASTER_MAX || !is_host(text))
        return fail(error, "after the sentinels stands /name, the master's");
    url->master = text;
    if (mark == '/') {
        const char *db = rest;
        rest = cut(rest, "?#", &mark);
        if (read_number(db, DB_MAX, &url->db) != 0)
            return fail(error, "after the master's name stands nothing or /number, the database");
    }
    if (mark == '\0')
        return 0;
    if (mark != '?' || strncmp(rest, key, sizeof key - 1) != 0)
        return fail(error, "the end is not ?sentinel_password=...");
    rest += sizeof key - 1;
    if (percent_decode(rest) != 0 || *rest == '\0')
        return fail(error, "the sentinels' password is empty or has a broken %-escape");
    url->sentinel_password = rest;
    return 0;
}

static int read_sentinel(struct redis_url *url, char *text, char error[ERROR_MAX])
{
    char mark;
    char *master = cut(text, "/?#", &mark);

    if (read_login(url, &text, error) != 0)
        return -1;
    for (char *host; (host = strsep(&text, ",")) != NULL;) {
        if (url->sentinel_count == REDIS_SENTINELS_MAX)
            return fail(error, "there are more than 16 sentinels");
        struct redis_host *sentinel = &url->sentinels[url->sentinel_count++];
        sentinel->port = SENTINEL_PORT_DEFAULT;
        if (read_host(sentinel, host, error) != 0)
            return -1;
    }
    if (mark != '/')
        *master = '\0';
    return read_master(url, master, error);
}

int redis_url_parse(struct redis_url *url, const char *text, char error[ERROR_MAX])
{
    static const struct {
        const char *scheme;
        int (*read)(struct redis_url *url, char *text, char error[ERROR_MAX]);
    } schemes[] = {
        {"redis://", read_network},
        {"rediss://", read_network},
        {"unix://", read_unix},
        {"sentinel://", read_sentinel},
    };
    const char *no_tls = redis_tls_missing();

    *url =
        (struct redis_url){.text = strdup(text), .text_length = strlen(text), .port = PORT_DEFAULT};
    if (url->text == NULL)
        return fail(error, "out of memory");
    url->tls = strncmp(text, "rediss://", 9) == 0;
    if (url->tls && no_tls != NULL)
        return fail(error, no_tls);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const size_t length = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, length) == 0)
            return schemes[i].read(url, url->text + length, error);
    }
    return fail(error, "it begins with redis://, rediss://, sentinel:// or unix://");
}

void redis_url_deinit(struct redis_url *url)
{
    if (url->text != NULL)
        OPENSSL_cleanse(url->text, url->text_length);
    free(url->text);
    *url = (struct redis_url){0};
}
