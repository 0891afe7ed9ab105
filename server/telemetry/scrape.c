/* Takes the gauges that nobody sets in between, and replies with all that was counted. */
#include "server/telemetry/scrape.h"

#include "flow/flow.h"
#include "server/http/bearer.h"
#include "server/routes.h"
#include "server/stores.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/metrics_text.h"
#include "server/telemetry/process.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Whether the request brings the token, if one is needed; takes as long whatever it brings. */
static bool is_allowed(const char *token, const struct http_request *request)
{
    const char *given = bearer_token(request);

    if (token == NULL)
        return true;
    return given != NULL && strlen(given) == strlen(token) &&
           CRYPTO_memcmp(given, token, strlen(token)) == 0;
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
        bearer_refuse(request, "{\"error\":\"METRICS_TOKEN is needed\"}\n");
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
