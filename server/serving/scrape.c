/* Takes the gauges that nobody sets in between, and responds with all that was counted. */
#include "server/serving/scrape.h"

#include "flow/flow.h"
#include "server/config/config.h"
#include "server/http/bearer.h"
#include "server/http/http.h"
#include "server/http/throttle.h"
#include "server/security/secret.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/metrics_text.h"
#include "server/telemetry/process.h"
#include "server/telemetry/readiness.h"
#include <stdlib.h>
#include <string.h>

static void measure_state(const struct scrape *scrape)
{
    const bool sessions = atomic_load(&scrape->readiness->sessions_down) == 0;
    const bool records = atomic_load(&scrape->readiness->records_down) == 0;

    metrics_set(METRIC_SESSIONS_UP, sessions);
    metrics_set(METRIC_RECORDS_UP, records);
    metrics_set(METRIC_READY, sessions && records && !scrape->draining &&
                                  !atomic_load(&scrape->readiness->foreign));
    process_measure();
}

static void respond_metrics(const struct scrape *scrape, struct http_request *request)
{
    const struct metrics_build build = {PROGRAM_VERSION, flow_id(scrape->flow),
                                        flow_file_fingerprint(scrape->flow)};
    size_t length;

    measure_state(scrape);
    char *text = metrics_text(&build, &length);
    if (text == NULL) {
        http_respond_error(request, 503, "out of memory");
        return;
    }
    http_respond(request, &(struct http_response){.status = 200,
                                                  .content_type = METRICS_TEXT_TYPE,
                                                  .body = text,
                                                  .length = length});
    free(text);
}

static void on_judged(void *arg, struct http_request *request, bool right)
{
    if (right)
        respond_metrics(arg, request);
    else
        bearer_refuse(request, "{\"error\":\"METRICS_TOKEN is needed\"}\n");
}

static void log_wrong(const struct http_request *request)
{
    char client[CLIENT_ADDRESS_TEXT_MAX];
    const char *who = http_client_print(request, client);

    metrics_add(METRIC_METRICS_REFUSED, 1);
    log_write(LOG_WARNING, "metrics_refused", log_text("path", request->path),
              log_text(who, client));
}

/* Without a token: in development everybody, in production this machine alone. */
static bool is_open_to(const struct config *config, const struct http_request *request)
{
    return !config->production || http_is_local(request);
}

void scrape_handle(struct scrape *scrape, struct http_request *request)
{
    const char *token = scrape->config->metrics_token;
    const char *given = bearer_token(request);

    if (token == NULL || given == NULL) {
        on_judged(scrape, request, token == NULL && is_open_to(scrape->config, request));
        return;
    }
    const bool right = secret_is(token, given, strlen(given));
    if (!right)
        log_wrong(request);
    throttle_try(scrape->throttle, request, right, on_judged, scrape);
}
