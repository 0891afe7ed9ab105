/* Targets byte by byte. */
#include "server/http/target.h"

enum state { AT_START, IN_SCHEME, IN_HOST, IN_PORT, IN_PATH, BEHIND_ASTERISK };

#define PORT_MAX 65535

static const struct http_verdict go_on = {0, NULL};
static const struct http_verdict malformed = {400, "the request target is malformed"};

static bool is_host(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_';
}

/* Up to the question mark. */
static void path_add(struct target_scanner *target, unsigned char c, const char *path)
{
    if (c == '?')
        target->path_ended = true;
    if (path == NULL || target->path_ended)
        return;
    if (target->path_same == target->path_length && c == (unsigned char)path[target->path_same])
        target->path_same++;
    target->path_length++;
}

static struct http_verdict at_start(struct target_scanner *target, unsigned char c,
                                    const char *path)
{
    if (c == '*') {
        target->state = BEHIND_ASTERISK;
        return go_on;
    }
    if (c == '/') {
        target->state = IN_PATH;
        path_add(target, c, path);
        return go_on;
    }
    target->state = IN_SCHEME;
    target->matched = 1;
    return (c | 0x20) == 'h' ? go_on : malformed;
}

static struct http_verdict in_scheme(struct target_scanner *target, unsigned char c)
{
    static const char scheme[] = "http://";

    if (target->matched == 4 && (c | 0x20) == 's' && !target->secure) {
        target->secure = true;
        return go_on;
    }
    if ((c | 0x20) != scheme[target->matched])
        return malformed;
    if (++target->matched == sizeof scheme - 1) {
        target->state = IN_HOST;
        target->matched = 0;
    }
    return go_on;
}

/* Behind a host or its port. */
static struct http_verdict host_end(struct target_scanner *target, unsigned char c,
                                    const char *path)
{
    if (target->matched == 0 || (c != '/' && c != '?'))
        return malformed;
    target->state = IN_PATH;
    path_add(target, c, path);
    return go_on;
}

static struct http_verdict in_host(struct target_scanner *target, unsigned char c, const char *path)
{
    if (is_host(c)) {
        target->matched++;
        return go_on;
    }
    if (c != ':' || target->matched == 0)
        return host_end(target, c, path);
    target->state = IN_PORT;
    return go_on;
}

static struct http_verdict in_port(struct target_scanner *target, unsigned char c, const char *path)
{
    if (c < '0' || c > '9')
        return host_end(target, c, path);
    target->port = target->port * 10 + (unsigned)(c - '0');
    return target->port <= PORT_MAX ? go_on : malformed;
}

struct http_verdict target_add(struct target_scanner *target, unsigned char c, size_t length_max,
                               const char *path)
{
    if (c <= 0x20 || c >= 0x7f || c == '#')
        return malformed;
    if (++target->length > length_max)
        return (struct http_verdict){414, "the request target is too long"};
    switch (target->state) {
    case AT_START:
        return at_start(target, c, path);
    case IN_SCHEME:
        return in_scheme(target, c);
    case IN_HOST:
        return in_host(target, c, path);
    case IN_PORT:
        return in_port(target, c, path);
    case IN_PATH:
        if (c == '/' && target->length == 2) /* evhttp would look for a host behind it */
            return (struct http_verdict){404, "there is nothing at this path"};
        path_add(target, c, path);
        return go_on;
    default:
        return malformed;
    }
}

bool target_may_end(const struct target_scanner *target, bool is_options)
{
    switch (target->state) {
    case IN_PATH:
    case IN_PORT:
        return true;
    case IN_HOST:
        return target->matched > 0;
    case BEHIND_ASTERISK:
        return is_options;
    default:
        return false;
    }
}

bool target_is_absolute(const struct target_scanner *target)
{
    return target->matched > 0;
}

bool target_has_path(const struct target_scanner *target, const char *path)
{
    return path != NULL && target->path_same == target->path_length &&
           path[target->path_same] == '\0';
}
