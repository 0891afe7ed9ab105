/* A worker's life: create, start, stop, join, free. */
#include "server/serving/worker.h"

#include "server/admin/authentication.h"
#include "server/admin/login.h"
#include "server/admin/stats_handler.h"
#include "server/channels/meta/meta.h"
#include "server/exchange/exchange.h"
#include "server/http/http.h"
#include "server/http/throttle.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include "server/serving/backup_watch.h"
#include "server/serving/channels.h"
#include "server/serving/duplicates.h"
#include "server/serving/limits.h"
#include "server/serving/retention.h"
#include "server/serving/routes.h"
#include "server/serving/setup.h"
#include "server/telemetry/log.h"
#include "store/base/clock.h"
#include "store/counters.h"
#include "store/redis.h"
#include "store/revocations.h"
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long a stopping worker waits for what is in flight, and how often it looks. */
#define DRAIN_MS 10000
#define DRAIN_STEP_MS 20

struct worker {
    pthread_t thread;
    struct event_base *base;
    struct redis_links redis;
    struct stores stores;
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    struct retention *retention;   /* NULL: another worker's task, or nobody's */
    struct backup_watch *backup;   /* NULL: another worker's task */
    struct duplicates *duplicates; /* the same */
    struct exchange_service *exchanges;
    struct channels channels;
    struct access *access;
    struct throttle *throttle;
    struct revocations_link *revocations;
    struct authentication *authentication;
    struct login *login;
    struct stats_handler *stats;
    struct http *http;
    struct routes routes;
    int stop_fd; /* eventfd: worker_stop writes, the loop reads */
    struct event *on_stop;
    struct event *on_drain;
    struct event *on_turn;
    atomic_bool turned;
    int64_t listen_end_ms; /* of a stopping worker: no new connections from then on */
    int64_t drain_end_ms;
};

/* No locks: only the worker's own thread touches its loop. */
static struct event_base *base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;
    bool done = exchange_in_flight(worker->exchanges) == 0 && http_is_idle(worker->http) &&
                channels_at_rest(&worker->channels) && counters_settle(worker->stores.counters);

    (void)fd;
    (void)what;
    if (clock_monotonic_ms() < worker->listen_end_ms)
        return;
    http_stop_listening(worker->http);
    channels_rest(&worker->channels);
    if (done || clock_monotonic_ms() >= worker->drain_end_ms)
        event_base_loopexit(worker->base, NULL);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval interval = clock_timeval(DRAIN_STEP_MS);
    struct worker *worker = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0)
        return;
    worker->listen_end_ms = clock_monotonic_ms();
    if (!atomic_load(&worker->stores.readiness->foreign))
        worker->listen_end_ms += worker->routes.config->stop_delay_seconds * 1000;
    worker->drain_end_ms = worker->listen_end_ms + DRAIN_MS;
    worker->routes.scrape.draining = true;
    http_drain(worker->http);
    event_add(worker->on_drain, &interval);
    on_drain(-1, 0, worker);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;

    (void)fd;
    (void)what;
    atomic_store(&worker->turned, true);
}

static int start_turning(struct worker *worker, unsigned ms)
{
    const struct timeval interval = clock_timeval(ms);

    if (ms == 0)
        return 0;
    worker->on_turn = event_new(worker->base, -1, EV_PERSIST, on_turn, worker);
    return worker->on_turn != NULL ? event_add(worker->on_turn, &interval) : -1;
}

/* The connections to Redis, and what is kept there and elsewhere. Returns 0, or -1 with error. */
static int open_stores(struct worker *worker, const struct stores_settings *settings,
                       char error[ERROR_MAX])
{
    if (redis_links_open(&worker->redis, worker->base, settings->redis, error) != 0)
        return -1;
    return stores_attach(&worker->stores, settings, worker->base, &worker->redis, error);
}

/* What one worker of the instance does for all. */
static int start_tasks(struct worker *worker, const struct stores_settings *settings)
{
    struct record_link *records = worker->stores.records;
    const unsigned days = settings->setup->config.retention_days;

    if (!settings->drain_outbox)
        return 0;
    worker->backup = backup_watch_create(worker->base, records);
    worker->duplicates = duplicates_create(worker->base, records, settings->setup->flow);
    if (days > 0)
        worker->retention = retention_create(worker->base, records, days);
    return worker->backup != NULL && worker->duplicates != NULL &&
                   (days == 0 || worker->retention != NULL)
               ? 0
               : -1;
}

static int start_exchanges(struct worker *worker, const struct worker_settings *shared)
{
    const struct setup *setup = shared->stores.setup;
    const struct config *config = &setup->config;
    const struct exchange_settings settings = {
        .base = worker->base,
        .hashes = worker->hashes,
        .numbers = worker->numbers,
        .flow = setup->flow,
        .salt = config->uic_salt,
        .sessions = worker->stores.sessions,
        .records = worker->stores.records,
        .replies = channels_replies(&worker->channels),
        .outbox = worker->stores.outbox,
        .foreign = &shared->stores.readiness->foreign,
        .quota = shared->limits->quota,
        .counting = shared->counting,
        .counters = worker->stores.counters,
        .in_flight_max = (config->max_in_flight + config->workers - 1) / config->workers,
        .deadline_ms = EXCHANGE_DEADLINE_MS,
    };

    worker->exchanges = exchange_service_create(&settings);
    return worker->exchanges != NULL ? 0 : -1;
}

/* The channels, and the exchanges that they begin. Returns 0, or -1 with error. */
static int start_channels(struct worker *worker, const struct worker_settings *shared,
                          char error[ERROR_MAX])
{
    struct channels_settings settings = {
        .setup = shared->stores.setup,
        .base = worker->base,
        .replies = shared->replies,
        .redis = &worker->redis,
        .clock = shared->meta_clock,
        .sessions = worker->stores.sessions,
        .records = worker->stores.records,
        .counters = worker->stores.counters,
    };

    settings.hashes = worker->hashes = keyed_hashes_create(&settings.setup->keys);
    settings.numbers = worker->numbers =
        phone_numbers_create(&settings.setup->keys, settings.setup->config.phone_numbers_sealed);
    if (worker->hashes == NULL || worker->numbers == NULL ||
        channels_open_sender(&worker->channels, &settings, error) != 0 ||
        start_exchanges(worker, shared) != 0)
        return -1;
    settings.exchanges = worker->exchanges;
    return channels_open(&worker->channels, &settings);
}

/* Who gets in, and how often somebody may try. Returns 0, or -1 with error. */
static int start_login(struct worker *worker, const struct worker_settings *shared)
{
    const struct config *config = &shared->stores.setup->config;

    worker->access = access_create(config->admin_token);
    worker->throttle = throttle_create(worker->base, shared->limits->throttle_table);
    if (worker->access == NULL || worker->throttle == NULL)
        return -1;
    worker->revocations = revocations_attach(shared->revocations, worker->redis.prompt);
    if (worker->revocations == NULL)
        return -1;
    worker->authentication = authentication_create(
        &(struct authentication_settings){worker->access, worker->throttle, worker->revocations});
    if (worker->authentication == NULL)
        return -1;
    worker->login = login_create(
        &(struct login_settings){worker->access, worker->authentication, worker->throttle}, config);
    return worker->login != NULL ? 0 : -1;
}

static int start_administration(struct worker *worker, const struct worker_settings *shared)
{
    const struct config *config = &shared->stores.setup->config;
    const struct stats_settings stats = {
        .base = worker->base,
        .config = config,
        .counting = shared->counting,
        .counters = worker->stores.counters,
        .records = worker->stores.records,
        .readiness = shared->stores.readiness,
        .instance = shared->instance,
        .started_ms = shared->started_ms,
    };

    worker->stats = stats_handler_create(&stats);
    return worker->stats != NULL ? start_login(worker, shared) : -1;
}

static int start_http(struct worker *worker, const struct worker_settings *settings,
                      char error[ERROR_MAX])
{
    const struct config *config = &settings->stores.setup->config;
    const struct connection_limits limits = {
        .request = {.head_max = config->max_head_bytes,
                    .target_max = config->max_url_bytes,
                    .body_max = config->max_body_bytes,
                    .large_path = config_has_meta(config) ? META_PATH : NULL,
                    .large_body_max = META_BODY_MAX},
        .connections_max =
            (settings->limits->connections_max + config->workers - 1) / config->workers,
        .clients = settings->limits->clients,
        .tls = settings->tls,
        .head_ms = config->head_timeout_seconds * 1000,
        .body_ms = config->body_timeout_seconds * 1000,
        .idle_ms = config->idle_timeout_seconds * 1000,
    };

    worker->routes = (struct routes){
        .config = config,
        .twilio = worker->channels.twilio,
        .meta = worker->channels.meta,
        .simulator = worker->channels.simulator,
        .authentication = worker->authentication,
        .throttle = worker->throttle,
        .login = worker->login,
        .stats = worker->stats,
        .scrape = {.config = config,
                   .flow = settings->stores.setup->flow,
                   .throttle = worker->throttle,
                   .readiness = settings->stores.readiness},
    };
    const struct http_address address = {config->host, config->port, settings->listen_fd};
    worker->http =
        http_create(worker->base, &address, &limits, routes_handle, &worker->routes, error);
    return worker->http != NULL ? 0 : -1;
}

static int start_stop_signal(struct worker *worker)
{
    worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->stop_fd < 0)
        return -1;
    worker->on_stop =
        event_new(worker->base, worker->stop_fd, EV_READ | EV_PERSIST, on_stop, worker);
    worker->on_drain = event_new(worker->base, -1, EV_PERSIST, on_drain, worker);
    if (worker->on_stop == NULL || worker->on_drain == NULL)
        return -1;
    return event_add(worker->on_stop, NULL);
}

struct worker *worker_create(const struct worker_settings *settings, char error[ERROR_MAX])
{
    struct worker *worker = calloc(1, sizeof *worker);

    snprintf(error, ERROR_MAX, "out of memory");
    if (worker == NULL)
        return NULL;
    worker->stop_fd = -1;
    worker->base = base_create();
    if (worker->base == NULL)
        goto failed;
    if (open_stores(worker, &settings->stores, error) != 0)
        goto failed;
    if (start_tasks(worker, &settings->stores) != 0 ||
        start_channels(worker, settings, error) != 0 ||
        start_administration(worker, settings) != 0 || start_stop_signal(worker) != 0 ||
        start_turning(worker, settings->turn_ms) != 0)
        goto failed;
    if (start_http(worker, settings, error) != 0)
        goto failed;
    return worker;
failed:
    worker_free(worker);
    return NULL;
}

static void *worker_run(void *arg)
{
    struct worker *worker = arg;

    event_base_dispatch(worker->base);
    return NULL;
}

int worker_start(struct worker *worker)
{
    return pthread_create(&worker->thread, NULL, worker_run, worker) == 0 ? 0 : -1;
}

bool worker_turned(const struct worker *worker)
{
    return atomic_load(&worker->turned);
}

void worker_turn_again(struct worker *worker)
{
    atomic_store(&worker->turned, false);
}

void worker_stop(struct worker *worker)
{
    const uint64_t one = 1;

    while (write(worker->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    /* Claims and loads that still wait finish here, so before what they answer through goes. */
    if (worker->exchanges != NULL)
        exchange_service_stop(worker->exchanges);
    stats_handler_stop(worker->stats);
    throttle_free(worker->throttle);
    revocations_detach(worker->revocations);
    stores_detach(&worker->stores);
    stats_handler_free(worker->stats);
    channels_free(&worker->channels);
    redis_links_close(&worker->redis);
    retention_free(worker->retention);
    backup_watch_free(worker->backup);
    duplicates_free(worker->duplicates);
    login_free(worker->login);
    authentication_free(worker->authentication);
    access_free(worker->access);
    exchange_service_free(worker->exchanges);
    keyed_hashes_free(worker->hashes);
    phone_numbers_free(worker->numbers);
    http_free(worker->http);
    if (worker->on_stop != NULL)
        event_free(worker->on_stop);
    if (worker->on_drain != NULL)
        event_free(worker->on_drain);
    if (worker->on_turn != NULL)
        event_free(worker->on_turn);
    if (worker->stop_fd >= 0)
        close(worker->stop_fd);
    if (worker->base != NULL)
        event_base_free(worker->base);
    free(worker);
}
