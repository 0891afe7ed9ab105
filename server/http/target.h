/*
 * Strict reading of a request's target (RFC 9112, 3.2): a path, a whole address of http or https,
 * or the asterisk of OPTIONS; nothing that evhttp would take for something else. Pure.
 */
#ifndef SERVER_HTTP_TARGET_H
#define SERVER_HTTP_TARGET_H

#include "server/http/verdict.h"
#include <stdbool.h>
#include <stddef.h>

struct target_scanner {
    int state;
    size_t length;
    size_t matched; /* bytes of the scheme, then of the host */
    bool secure;
    unsigned port;
    size_t path_length;
    size_t path_same; /* first bytes that the path and the wanted one have in common */
    bool path_ended;
};

/* One byte more, which is no space. path: one to compare with, or NULL. */
struct http_verdict target_add(struct target_scanner *target, unsigned char c, size_t length_max,
                               const char *path);
/* Whether it may end here. */
bool target_may_end(const struct target_scanner *target, bool is_options);
/* Whether a host stands in it. */
bool target_is_absolute(const struct target_scanner *target);
/* Whether its path, without the query, is the one that it was compared with. */
bool target_has_path(const struct target_scanner *target, const char *path);

#endif
