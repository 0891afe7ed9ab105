/* Attaches a worker to the stores and listens to what they tell. */
#include "server/serving/stores.h"

#include "server/serving/redis_advice.h"
#include "server/serving/setup.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/counters.h"
#include "store/marks.h"
#include "store/outbox.h"
#include "store/records.h"
#include "store/redis.h"
#include "store/sessions.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Entries on their way into the outbox at once. */
#define OUTBOX_IN_FLIGHT_MAX 4096

static void store_state_set(struct store_state *state, bool down)
{
    if (down != state->down)
        atomic_fetch_add(state->workers_down, down ? 1u : -1u);
    state->down = down;
}

static void on_changed(void *arg, bool up, const char *why)
{
    struct store_state *state = arg;

    store_state_set(state, !up);
    if (up)
        log_write(LOG_INFO, state->event_up, log_text("detail", why));
    else
        log_write(LOG_ERROR, state->event_down, log_text("reason", why));
}

/* A store is of another salt or flow: everybody would get another code than before. The process
 * comes to its end as by SIGTERM, with a code by which a service manager does not start it again.
 */
static void on_foreign(void *arg, const char *why)
{
    struct stores *stores = arg;

    if (atomic_exchange(&stores->readiness->foreign, true))
        return;
    log_write(LOG_CRITICAL, "stores_of_another_salt", log_text("reason", why),
              log_text("advice",
                       "nothing is served any more, and the server stops with code 3: put "
                       "UIC_SALT and FLOW_FILE right, or DATABASE_URL and REDIS_URL; see "
                       "docs/operations.md"));
    kill(getpid(), SIGTERM);
}

/* Nobody's code changes by it: we go on, and /ready with us. */
static void on_mark_mended(void *arg)
{
    (void)arg;
    log_write(LOG_CRITICAL, "redis_mark_overwritten",
              log_text("reason", "uic:marks said another salt or flow, in a Redis that is ours"),
              log_text("advice",
                       "it was put right, and nothing else is lost: find out who writes to this "
                       "Redis, another programme or an intruder; see docs/threats.md"));
}

static void on_records_changed(void *arg, bool up, const char *why)
{
    struct stores *stores = arg;

    if (record_store_foreign(stores->record_store))
        on_foreign(stores, why);
    on_changed(&stores->records_state, up, why);
}

/* Once for all workers, and again when it changes. */
static void tell_risks(struct stores *stores)
{
    const struct redis_health *health = session_link_health(stores->sessions);
    const struct redis_advice *advice;
    unsigned risks = 0;

    for (unsigned i = 0; i < REDIS_RISKS; i++)
        if (redis_risk(i, &health->survey, stores->outbox_replicas) != NULL)
            risks |= 1u << i;
    if (atomic_exchange(&stores->readiness->redis_risks, risks) == risks)
        return;
    for (unsigned i = 0; i < REDIS_RISKS; i++)
        if ((advice = redis_risk(i, &health->survey, stores->outbox_replicas)) != NULL)
            log_write(i == REDIS_EVICTS ? LOG_ERROR : LOG_WARNING, "redis_may_lose",
                      log_text("advice", advice->english));
}

static void on_sessions_changed(void *arg, bool up, const char *why)
{
    struct stores *stores = arg;
    const enum redis_refusal refusal = session_link_health(stores->sessions)->refusal;

    atomic_store(&stores->readiness->redis_refusal, (unsigned)refusal);
    if (refusal == REDIS_IS_FOREIGN)
        on_foreign(stores, why);
    if (up || refusal == REDIS_SERVES) {
        on_changed(&stores->sessions_state, up, why);
        if (up)
            tell_risks(stores);
        return;
    }
    store_state_set(&stores->sessions_state, true);
    log_write(LOG_ERROR, stores->sessions_state.event_down, log_text("reason", why),
              log_text("advice", redis_advice(refusal)->english));
}

static void on_committed(void *arg, size_t claims, int64_t took_us)
{
    (void)arg;
    metrics_observe(METRIC_COMMIT, took_us);
    metrics_observe(METRIC_COMMIT_CLAIMS, (int64_t)claims);
}

static void on_claim_refused(void *arg, const char *why)
{
    (void)arg;
    log_write(LOG_WARNING, "record_refused", log_text("reason", why));
}

static void on_outbox_length(void *arg, uint64_t length, int64_t oldest_age_ms)
{
    struct stores *stores = arg;
    bool alarmed = length > stores->outbox_alarm;

    metrics_set(METRIC_OUTBOX_LENGTH, length);
    metrics_set(METRIC_OUTBOX_AGE, length > 0 ? (uint64_t)oldest_age_ms / 1000 : 0);
    if (alarmed && !stores->outbox_alarmed)
        log_write(LOG_ERROR, "outbox_long", log_number("records", (int64_t)length),
                  log_number("alarm", (int64_t)stores->outbox_alarm),
                  log_number("oldest_s", oldest_age_ms / 1000));
    if (!alarmed && stores->outbox_alarmed)
        log_write(LOG_INFO, "outbox_short_again", log_number("records", (int64_t)length));
    stores->outbox_alarmed = alarmed;
}

static void on_outbox_written(void *arg)
{
    (void)arg;
    metrics_add(METRIC_OUTBOX_WRITTEN, 1);
}

static void on_outbox_refused(void *arg, const char *why)
{
    (void)arg;
    metrics_add(METRIC_OUTBOX_REFUSED, 1);
    log_write(LOG_CRITICAL, "outbox_record_refused", log_text("reason", why));
}

static void on_outbox_dropped(void *arg, const char *why)
{
    (void)arg;
    metrics_add(METRIC_OUTBOX_DROPPED, 1);
    log_write(LOG_WARNING, "outbox_record_dropped", log_text("reason", why));
}

/* They may stay for long: one line when there are some, and one when there are none. */
static void on_outbox_foreign(void *arg, uint64_t entries)
{
    struct stores *stores = arg;
    const bool some = entries > 0;

    metrics_set(METRIC_OUTBOX_FOREIGN, entries);
    if (some && !stores->outbox_foreign)
        log_write(LOG_ERROR, "outbox_of_another_salt", log_number("records", (int64_t)entries),
                  log_text("advice", "they wait for an instance that has their salt, or a later "
                                     "version: see whatsapp-uic outbox --show"));
    if (!some && stores->outbox_foreign)
        log_write(LOG_INFO, "outbox_of_another_salt_gone");
    stores->outbox_foreign = some;
}

/* Logged when it changes, counted each time. */
static void on_outbox_replicated(void *arg, size_t entries, const char *why_not)
{
    struct stores *stores = arg;
    const bool in_time = why_not == NULL;

    if (!in_time)
        metrics_add(METRIC_OUTBOX_UNREPLICATED, entries);
    if (!in_time && !stores->outbox_short)
        log_write(LOG_ERROR, "outbox_replicas_missing",
                  log_number("wanted", (int64_t)stores->outbox_replicas),
                  log_text("reason", why_not));
    if (in_time && stores->outbox_short)
        log_write(LOG_INFO, "outbox_replicas_back");
    stores->outbox_short = !in_time;
}

static int attach_outbox(struct stores *stores, const struct stores_settings *settings,
                         struct event_base *base, const struct redis_links *redis,
                         char error[ERROR_MAX])
{
    const struct config *config = &settings->setup->config;
    const struct outbox_watch watch = {on_outbox_length,
                                       on_outbox_written,
                                       on_outbox_refused,
                                       on_outbox_dropped,
                                       on_outbox_foreign,
                                       on_outbox_replicated,
                                       stores};
    struct outbox_settings outbox = {
        .keys = settings->outbox_keys,
        .in_flight_max = OUTBOX_IN_FLIGHT_MAX,
        .length_max = config->outbox_max,
        .length_alarm = config->outbox_alarm,
        .replicas = config->outbox_replicas,
        .drain = settings->drain_outbox,
    };

    memcpy(outbox.erased_key, settings->setup->keys.record_erased, OUTBOX_ERASED_KEY_SIZE);
    stores->outbox_alarm = config->outbox_alarm;
    stores->outbox = outbox_attach(&outbox, base, redis->patient, stores->records, &watch, error);
    return stores->outbox != NULL ? 0 : -1;
}

static int keep_mark(struct stores *stores, const struct stores_settings *settings,
                     struct event_base *base, const struct redis_links *redis)
{
    const struct marks_settings marks = {settings->mark, settings->records, settings->redis_is_ours,
                                         on_foreign,     on_mark_mended,    stores};

    stores->marks = marks_keep(&marks, base, redis->patient);
    return stores->marks != NULL ? 0 : -1;
}

static int attach_all(struct stores *stores, const struct stores_settings *settings,
                      struct event_base *base, const struct redis_links *redis,
                      char error[ERROR_MAX])
{
    const struct store_watch sessions_watch = {on_sessions_changed, stores};
    const struct store_watch records_watch = {on_records_changed, stores};
    const struct record_commit_watch commit_watch = {on_committed, NULL, on_claim_refused};

    stores->sessions = session_attach(settings->sessions, redis->prompt, &sessions_watch, error);
    if (stores->sessions == NULL)
        return -1;
    stores->records = record_attach(settings->records, base, &records_watch, error);
    if (stores->records == NULL)
        return -1;
    record_watch_commits(stores->records, &commit_watch);
    stores->counters = counters_attach(settings->counters, base, redis->prompt, NULL, error);
    if (stores->counters == NULL)
        return -1;
    store_state_set(&stores->sessions_state, !session_link_up(stores->sessions));
    store_state_set(&stores->records_state, !record_link_up(stores->records));
    if (redis->patient == NULL)
        return 0;
    if (attach_outbox(stores, settings, base, redis, error) != 0)
        return -1;
    return settings->drain_outbox ? keep_mark(stores, settings, base, redis) : 0;
}

int stores_attach(struct stores *stores, const struct stores_settings *settings,
                  struct event_base *base, const struct redis_links *redis, char error[ERROR_MAX])
{
    *stores = (struct stores){
        .sessions_state = {"sessions_up", "sessions_down", false,
                           &settings->readiness->sessions_down},
        .records_state = {"records_up", "records_down", false, &settings->readiness->records_down},
        .readiness = settings->readiness,
        .record_store = settings->records,
        .outbox_replicas = settings->setup->config.outbox_replicas,
    };
    return attach_all(stores, settings, base, redis, error);
}

void stores_detach(struct stores *stores)
{
    marks_leave(stores->marks);
    if (stores->outbox != NULL)
        outbox_detach(stores->outbox);
    if (stores->records != NULL)
        record_detach(stores->records);
    counters_detach(stores->counters);
    if (stores->sessions != NULL)
        session_detach(stores->sessions);
}
