/* The table of paths, and the small responses that need no file of their own. */
#include "server/serving/routes.h"

#include "server/admin/assets.h"
#include "server/admin/authentication.h"
#include "server/admin/login.h"
#include "server/admin/stats_handler.h"
#include "server/channels/meta/meta.h"
#include "server/channels/meta/subscription.h"
#include "server/channels/simulator/simulator.h"
#include "server/serving/redis_advice.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/process.h"
#include "server/telemetry/readiness.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json; charset=utf-8"
#define NOTHING_HERE "there is nothing at this path"

static void respond_json(struct http_request *request, int status, json_t *json)
{
    char *body = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (body == NULL) {
        http_respond_error(request, 503, "out of memory");
        return;
    }
    http_respond(request, &(struct http_response){.status = status,
                                                  .content_type = JSON_TYPE,
                                                  .body = body,
                                                  .length = strlen(body)});
    free(body);
}

/* Through a channel, if it is open. */
static void handle_messages(const struct routes *routes, struct channel *channel,
                            struct http_request *request)
{
    if (atomic_load(&routes->scrape.readiness->foreign))
        http_respond_error(request, 503, "the stores are of another salt");
    else if (channel != NULL)
        webhook_handle(channel, request);
    else
        http_respond_error(request, 404, NOTHING_HERE);
}

static void handle_twilio(struct routes *routes, struct http_request *request)
{
    handle_messages(routes, routes->twilio, request);
}

static void handle_meta(struct routes *routes, struct http_request *request)
{
    if (routes->meta != NULL && request->method == HTTP_GET)
        meta_subscribe(routes->config, routes->throttle, request);
    else
        handle_messages(routes, routes->meta, request);
}

static void handle_simulator_message(struct routes *routes, struct http_request *request)
{
    handle_messages(routes, routes->simulator, request);
}

static void handle_simulator_later(struct routes *routes, struct http_request *request)
{
    if (routes->simulator != NULL)
        simulator_later(routes->simulator, request);
    else
        http_respond_error(request, 404, NOTHING_HERE);
}

static void handle_health(struct routes *routes, struct http_request *request)
{
    respond_json(request, 200,
                 json_pack("{s:s, s:s, s:s}", "status", "healthy", "service",
                           routes->config->app_name, "version", PROGRAM_VERSION));
}

static void handle_ready(struct routes *routes, struct http_request *request)
{
    bool sessions = atomic_load(&routes->scrape.readiness->sessions_down) == 0;
    bool records = atomic_load(&routes->scrape.readiness->records_down) == 0;
    bool foreign = atomic_load(&routes->scrape.readiness->foreign);
    bool ready = sessions && records && !foreign && !routes->scrape.draining;
    const char *redis = routes->config->redis_url == NULL ? "memory" : sessions ? "up" : "down";
    const struct redis_advice *reason =
        sessions ? NULL : redis_advice(atomic_load(&routes->scrape.readiness->redis_refusal));
    char started[PROCESS_START_MAX];

    process_start_text(started);
    respond_json(request, ready ? 200 : 503,
                 json_pack("{s:s, s:s, s:s, s:s, s:s*}", "status",
                           routes->scrape.draining ? "stopping"
                           : ready                 ? "ready"
                                                   : "unavailable",
                           "redis", redis, "database", records ? "up" : "down", "started_at",
                           started, "reason",
                           foreign          ? "the stores are of another salt or flow"
                           : reason != NULL ? reason->english
                                            : NULL));
}

static void handle_root(struct routes *routes, struct http_request *request)
{
    respond_json(request, 200,
                 json_pack("{s:s, s:s, s:s, s:s}", "service", routes->config->app_name, "version",
                           PROGRAM_VERSION, "environment", routes->config->environment, "status",
                           "operational"));
}

static void handle_metrics(struct routes *routes, struct http_request *request)
{
    scrape_handle(&routes->scrape, request);
}

static void handle_cleanup(struct routes *routes, struct http_request *request)
{
    (void)routes;
    http_respond_error(request, 410,
                       "nothing to clean up: sessions expire by themselves after "
                       "SESSION_TIMEOUT_MINUTES");
}

static void handle_admin(struct routes *routes, struct http_request *request)
{
    login_handle_page(routes->login, request);
}

static void handle_login(struct routes *routes, struct http_request *request)
{
    login_handle_login(routes->login, request);
}

static void handle_logout(struct routes *routes, struct http_request *request)
{
    login_handle_logout(routes->login, request);
}

static void respond_stats(void *arg, struct http_request *request, enum visitor visitor)
{
    if (visitor == VISITOR_ADMINISTRATOR)
        stats_handler_respond(arg, request);
    else
        authentication_refuse(request, visitor);
}

static void handle_stats(struct routes *routes, struct http_request *request)
{
    authenticate(routes->authentication, request, respond_stats, routes->stats);
}

static const struct route {
    const char *path; /* NULL: WEBHOOK_PATH */
    int methods;
    enum metric_route label;
    void (*handle)(struct routes *routes, struct http_request *request);
} table[] = {
    {NULL, HTTP_POST, METRIC_ROUTE_WEBHOOK, handle_twilio},
    {META_PATH, HTTP_GET | HTTP_POST, METRIC_ROUTE_META, handle_meta},
    {"/health", HTTP_GET, METRIC_ROUTE_HEALTH, handle_health},
    {"/whatsapp/health", HTTP_GET, METRIC_ROUTE_HEALTH, handle_health},
    {"/ready", HTTP_GET, METRIC_ROUTE_READY, handle_ready},
    {"/", HTTP_GET, METRIC_ROUTE_ROOT, handle_root},
    {"/metrics", HTTP_GET, METRIC_ROUTE_METRICS, handle_metrics},
    {"/simulator/message", HTTP_POST, METRIC_ROUTE_SIMULATOR, handle_simulator_message},
    {"/simulator/later", HTTP_POST, METRIC_ROUTE_SIMULATOR, handle_simulator_later},
    {"/whatsapp/cleanup", HTTP_POST, METRIC_ROUTE_CLEANUP, handle_cleanup},
    {"/admin", HTTP_GET, METRIC_ROUTE_ADMIN, handle_admin},
    {"/admin/login", HTTP_GET | HTTP_POST, METRIC_ROUTE_ADMIN, handle_login},
    {"/admin/stats", HTTP_GET, METRIC_ROUTE_ADMIN, handle_stats},
    {"/admin/logout", HTTP_GET | HTTP_POST, METRIC_ROUTE_ADMIN, handle_logout},
};

static const char *allow_of(int methods)
{
    switch (methods) {
    case HTTP_POST:
        return "POST, OPTIONS";
    case HTTP_GET:
        return "GET, HEAD, OPTIONS";
    default:
        return "GET, HEAD, POST, OPTIONS";
    }
}

/* A method that is none of the path's: what they are, which is all that OPTIONS asks. */
static void respond_allow(struct http_request *request, int methods)
{
    static const char body[] = "{\"error\":\"this path does not take this method\"}\n";
    struct http_response response = {.status = 204, .headers = {{"Allow", allow_of(methods)}}};

    if (request->method != HTTP_OPTIONS) {
        response.status = 405;
        response.content_type = JSON_TYPE;
        response.body = body;
        response.length = sizeof body - 1;
    }
    http_respond(request, &response);
}

/* What pages are made of is no secret, but what production does not need it does not have. */
static void handle_file(const struct routes *routes, struct http_request *request)
{
    const struct asset *asset = asset_find(request->path);

    if (asset == NULL || (asset->development_only && routes->config->production))
        http_respond_error(request, 404, NOTHING_HERE);
    else if (request->method != HTTP_GET)
        respond_allow(request, HTTP_GET);
    else
        asset_respond(request, asset);
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
            respond_allow(request, route->methods);
        return;
    }
    if (strcmp(request->path, "*") == 0)
        respond_allow(request, HTTP_GET | HTTP_POST);
    else
        handle_file(routes, request);
}
