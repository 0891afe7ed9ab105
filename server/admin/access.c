/* The bearer token. */
#include "server/admin/access.h"

#include "server/log.h"
#include "server/metrics.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

/* Digests have one length, so that the time tells nothing of the token's. */
static bool is_same(const char *one, const char *other)
{
    unsigned char digests[2][SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)one, strlen(one), digests[0]);
    SHA256((const unsigned char *)other, strlen(other), digests[1]);
    return CRYPTO_memcmp(digests[0], digests[1], SHA256_DIGEST_LENGTH) == 0;
}

bool access_allows(const struct access *access, const struct http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *said = http_header(request, "Authorization");

    return access->token != NULL && said != NULL &&
           strncasecmp(said, scheme, strlen(scheme)) == 0 &&
           is_same(said + strlen(scheme), access->token);
}

bool access_admits(const struct access *access, struct http_request *request)
{
    static const char body[] = "{\"error\":\"this wants the administrators' token\"}\n";

    if (access->token == NULL) {
        http_reply_error(request, 404, "there is nothing at this path");
        return false;
    }
    if (access_allows(access, request))
        return true;
    metrics_add(METRIC_ADMIN_REFUSED, 1);
    log_write(LOG_WARNING, "admin_refused", log_text("path", request->path),
              log_text("reason",
                       http_header(request, "Authorization") == NULL ? "no token" : "wrong token"));
    http_reply(request, &(struct http_reply){.status = 401,
                                             .content_type = "application/json; charset=utf-8",
                                             .body = body,
                                             .length = sizeof body - 1,
                                             .header_name = "WWW-Authenticate",
                                             .header_value = "Bearer realm=\"admin\""});
    return false;
}
