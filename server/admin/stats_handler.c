/* Requests wait for the stats that are being taken, if they have the days that are asked for; those
 * that want other days wait for the next one. */
#include "server/admin/stats_handler.h"

#include "server/http/form.h"
#include "server/http/http.h"
#include "store/base/clock.h"
#include <stdlib.h>
#include <string.h>

#define DAYS_DEFAULT 30
#define QUERY_MAX 512
#define PARAMETERS_MAX 8
#define FRESH_MS 1000
/* Requests that wait at once; more are told to come again. */
#define WAITING_MAX 64

struct waiting {
    struct http_request *request;
    unsigned days;
};

struct stats_handler {
    struct stats *stats;
    bool stopped;
    unsigned taking; /* days of the stats that are being taken; 0: none are */
    char *body;      /* the last one, NULL: none yet */
    unsigned body_days;
    int64_t body_ms;
    size_t waiting_count;
    struct waiting waiting[WAITING_MAX];
};

static void respond_body(struct http_request *request, const char *body)
{
    if (body == NULL) {
        http_respond_error(request, 503, "out of memory");
        return;
    }
    http_respond(request, &(struct http_response){.status = 200,
                                                  .content_type = "application/json; charset=utf-8",
                                                  .body = body,
                                                  .length = strlen(body)});
}

static void on_taken(void *arg);

static void take_next(struct stats_handler *handler)
{
    if (handler->taking != 0 || handler->waiting_count == 0 || handler->stopped)
        return;
    handler->taking = handler->waiting[0].days;
    stats_take(handler->stats, handler->taking, on_taken, handler);
}

static void on_taken(void *arg)
{
    struct stats_handler *handler = arg;
    json_t *json = stats_json(handler->stats);
    size_t left = 0;

    free(handler->body);
    handler->body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    handler->body_days = handler->taking;
    handler->body_ms = clock_monotonic_ms();
    handler->taking = 0;
    json_decref(json);
    for (size_t i = 0; i < handler->waiting_count; i++) {
        if (handler->waiting[i].days == handler->body_days)
            respond_body(handler->waiting[i].request, handler->body);
        else
            handler->waiting[left++] = handler->waiting[i];
    }
    handler->waiting_count = left;
    take_next(handler);
}

/* A number without sign or blanks, as config's. Returns 0 when it is none that is allowed. */
static unsigned days_parse(struct form_text text)
{
    unsigned days = 0;

    if (text.length == 0 || text.length > 3)
        return 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return 0;
        days = days * 10 + (unsigned)(text.bytes[i] - '0');
    }
    return days <= STATS_DAYS_MAX ? days : 0;
}

static unsigned days_asked(const struct http_request *request)
{
    char storage[QUERY_MAX];
    const char *reason;
    struct form form;
    size_t count;

    if (request->query == NULL)
        return DAYS_DEFAULT;
    if (strlen(request->query) > sizeof storage ||
        form_decode(&form, request->query, strlen(request->query), PARAMETERS_MAX, storage,
                    &reason) != 0)
        return 0;
    const struct form_text text = form_value(&form, "days", &count);
    if (count == 0)
        return DAYS_DEFAULT;
    return count == 1 ? days_parse(text) : 0;
}

void stats_handler_respond(struct stats_handler *handler, struct http_request *request)
{
    const unsigned days = days_asked(request);

    if (days == 0) {
        http_respond_error(request, 400, "days is a number from 1 to 365");
    } else if (handler->body != NULL && handler->body_days == days &&
               clock_monotonic_ms() - handler->body_ms < FRESH_MS) {
        respond_body(request, handler->body);
    } else if (handler->stopped || handler->waiting_count == WAITING_MAX) {
        http_respond_error(request, 503, "too many wait for statistics");
    } else {
        handler->waiting[handler->waiting_count++] = (struct waiting){request, days};
        take_next(handler);
    }
}

struct stats_handler *stats_handler_create(const struct stats_settings *settings)
{
    struct stats_handler *handler = calloc(1, sizeof *handler);

    if (handler == NULL)
        return NULL;
    handler->stats = stats_create(settings);
    if (handler->stats != NULL)
        return handler;
    free(handler);
    return NULL;
}

void stats_handler_stop(struct stats_handler *handler)
{
    if (handler == NULL)
        return;
    handler->stopped = true;
    for (size_t i = 0; i < handler->waiting_count; i++)
        http_respond_error(handler->waiting[i].request, 503, "the server stops");
    handler->waiting_count = 0;
}

void stats_handler_free(struct stats_handler *handler)
{
    if (handler == NULL)
        return;
    stats_free(handler->stats);
    free(handler->body);
    free(handler);
}
