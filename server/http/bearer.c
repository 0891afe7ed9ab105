/* Finds and asks for bearer tokens; compares none. */
#include "server/http/bearer.h"

#include <string.h>
#include <strings.h>

#define SCHEME "Bearer "

const char *bearer_token(const struct http_request *request)
{
    const char *header = http_header(request, "Authorization");
    const size_t scheme = sizeof SCHEME - 1;

    return header != NULL && strncasecmp(header, SCHEME, scheme) == 0 ? header + scheme : NULL;
}

void bearer_refuse(struct http_request *request, const char *body)
{
    http_respond(request, &(struct http_response){.status = 401,
                                                  .content_type = "application/json; charset=utf-8",
                                                  .body = body,
                                                  .length = strlen(body),
                                                  .headers = {{"WWW-Authenticate", "Bearer"}}});
}
