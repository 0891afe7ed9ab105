/*
 * The pages and what they are made of, embedded in the program by the build (server/web/). Browsers
 * ask again each time whether theirs is still the same, and are told so in a few bytes.
 */
#ifndef SERVER_ADMIN_ASSETS_H
#define SERVER_ADMIN_ASSETS_H

#include "server/http/http.h"
#include <stdbool.h>

/* A file by two names: as it is, and compressed. */
struct asset_form {
    const char *bytes; /* a NUL follows */
    const size_t *length;
    const char *etag;
};

struct asset {
    const char *path; /* NULL: a page, which its own handler answers with */
    const char *content_type;
    bool development_only;
    struct asset_form plain;
    struct asset_form gzip;
};

/* The file at a path, or NULL. */
const struct asset *asset_find(const char *path);

extern const struct asset asset_dashboard_page;
extern const struct asset asset_login_page;

/* 200 with the file, or 304 when the browser has it. */
void asset_respond(struct http_request *request, const struct asset *asset);

/* Whether Accept-Encoding takes gzip. Pure; header may be NULL. */
bool asset_accepts_gzip(const char *header);
/* Whether If-None-Match names this tag. Pure; header may be NULL. */
bool asset_is_known(const char *header, const char *etag);

#endif
