/* The table of paths, and the small answers that need no file of their own. */
#include "server/routes.h"

#include "flow/flow.h"
#include "server/channels/simulator.h"
#include "server/metrics.h"
#include "server/metrics_text.h"
#include "server/process.h"
#include "server/stores.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json; charset=utf-8"
#define NOTHING_HERE "there is nothing at this path"

static void reply_json(struct http_request *request, int status, json_t *json)
{
    char *body = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (body == NULL) {
        http_reply_error(request, 503, "out of memory");
        return;
    }
    http_reply(request, &(struct http_reply){.status = status,
                                             .content_type = JSON_TYPE,
                                             .body = body,
                                             .length = strlen(body)});
    free(body);
}

static void handle_webhook(struct routes *routes, struct http_request *request)
{
    webhook_handle(routes->twilio, request);
}

static void handle_simulator_message(struct routes *routes, struct http_request *request)
{
    if (routes->simulator != NULL)
        webhook_handle(routes->simulator, request);
    else
        http_reply_error(request, 404, NOTHING_HERE);
}

static void handle_simulator_later(struct routes *routes, struct http_request *request)
{
    if (routes->simulator != NULL)
        simulator_later(routes->simulator, request);
    else
        http_reply_error(request, 404, NOTHING_HERE);
}

static void handle_health(struct routes *routes, struct http_request *request)
{
    reply_json(request, 200,
               json_pack("{s:s, s:s, s:s}", "status", "healthy", "service",
                         routes->config->app_name, "version", PROGRAM_VERSION));
}

/* The state of the stores, of all workers. */
struct stores_up {
    bool sessions, records;
};

static struct stores_up find_stores_up(const struct routes *routes)
{
    return (struct stores_up){atomic_load(&routes->readiness->sessions_down) == 0,
                              atomic_load(&routes->readiness->records_down) == 0};
}

static void handle_ready(struct routes *routes, struct http_request *request)
{
    const struct stores_up up = find_stores_up(routes);
    bool ready = up.sessions && up.records && !routes->draining;
    const char *redis = routes->config->redis_url == NULL ? "memory" : up.sessions ? "up" : "down";

    reply_json(request, ready ? 200 : 503,
               json_pack("{s:s, s:s, s:s}", "status",
                         routes->draining ? "stopping"
                         : ready          ? "ready"
                                          : "unavailable",
                         "redis", redis, "database", up.records ? "up" : "down"));
}

static void handle_root(struct routes *routes, struct http_request *request)
{
    reply_json(request, 200,
               json_pack("{s:s, s:s, s:s, s:s}", "service", routes->config->app_name, "version",
                         PROGRAM_VERSION, "environment", routes->config->environment, "status",
                         "operational"));
}

static void handle_metrics(struct routes *routes, struct http_request *request)
{
    const struct metrics_build build = {PROGRAM_VERSION, flow_id(routes->flow),
                                        flow_fingerprint(routes->flow)};
    const struct stores_up up = find_stores_up(routes);
    size_t length;
    char *text;

    metrics_set(METRIC_SESSIONS_UP, up.sessions);
    metrics_set(METRIC_RECORDS_UP, up.records);
    metrics_set(METRIC_READY, up.sessions && up.records && !routes->draining);
    process_measure();
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

static void handle_cleanup(struct routes *routes, struct http_request *request)
{
    (void)routes;
    http_reply_error(request, 410,
                     "nothing to clean up: sessions expire by themselves after "
                     "SESSION_TIMEOUT_MINUTES");
}

static const struct route {
    const char *path; /* NULL: WEBHOOK_PATH */
    int methods;
    enum metric_route label;
    void (*handle)(struct routes *routes, struct http_request *request);
} table[] = {
    {NULL, HTTP_POST, METRIC_ROUTE_WEBHOOK, handle_webhook},
    {"/health", HTTP_GET, METRIC_ROUTE_HEALTH, handle_health},
    {"/whatsapp/health", HTTP_GET, METRIC_ROUTE_HEALTH, handle_health},
    {"/ready", HTTP_GET, METRIC_ROUTE_READY, handle_ready},
    {"/", HTTP_GET, METRIC_ROUTE_ROOT, handle_root},
    {"/metrics", HTTP_GET, METRIC_ROUTE_METRICS, handle_metrics},
    {"/simulator/message", HTTP_POST, METRIC_ROUTE_SIMULATOR, handle_simulator_message},
    {"/simulator/later", HTTP_POST, METRIC_ROUTE_SIMULATOR, handle_simulator_later},
    {"/whatsapp/cleanup", HTTP_POST, METRIC_ROUTE_CLEANUP, handle_cleanup},
};

static void reply_method_not_allowed(struct http_request *request, int methods)
{
    static const char body[] = "{\"error\":\"this path does not take this method\"}\n";

    http_reply(request,
               &(struct http_reply){.status = 405,
                                    .content_type = JSON_TYPE,
                                    .body = body,
                                    .length = sizeof body - 1,
                                    .header_name = "Allow",
                                    .header_value = methods == HTTP_POST ? "POST" : "GET, HEAD"});
}

void routes_handle(void *arg, struct http_request *request)
{
    struct routes *routes = arg;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct route *route = &table[i];
        const char *path = route->path != NULL ? route->path : routes->config->webhook_path;

        if (strcmp(path, request->path) != 0)
            continue;
        request->route = route->label;
        if ((route->methods & (int)request->method) != 0)
            route->handle(routes, request);
        else
            reply_method_not_allowed(request, route->methods);
        return;
    }
    http_reply_error(request, 404, NOTHING_HERE);
}
