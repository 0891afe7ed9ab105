/* A probe on the sessions' own link, each time that it is connected, and while Redis refuses. */
#include "store/sessions/health.h"
#include "store/base/container_of.h"
#include "store/redis/error.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static const struct timeval retry_after = {1, 0};

extern const struct redis_script session_save_script;

static const struct redis_step steps[] = {
    {"sessions", &session_save_script, 2, {"%:m", "%", "", "probe", "10000", "probe", "10000"}},
    {"sessions", &session_save_script, 2, {"%:m", "%", "probe", "", "", "", ""}},
    {"sessions", .words = {"MGET", "%", "%:m"}},
    {"sessions", .words = {"DEL", "%", "%:m"}},
    {0},
};

static void health_tell(struct session_health *health, bool up, const char *line)
{
    health->serves = up;
    if (strcmp(line, health->told) == 0)
        return;
    snprintf(health->told, sizeof health->told, "%s", line);
    if (health->watch.changed != NULL)
        health->watch.changed(health->watch.arg, up, line);
}

static void health_refuse(struct session_health *health, enum redis_refusal refusal,
                          const char *words)
{
    char line[ERROR_MAX];

    health->found.refusal = refusal;
    redis_link_describe(health->probe.lane.link, words, line);
    if (!event_pending(health->retry, EV_TIMEOUT, NULL)) /* others are refused all the time */
        event_add(health->retry, &retry_after);
    health_tell(health, false, line);
}

void session_health_refused(struct session_health *health, const char *error)
{
    char words[ERROR_MAX];

    redis_error_write(words, "sessions", error);
    if (redis_lane_up(&health->probe.lane))
        health_refuse(health, redis_error_refusal(error), words);
}

static void health_serve(struct session_health *health)
{
    char line[ERROR_MAX];

    event_del(health->retry);
    health->found = health->probe.health;
    redis_link_describe(health->probe.lane.link, "connected", line);
    health_tell(health, true, line);
}

/* Why replicas have not got it was told to session_health_refused. */
static void on_replicated(struct store_ticket *ticket)
{
    struct session_health *health = container_of(ticket, struct session_health, replicated);

    health->waits = false;
    if (ticket->status == STORE_OK)
        health_serve(health);
}

/* A link that is down tells so itself. */
static void on_probed(struct redis_probe *probe)
{
    struct session_health *health = container_of(probe, struct session_health, probe);

    if (!redis_lane_up(&probe->lane))
        return;
    if (probe->status == STORE_REFUSED) {
        health_refuse(health, probe->health.refusal, probe->words);
    } else if (probe->status == STORE_DOWN) {
        event_add(health->retry, &retry_after);
    } else if (health->replicas->settings.wanted == 0) {
        health_serve(health);
    } else if (!health->waits) {
        health->waits = true;
        redis_replicas_await(health->replicas, &health->replicated);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct session_health *health = arg;

    (void)fd;
    (void)what;
    if (health->found.refusal != REDIS_LACKS_REPLICAS || !redis_link_doubt(health->probe.lane.link))
        redis_probe_start(&health->probe);
}

static void on_link(void *arg, bool up, const char *line)
{
    struct session_health *health = arg;

    event_del(health->retry);
    if (up) {
        redis_probe_start(&health->probe);
    } else {
        health->found.refusal =
            redis_link_foreign(health->probe.lane.link) ? REDIS_IS_FOREIGN : REDIS_SERVES;
        health_tell(health, false, line);
    }
}

int session_health_start(struct session_health *health, struct redis_link *link,
                         struct redis_replicas *replicas, const struct store_watch *watch)
{
    *health = (struct session_health){.probe = {.steps = steps, .done = on_probed},
                                      .replicas = replicas,
                                      .replicated.done = on_replicated};
    if (watch != NULL)
        health->watch = *watch;
    health->retry = evtimer_new(redis_link_base(link), on_retry, health);
    if (health->retry == NULL)
        return -1;
    redis_lane_join(&health->probe.lane, link, 1, &(struct store_watch){on_link, health});
    if (redis_lane_up(&health->probe.lane))
        redis_probe_start(&health->probe);
    return 0;
}

void session_health_stop(struct session_health *health)
{
    redis_lane_leave(&health->probe.lane);
    if (health->retry != NULL)
        event_free(health->retry);
}
