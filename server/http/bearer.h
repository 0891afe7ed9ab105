/* The token that a request brings: "Authorization: Bearer TOKEN" (RFC 6750, 2.1). */
#ifndef SERVER_HTTP_BEARER_H
#define SERVER_HTTP_BEARER_H

#include "server/http/http.h"

/* The token, NUL-terminated and valid until http_respond; NULL when there is none. */
const char *bearer_token(const struct http_request *request);
/* Responds with 401 and a JSON body, and says that a token is what we take. */
void bearer_refuse(struct http_request *request, const char *body);

#endif
