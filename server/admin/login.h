/*
 * Logging in and out with a browser, and the page that one sees then. The token is asked for once;
 * for it there is a pass.
 */
#ifndef SERVER_ADMIN_LOGIN_H
#define SERVER_ADMIN_LOGIN_H

#include "server/admin/authentication.h"
#include "server/config/config.h"
#include "server/http/http.h"

struct throttle;

/* The login of one worker. */
struct login;

struct login_settings {
    const struct access *access;
    struct authentication *authentication;
    struct throttle *throttle;
};

/* Borrows all. Returns NULL when out of memory. */
struct login *login_create(const struct login_settings *settings, const struct config *config);
/* Free it after the throttle. */
void login_free(struct login *login);

/* GET /admin: the dashboard, or the login page. */
void login_handle_page(struct login *login, struct http_request *request);
/* POST /admin/login, with a form that holds the token. GET sends to the page. */
void login_handle_login(struct login *login, struct http_request *request);
/* POST /admin/logout. GET sends to the page. */
void login_handle_logout(struct login *login, struct http_request *request);

/* What a browser says of where a form was. Pure. */
struct login_origin {
    const char *fetch_site; /* Sec-Fetch-Site; NULL: not said, as all of these */
    const char *origin;     /* Origin */
    const char *host;       /* Host */
    const char *public_url; /* ours, as configured */
};
/* Whether the form may have been on a page of ours. */
bool login_is_from_here(const struct login_origin *from);

#endif
