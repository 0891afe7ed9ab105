/* Requests wait for the snapshot that is being taken, if it has the days that they ask for; those
 * that want other days wait for the next one. */
#include "server/admin/stats.h"

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

struct stats {
    struct snapshot *snapshot;
    bool stopped;
    unsigned taking; /* days of the snapshot that is being taken; 0: none is */
    char *body;      /* the last one, NULL: none yet */
    unsigned body_days;
    int64_t body_ms;
    size_t waiting_count;
    struct waiting waiting[WAITING_MAX];
};

static void reply_body(struct http_request *request, const char *body)
{
    if (body == NULL) {
        http_reply_error(request, 503, "out of memory");
        return;
    }
    http_reply(request, &(struct http_reply){.status = 200,
                                             .content_type = "application/json; charset=utf-8",
                                             .body = body,
                                             .length = strlen(body)});
}

static void on_taken(void *arg);

static void take_next(struct stats *stats)
{
    if (stats->taking != 0 || stats->waiting_count == 0 || stats->stopped)
        return;
    stats->taking = stats->waiting[0].days;
    snapshot_take(stats->snapshot, stats->taking, on_taken, stats);
}

static void on_taken(void *arg)
{
    struct stats *stats = arg;
    json_t *json = snapshot_json(stats->snapshot);
    size_t left = 0;

    free(stats->body);
    stats->body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    stats->body_days = stats->taking;
    stats->body_ms = clock_monotonic_ms();
    stats->taking = 0;
    json_decref(json);
    for (size_t i = 0; i < stats->waiting_count; i++) {
        if (stats->waiting[i].days == stats->body_days)
            reply_body(stats->waiting[i].request, stats->body);
        else
            stats->waiting[left++] = stats->waiting[i];
    }
    stats->waiting_count = left;
    take_next(stats);
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
    return days <= SNAPSHOT_DAYS_MAX ? days : 0;
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

void stats_handle(struct stats *stats, struct http_request *request)
{
    const unsigned days = days_asked(request);

    if (days == 0) {
        http_reply_error(request, 400, "days is a number from 1 to 365");
    } else if (stats->body != NULL && stats->body_days == days &&
               clock_monotonic_ms() - stats->body_ms < FRESH_MS) {
        reply_body(request, stats->body);
    } else if (stats->stopped || stats->waiting_count == WAITING_MAX) {
        http_reply_error(request, 503, "too many wait for statistics");
    } else {
        stats->waiting[stats->waiting_count++] = (struct waiting){request, days};
        take_next(stats);
    }
}

struct stats *stats_create(const struct snapshot_settings *settings)
{
    struct stats *stats = calloc(1, sizeof *stats);

    if (stats == NULL)
        return NULL;
    stats->snapshot = snapshot_create(settings);
    if (stats->snapshot != NULL)
        return stats;
    free(stats);
    return NULL;
}

void stats_stop(struct stats *stats)
{
    if (stats == NULL)
        return;
    stats->stopped = true;
    for (size_t i = 0; i < stats->waiting_count; i++)
        http_reply_error(stats->waiting[i].request, 503, "the server stops");
    stats->waiting_count = 0;
}

void stats_free(struct stats *stats)
{
    if (stats == NULL)
        return;
    snapshot_free(stats->snapshot);
    free(stats->body);
    free(stats);
}
