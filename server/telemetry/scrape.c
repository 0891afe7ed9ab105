/* Takes the gauges that nobody sets in between, and replies with all that was counted. */
#include "server/telemetry/scrape.h"

#include "flow/flow.h"
#include "server/routes.h"
#include "server/stores.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/metrics_text.h"
#include "server/telemetry/process.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Bearer "

/* Whether the request brings the token, if one is needed; takes as long whatever it brings. */
static bool is_allowed(const char *token, const struct http_request *request)
{
    const char *header = http_header(request, "Authorization");
    const size_t scheme = sizeof SCHEME - 1;

    if (token == NULL)
        return true;
    if (header == NULL || strncasecmp(header, SCHEME, scheme) != 0)
        return false;
    return strlen(header + scheme) == strlen(token) &&
           CRYPTO_memcmp(header + scheme, token, strlen(token)) == 0;
}

static void reply_unauthorized(struct http_request *request)
{
    static const char body[] = "{\"error\":\"METRICS_TOKEN is needed\"}\n";

    http_reply(request, &(struct http_reply){.status = 401,
                                             .content_type = "application/json; charset=utf-8",
                                             .body = body,
                                             .length = sizeof body - 1,
                                             .headers = {{"WWW-Authenticate", "Bearer"}}});
}

static void measure_state(const struct routes *routes)
{
    const bool sessions = atomic_load(&routes->readiness->sessions_down) == 0;
    const bool records = atomic_load(&routes->readiness->records_down) == 0;

    metrics_set(METRIC_SESSIONS_UP, sessions);
    metrics_set(METRIC_RECORDS_UP, records);
    metrics_set(METRIC_READY, sessions && records && !routes->draining);
    process_measure();
}

void scrape_handle(struct routes *routes, struct http_request *request)
{
    const struct metrics_build build = {PROGRAM_VERSION, flow_id(routes->flow),
                                        flow_fingerprint(routes->flow)};
    size_t length;
    char *text;

    if (!is_allowed(routes->config->metrics_token, request)) {
        reply_unauthorized(request);
        return;
    }
    measure_state(routes);
    text = metrics_text(&build, &length);
    if (text == NULL) {
        http_reply_error(request, 503, "out of memory");
        return;
    }
    http_reply(request, &(struct http_reply){.status = 200,
                                             .content_type = METRICS_TEXT_TYPE,
                                             .body = text,
                                             .length = length});
    free(text);
}
