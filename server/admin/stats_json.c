/* Stats as JSON. Numbers of what was counted and names of the flow; nothing of a person. */
#include "server/admin/stats_parts.h"

#include "server/config/local_day.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/utc_text.h"
#include <string.h>

/* A number, or null while it cannot be read. */
static json_t *number(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *time_text(int64_t at_s)
{
    char text[UTC_TEXT_MAX];

    utc_text(at_s, text);
    return json_sprintf("%sZ", text);
}

static json_t *flow_json(const struct flow *flow)
{
    json_t *steps = json_array();
    json_t *languages = json_array();

    for (size_t i = 0; i < flow_step_count(flow); i++)
        json_array_append_new(steps, json_string(flow_step_key(flow, i)));
    for (size_t i = 0; i < flow_language_count(flow); i++)
        if (flow_language_is_offered(flow, i))
            json_array_append_new(languages, json_string(flow_language(flow, i)));
    return json_pack("{s:s, s:i, s:o, s:o}", "id", flow_id(flow), "version",
                     (int)flow_version(flow), "steps", steps, "languages", languages);
}

/* Totals */

static json_t *totals_json(const struct stats *stats)
{
    const struct record_total *all = &stats->totals.all;
    const bool known = stats->has_totals;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "codes", number(known, all->codes), "requests",
                     number(known, all->requests), "repeated",
                     number(known, all->requests - all->codes), "numbers",
                     number(known, all->phones), "possible_duplicates",
                     number(known, stats->totals.pairs));
}

static json_t *day_json(const struct stats *stats, int64_t day, const struct record_total *sums)
{
    char date[UTC_TEXT_MAX];
    /* Codes that were taken out again, by the hour in which they had come. */
    const int64_t new = sums->codes > 0 ? sums->codes : 0;
    const int64_t repeated = sums->requests > sums->codes ? sums->requests - sums->codes : 0;

    utc_day_text(day, date);
    return json_pack("{s:s, s:o, s:o}", "date", date, "new", number(stats->has_totals, new),
                     "repeated", number(stats->has_totals, repeated));
}

/* Hours to local days. *today is the last day alone. */
static json_t *days_json(const struct stats *stats, json_t **today)
{
    const int64_t last = local_day(stats->asked_s);
    const int64_t first = last - (int64_t)stats->days + 1;
    struct record_total days[STATS_DAYS_MAX] = {0};
    json_t *list = json_array();

    for (size_t i = 0; stats->has_totals && i < stats->totals.hour_count; i++) {
        const struct record_total *hour = &stats->hours[i];
        const int64_t day = local_day(stats->totals.since_s + (int64_t)i * 3600);
        if (day < first || day > last)
            continue;
        days[day - first].codes += hour->codes;
        days[day - first].requests += hour->requests;
    }
    for (unsigned i = 0; i < stats->days; i++)
        json_array_append_new(list, day_json(stats, first + i, &days[i]));
    *today = day_json(stats, last, &days[last - first]);
    return list;
}

/* Figures */

static json_t *active_json(const struct stats *stats)
{
    const struct flow *flow = stats->settings.counting->flow;
    json_t *steps = json_object();
    uint64_t total = 0;

    for (size_t i = 0; i < flow_step_count(flow); i++) {
        total += stats->counters.here[i];
        json_object_set_new(steps, flow_step_key(flow, i), count(stats->counters.here[i]));
    }
    return json_pack("{s:o, s:o}", "total", count(total), "by_step", steps);
}

static json_t *of_steps_json(const struct counting *counting, const uint64_t *counters,
                             enum count_step_field field)
{
    json_t *steps = json_object();

    for (size_t i = 0; i < flow_step_count(counting->flow); i++)
        json_object_set_new(steps, flow_step_key(counting->flow, i),
                            count(counters[counting_of_step(counting, field, i)]));
    return steps;
}

static json_t *funnel_json(const struct counting *counting, const uint64_t *counters)
{
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "started", count(counters[COUNT_STARTED]), "finished",
        count(counters[COUNT_FINISHED]), "expired", count(counters[COUNT_EXPIRED]), "stopped",
        count(counters[COUNT_STOPPED]), "read_back", count(counters[COUNT_READ_BACK]));

    for (int field = 0; field < COUNT_STEP_FIELDS; field++)
        json_object_set_new(json, counting_step_name((enum count_step_field)field),
                            of_steps_json(counting, counters, (enum count_step_field)field));
    return json;
}

static json_t *languages_json(const struct counting *counting, const uint64_t *counters)
{
    json_t *languages = json_object();

    for (size_t i = 0; i < flow_language_count(counting->flow); i++)
        if (flow_language_is_offered(counting->flow, i))
            json_object_set_new(languages, flow_language(counting->flow, i),
                                count(counters[counting_of_language(counting, i)]));
    return languages;
}

/* What became of our replies, as far as Meta tells. */
static json_t *replies_json(const uint64_t *counters)
{
    return json_pack("{s:o, s:o, s:o}", "delivered", count(counters[COUNT_DELIVERED]), "read",
                     count(counters[COUNT_READ]), "failed", count(counters[COUNT_FAILED]));
}

/* "id version workers" */
static json_t *instance_json(const char *text, int64_t age_ms)
{
    char id[COUNTERS_INSTANCE_MAX], version[COUNTERS_INSTANCE_MAX];
    int workers;

    _Static_assert(COUNTERS_INSTANCE_MAX == 96, "the widths below");
    if (sscanf(text, "%95s %95s %d", id, version, &workers) != 3)
        return NULL;
    return json_pack("{s:s, s:s, s:i, s:I}", "id", id, "version", version, "workers", workers,
                     "seen_seconds_ago", (json_int_t)(age_ms / 1000));
}

/* In memory an instance knows itself alone. */
static json_t *instances_json(const struct stats *stats)
{
    const struct counters_reading *counters = &stats->counters;
    json_t *list = json_array();

    for (size_t i = 0; i < counters->instance_count; i++)
        json_array_append_new(
            list, instance_json(counters->instances[i].text, counters->instances[i].age_ms));
    if (stats->settings.config->redis_url == NULL && stats->settings.instance != NULL)
        json_array_append_new(list, instance_json(stats->settings.instance, 0));
    return list;
}

static void counters_put(const struct stats *stats, json_t *json)
{
    const struct counting *counting = stats->settings.counting;
    const struct counters_reading *counters = &stats->counters;

    if (!stats->has_counters) {
        json_object_set_new(json, "active", json_null());
        json_object_set_new(json, "funnel", json_null());
        json_object_set_new(json, "languages", json_null());
        json_object_set_new(json, "replies", json_null());
        json_object_set_new(json, "instances", json_null());
        return;
    }
    json_object_set_new(json, "active", active_json(stats));
    json_object_set_new(json, "funnel",
                        json_pack("{s:o, s:o}", "today", funnel_json(counting, counters->today),
                                  "period", funnel_json(counting, counters->period)));
    json_object_set_new(json, "languages",
                        json_pack("{s:o, s:o}", "today", languages_json(counting, counters->today),
                                  "period", languages_json(counting, counters->period)));
    json_object_set_new(json, "replies",
                        json_pack("{s:o, s:o}", "today", replies_json(counters->today), "period",
                                  replies_json(counters->period)));
    json_object_set_new(json, "instances", instances_json(stats));
}

/* The server's own */

static json_t *store_json(const char *kind, bool up)
{
    return json_pack("{s:s, s:b}", "kind", kind, "up", up);
}

static json_t *stores_json(const struct stats *stats)
{
    const struct stats_settings *settings = &stats->settings;
    const struct readiness *readiness = settings->readiness;
    const bool redis = settings->config->redis_url != NULL;
    const bool sqlite = strncmp(settings->config->database_url, "sqlite", 6) == 0;
    const bool sessions_up = readiness != NULL ? atomic_load(&readiness->sessions_down) == 0
                                               : !redis || stats->has_counters;
    const bool records_up =
        readiness != NULL ? atomic_load(&readiness->records_down) == 0 : stats->has_totals;

    return json_pack("{s:o, s:o}", "sessions", store_json(redis ? "redis" : "memory", sessions_up),
                     "records", store_json(sqlite ? "sqlite" : "postgresql", records_up));
}

/* What is seen of the outbox on this server; unknown while Redis is away. */
static json_t *outbox_json(const struct stats *stats)
{
    if (stats->settings.config->redis_url == NULL ||
        atomic_load(&stats->settings.readiness->sessions_down) > 0)
        return json_null();
    return json_pack("{s:o, s:o}", "length", count(metrics_gauge(METRIC_OUTBOX_LENGTH)),
                     "oldest_seconds", count(metrics_gauge(METRIC_OUTBOX_AGE)));
}

json_t *stats_json(const struct stats *stats)
{
    const struct stats_settings *settings = &stats->settings;
    json_t *today = NULL;
    json_t *days = days_json(stats, &today);
    json_t *json =
        json_pack("{s:o, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "as_of",
                  time_text(stats->as_of_s), "time_zone", settings->config->time_zone, "days",
                  (int)stats->days, "service", settings->config->app_name, "version",
                  PROGRAM_VERSION, "flow", flow_json(settings->counting->flow), "totals",
                  totals_json(stats), "today", today, "by_day", days, "stores", stores_json(stats));

    if (json == NULL)
        return NULL;
    counters_put(stats, json);
    if (settings->readiness != NULL) {
        json_object_set_new(json, "uptime_seconds",
                            json_integer((clock_monotonic_ms() - settings->started_ms) / 1000));
        json_object_set_new(json, "outbox", outbox_json(stats));
    }
    return json;
}
