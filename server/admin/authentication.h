/*
 * Who asks for the administration: somebody with ADMIN_TOKEN (Authorization: Bearer), or a browser
 * with a pass that was not ended. Wrong tokens wait for their response. One for each worker, on its
 * thread.
 *
 *     authenticate(authentication, request, on_known, arg);   on_known responds
 */
#ifndef SERVER_ADMIN_AUTHENTICATION_H
#define SERVER_ADMIN_AUTHENTICATION_H

#include "server/admin/access.h"
#include "server/http/http.h"

struct authentication;
struct revocations_link;
struct throttle;

struct authentication_settings {
    const struct access *access;
    struct throttle *throttle;
    struct revocations_link *revocations;
};

/* Borrows what the settings name. Returns NULL when out of memory. */
struct authentication *authentication_create(const struct authentication_settings *settings);
/* Free it after the links and the throttle, which answer what is under way. */
void authentication_free(struct authentication *authentication);

enum visitor {
    VISITOR_NOBODY, /* with no token and no pass of ours */
    VISITOR_WRONG,  /* with a wrong token */
    VISITOR_OVER,   /* with a pass that ran out or was ended */
    VISITOR_ADMINISTRATOR,
};

typedef void authentication_done(void *arg, struct http_request *request, enum visitor visitor);

/* Calls done once, at once or later; it responds. Without an administration the request is answered
 * 404 instead. */
void authenticate(struct authentication *authentication, struct http_request *request,
                  authentication_done *done, void *arg);
/* Ends the pass that the request brings, if it is valid. Calls done once, at once or later; it
 * replies. */
void authentication_end(struct authentication *authentication, struct http_request *request,
                        void (*done)(void *arg, struct http_request *request), void *arg);

/* Answers a request that may not see the administration, and is no page, with 401; counted, and
 * logged unless it is a browser of an administrator whose time is over. */
void authentication_refuse(struct http_request *request, enum visitor visitor);

#endif
