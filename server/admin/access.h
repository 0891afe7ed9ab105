/*
 * Who may see what is for administrators: whoever brings ADMIN_TOKEN. Without that setting there is
 * nothing to see.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include "server/http/http.h"
#include <stdbool.h>

struct access {
    const char *token; /* borrowed; NULL: nobody */
};

/* Whether the request brings the token, as "Authorization: Bearer TOKEN". Compares in constant
 * time. */
bool access_allows(const struct access *access, const struct http_request *request);
/* The same; a request that is not allowed is answered: 404 without a token, else 401, which is
 * counted and logged. */
bool access_admits(const struct access *access, struct http_request *request);

#endif
