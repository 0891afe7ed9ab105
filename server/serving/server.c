/* Starts and stops the server: stop is the reverse of start. */
#include "server/serving/server.h"

#include "server/channels/meta/clock.h"
#include "server/http/listening.h"
#include "server/http/tls.h"
#include "server/security/privilege.h"
#include "server/security/zeroing_allocator.h"
#include "server/serving/limits.h"
#include "server/serving/setup.h"
#include "server/serving/shared_stores.h"
#include "server/serving/worker.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/notify.h"
#include "server/telemetry/process.h"
#include "store/base/clock.h"
#include "store/records.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often, within the watchdog's time, workers give a sign of life and we look for it. */
#define WATCHDOG_LOOKS 4

struct server {
    const struct setup *setup;
    unsigned watchdog_ms; /* 0: nobody watches */
    struct limits limits;
    struct meta_clock meta_clock;
    struct tls *tls; /* NULL: none */
    struct listening listening;
    struct shared_stores stores;
    struct readiness readiness;
    struct worker **workers;
    unsigned created;
    unsigned started;
};

/* Threads inherit the mask, so signals wait for the main thread's sigwait. */
static void block_signals(sigset_t *stop)
{
    sigemptyset(stop);
    sigaddset(stop, SIGTERM);
    sigaddset(stop, SIGINT);
    sigaddset(stop, SIGHUP);
    pthread_sigmask(SIG_BLOCK, stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit fails like one to a full disk */
}

static void log_failure(const char *what, const char *reason)
{
    log_write(LOG_CRITICAL, "start_failed", log_text("what", what), log_text("reason", reason));
}

static int drop_privileges(const struct config *config)
{
    char error[ERROR_MAX] = "";
    int status = privilege_drop(config, error);

    if (status != 0)
        log_failure("RUN_AS_USER", error);
    return status;
}

/* A manager holds the port while we are away. Who connects while tables are made would wait for
 * minutes: then it is given up, so that another instance answers him. */
static int take_port(struct server *server)
{
    const struct config *config = &server->setup->config;
    struct listening *listening = &server->listening;
    char error[ERROR_MAX];
    const char *subject;

    if (listening_take(listening, config->host, config->port, &subject, error) != 0) {
        log_failure(subject, error);
        return -1;
    }
    if (listening->unused > 0)
        log_write(LOG_WARNING, "socket_not_used", log_number("count", listening->unused),
                  log_text("reason", "it is of another address than HOST and PORT"));
    if (listening->fd >= 0 && record_store_probe(config->database_url, error) != 0)
        listening_give_up(listening);
    return 0;
}

static int open_port(struct server *server)
{
    const struct config *config = &server->setup->config;
    char error[ERROR_MAX];
    const char *subject;
    int status = listening_open(&server->listening, config->host, config->port, &subject, error);

    if (status != 0)
        log_failure(subject, error);
    return status;
}

static int open_stores(struct server *server)
{
    char error[ERROR_MAX];
    const char *subject;

    const int status = shared_stores_open(&server->stores, server->setup, &subject, error);
    if (status == 0)
        return 0;
    atomic_store(&server->readiness.foreign, status == RECORD_DIFFERS);
    log_failure(subject, error);
    return -1;
}

static int open_tls(struct server *server)
{
    const struct config *config = &server->setup->config;
    char error[ERROR_MAX];

    if (config->tls_cert_file == NULL)
        return 0;
    server->tls = tls_open(config->tls_cert_file, config->tls_key_file, error);
    if (server->tls != NULL)
        return 0;
    log_failure("TLS", error);
    return -1;
}

static void reload_tls(struct tls *tls)
{
    char text[ERROR_MAX];

    if (tls == NULL) {
        log_write(LOG_INFO, "nothing_to_reload");
    } else if (tls_reload(tls, text) != 0) {
        log_write(LOG_ERROR, "tls_not_reloaded", log_text("reason", text));
    } else {
        tls_describe(tls, text);
        log_write(LOG_INFO, "tls_reloaded", log_text("until", text));
    }
}

static void reload(const struct server *server)
{
    notify_send("RELOADING=1");
    reload_tls(server->tls);
    notify_send("READY=1");
}

/* Tells the service manager that all is well, when every worker's loop has turned since the last
 * time. One that hangs keeps us silent, and the manager starts us again. */
static void feed_watchdog(const struct server *server)
{
    for (unsigned i = 0; i < server->started; i++)
        if (!worker_turned(server->workers[i]))
            return;
    for (unsigned i = 0; i < server->started; i++)
        worker_turn_again(server->workers[i]);
    notify_send("WATCHDOG=1");
}

/* Until a signal says that this is the end; returns it. */
static int wait_for_end(const struct server *server, const sigset_t *signals)
{
    const unsigned ms = server->watchdog_ms / WATCHDOG_LOOKS;
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

    for (;;) {
        int number = sigtimedwait(signals, NULL, ms > 0 ? &pause : NULL);
        if (number == SIGTERM || number == SIGINT)
            return number;
        if (number == SIGHUP)
            reload(server);
        if (ms > 0)
            feed_watchdog(server);
    }
}

static int start_workers(struct server *server)
{
    const unsigned count = server->setup->config.workers;
    struct worker_settings settings = {
        .stores = {.setup = server->setup,
                   .sessions = server->stores.sessions,
                   .records = server->stores.records,
                   .counters = server->stores.counters,
                   .redis = server->setup->config.redis_url != NULL ? &server->stores.redis : NULL,
                   .outbox_keys = server->stores.outbox_keys,
                   .mark = server->stores.mark,
                   .redis_is_ours = &server->stores.redis_is_ours,
                   .readiness = &server->readiness},
        .replies = server->stores.replies,
        .revocations = server->stores.revocations,
        .counting = &server->stores.counting,
        .instance = server->stores.instance,
        .started_ms = clock_monotonic_ms(),
        .limits = &server->limits,
        .meta_clock = &server->meta_clock,
        .tls = server->tls,
        .listen_fd = server->listening.fd,
        .turn_ms = server->watchdog_ms / WATCHDOG_LOOKS,
    };
    char error[ERROR_MAX];

    server->workers = calloc(count, sizeof(struct worker *));
    if (server->workers == NULL)
        return -1;
    for (; server->created < count; server->created++) {
        settings.stores.drain_outbox = server->created == 0;
        server->workers[server->created] = worker_create(&settings, error);
        if (server->workers[server->created] == NULL) {
            log_failure("worker", error);
            return -1;
        }
    }
    for (; server->started < count; server->started++) {
        if (worker_start(server->workers[server->started]) != 0) {
            log_failure("worker", "cannot start a thread");
            return -1;
        }
    }
    return 0;
}

static void measure_limits(const struct server *server)
{
    const struct config *config = &server->setup->config;

    metrics_set(METRIC_WORKERS, config->workers);
    metrics_set(METRIC_CONNECTIONS_LIMIT, server->limits.connections_max);
    metrics_set(METRIC_MESSAGES_IN_FLIGHT_LIMIT, config->max_in_flight);
}

static void stop_workers(struct server *server)
{
    for (unsigned i = 0; i < server->started; i++)
        worker_stop(server->workers[i]);
    for (unsigned i = 0; i < server->started; i++)
        worker_join(server->workers[i]);
    for (unsigned i = 0; i < server->created; i++)
        worker_free(server->workers[i]);
    free(server->workers);
}

static void log_started(const struct config *config)
{
    log_write(LOG_INFO, "server_started", log_text("version", PROGRAM_VERSION),
              log_text("environment", config->environment), log_text("host", config->host),
              log_number("port", config->port), log_number("workers", config->workers),
              log_text("sessions", config->redis_url != NULL ? "redis" : "memory"),
              log_text("tls", config->tls_cert_file != NULL ? "on" : NULL));
    if (config->twilio_auth_token == NULL && !config->production)
        log_write(LOG_WARNING, "webhook_open",
                  log_text("reason", "TWILIO_AUTH_TOKEN is not set: anybody can send messages"));
    if (config_has_meta(config) && config->redis_url == NULL)
        log_write(LOG_WARNING, "replies_in_memory",
                  log_text("reason", "REDIS_URL is not set: replies to Meta are lost when the "
                                     "server stops"));
}

int server_run(const struct setup *setup)
{
    struct server server = {
        .setup = setup, .watchdog_ms = notify_watchdog_ms(), .listening.fd = -1};
    const struct config *config = &setup->config;
    sigset_t stop;
    int code = 1;

    zeroing_allocator_start();
    process_started();
    meta_clock_init(&server.meta_clock);
    block_signals(&stop);
    if (drop_privileges(config) != 0 || log_start(config->log_level, config->log_json) != 0)
        return 1;
    if (take_port(&server) == 0 && open_stores(&server) == 0 && open_port(&server) == 0 &&
        limits_open(&server.limits, config) == 0 && open_tls(&server) == 0 &&
        start_workers(&server) == 0) {
        listening_leave(&server.listening); /* the workers have their own copies by now */
        measure_limits(&server);
        log_started(config);
        notify_send("READY=1");
        int signal_number = wait_for_end(&server, &stop);
        notify_send("STOPPING=1");
        log_write(LOG_INFO, "server_stopping",
                  log_text("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
        code = 0;
    }
    if (atomic_load(&server.readiness.foreign))
        code = SERVER_OTHER_SALT;
    listening_leave(&server.listening);
    stop_workers(&server);
    tls_close(server.tls);
    limits_close(&server.limits);
    shared_stores_close(&server.stores);
    log_write(LOG_INFO, "server_stopped", log_number("code", code));
    log_stop();
    return code;
}
