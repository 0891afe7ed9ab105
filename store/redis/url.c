/* Reads the URL of a Redis server. */
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

static int fail(char error[STORE_ERROR_MAX], const char *what)
{
    snprintf(error, STORE_ERROR_MAX, "bad Redis URL: %s", what);
    return -1;
}

/* Returns a new string, or NULL when an escape is broken or stands for NUL. */
static char *percent_decode(const char *text, size_t length)
{
    char *decoded = calloc(1, length + 1);
    size_t written = 0;

    if (decoded == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)text[i];
        if (byte == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = length - i > 2 ? hex_digit(text[i + 2]) : -1;
            byte = high < 0 || low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (byte == 0) {
            free(decoded);
            return NULL;
        }
        decoded[written++] = (char)byte;
    }
    return decoded;
}

/* All of the text is a decimal number of at most max. */
static int read_number(const char *text, size_t length, unsigned max, unsigned *number)
{
    unsigned value = 0;

    if (length == 0 || length > 5)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *number = value;
    return value <= max ? 0 : -1;
}

static int read_user(struct redis_url *url, const char *text, size_t length,
                     char error[STORE_ERROR_MAX])
{
    const char *colon = memchr(text, ':', length);
    if (colon == NULL)
        return fail(error, "before @ stands user:password or :password");
    size_t user_length = (size_t)(colon - text);
    if (user_length > 0) {
        url->user = percent_decode(text, user_length);
        if (url->user == NULL)
            return fail(error, "the user has a broken %-escape");
    }
    url->password = percent_decode(colon + 1, length - user_length - 1);
    if (url->password == NULL)
        return fail(error, "the password has a broken %-escape");
    if (url->password[0] == '\0')
        return fail(error, "the password is empty");
    return 0;
}

static bool is_host(const char *host)
{
    struct in6_addr address;
    if (strchr(host, ':') != NULL)
        return inet_pton(AF_INET6, host, &address) == 1;
    return host[strspn(
               host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] == '\0';
}

/* host[:port]; without it the port stays. */
static int read_host(char **host, unsigned *port, const char *text, size_t length,
                     char error[STORE_ERROR_MAX])
{
    const char *end = text + length;
    const char *colon;
    size_t host_length;

    if (length > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', length);
        if (bracket == NULL)
            return fail(error, "the host has [ without ]");
        text++;
        host_length = (size_t)(bracket - text);
        colon = bracket + 1 < end ? bracket + 1 : NULL;
        if (colon != NULL && *colon != ':')
            return fail(error, "after [host] stands :port or nothing");
        if (memchr(text, ':', host_length) == NULL)
            return fail(error, "between [ and ] stands an IPv6 address");
    } else {
        colon = memchr(text, ':', length);
        host_length = colon != NULL ? (size_t)(colon - text) : length;
    }
    if (host_length == 0 || host_length >= REDIS_HOST_MAX)
        return fail(error, "the host is missing or too long");
    *host = strndup(text, host_length);
    if (*host == NULL || !is_host(*host))
        return fail(error, "the host is not a name or an address (special characters of a password "
                           "are written as %-escapes)");
    if (colon != NULL &&
        (read_number(colon + 1, (size_t)(end - colon - 1), 65535, port) != 0 || *port == 0))
        return fail(error, "the port is not a number from 1 to 65535");
    return 0;
}

/* Reads [[user]:password@] off the head of a text. */
static int read_login(struct redis_url *url, const char **text, size_t *length,
                      char error[STORE_ERROR_MAX])
{
    const char *at = memrchr(*text, '@', *length);

    if (at == NULL)
        return 0;
    if (read_user(url, *text, (size_t)(at - *text), error) != 0)
        return -1;
    *length -= (size_t)(at + 1 - *text);
    *text = at + 1;
    return 0;
}

static int read_network(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    size_t length = strcspn(text, "/?#");
    const char *rest = text + length;

    if (read_login(url, &text, &length, error) != 0 ||
        read_host(&url->host, &url->port, text, length, error) != 0)
        return -1;
    if (rest[0] == '\0' || strcmp(rest, "/") == 0)
        return 0;
    if (rest[0] != '/' || read_number(rest + 1, strlen(rest + 1), DB_MAX, &url->db) != 0)
        return fail(error, "after the host stands nothing or /number, the database");
    return 0;
}

static int read_unix(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    size_t length = strcspn(text, "?");
    const char *query = text + length;

    if (text[0] != '/')
        return fail(error, "after unix:// stands a path that begins with /");
    url->path = percent_decode(text, length);
    if (url->path == NULL)
        return fail(error, "the path has a broken %-escape");
    if (strlen(url->path) > PATH_MAX_UNIX)
        return fail(error, "the path is longer than a socket's may be");
    if (query[0] == '\0')
        return 0;
    if (strncmp(query, "?db=", 4) != 0 ||
        read_number(query + 4, strlen(query + 4), DB_MAX, &url->db) != 0)
        return fail(error, "after the path stands nothing or ?db=number");
    return 0;
}

static int read_tls(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    const char *missing = redis_tls_missing();

    if (missing != NULL)
        return fail(error, missing);
    url->tls = true;
    return read_network(url, text, error);
}

static int read_sentinels(struct redis_url *url, const char *text, size_t length,
                          char error[STORE_ERROR_MAX])
{
    for (;;) {
        const char *comma = memchr(text, ',', length);
        size_t host_length = comma != NULL ? (size_t)(comma - text) : length;
        if (url->sentinel_count == REDIS_SENTINELS_MAX)
            return fail(error, "there are more than 16 sentinels");
        struct redis_host *sentinel = &url->sentinels[url->sentinel_count++];
        sentinel->port = SENTINEL_PORT_DEFAULT;
        if (read_host(&sentinel->name, &sentinel->port, text, host_length, error) != 0)
            return -1;
        if (comma == NULL)
            return 0;
        text += host_length + 1;
        length -= host_length + 1;
    }
}

/* master[/db][?sentinel_password=...] */
static int read_master(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    static const char key[] = "?sentinel_password=";
    size_t length = strcspn(text, "/?#");
    const char *rest = text + length;

    url->master = strndup(text, length);
    if (url->master == NULL || length == 0 || length > MASTER_MAX || !is_host(url->master))
        return fail(error, "after the sentinels stands /name, the master's");
    if (*rest == '/') {
        length = strcspn(++rest, "?#");
        if (read_number(rest, length, DB_MAX, &url->db) != 0)
            return fail(error, "after the master's name stands nothing or /number, the database");
        rest += length;
    }
    if (*rest == '\0')
        return 0;
    if (strncmp(rest, key, sizeof key - 1) != 0)
        return fail(error, "the end is not ?sentinel_password=...");
    rest += sizeof key - 1;
    url->sentinel_password = percent_decode(rest, strlen(rest));
    if (url->sentinel_password == NULL || url->sentinel_password[0] == '\0')
        return fail(error, "the sentinels' password is empty or has a broken %-escape");
    return 0;
}

static int read_sentinel(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    size_t length = strcspn(text, "/?#");
    const char *rest = text + length;

    if (read_login(url, &text, &length, error) != 0 ||
        read_sentinels(url, text, length, error) != 0)
        return -1;
    return read_master(url, *rest == '/' ? rest + 1 : "", error);
}

int redis_url_parse(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX])
{
    static const struct {
        const char *scheme;
        int (*read)(struct redis_url *url, const char *text, char error[STORE_ERROR_MAX]);
    } schemes[] = {
        {"redis://", read_network},
        {"rediss://", read_tls},
        {"unix://", read_unix},
        {"sentinel://", read_sentinel},
    };

    *url = (struct redis_url){.port = PORT_DEFAULT};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, length) == 0)
            return schemes[i].read(url, text + length, error);
    }
    return fail(error, "it begins with redis://, rediss://, sentinel:// or unix://");
}

static void free_secret(char *text)
{
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void redis_url_deinit(struct redis_url *url)
{
    free(url->host);
    free(url->path);
    free(url->master);
    for (size_t i = 0; i < url->sentinel_count; i++)
        free(url->sentinels[i].name);
    free_secret(url->sentinel_password);
    free(url->user);
    free_secret(url->password);
    *url = (struct redis_url){0};
}
