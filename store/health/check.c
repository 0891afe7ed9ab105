/* Tries with every command that the stores give Redis, once each, whether it may serve them. */
#include "store/base/container_of.h"
#include "store/health.h"
#include "store/redis.h"
#include "store/redis/probe.h"

#include <stdio.h>
#include <string.h>

extern const struct redis_script counters_flush_script, counters_read_script;
extern const struct redis_script outbox_put_script, outbox_take_script, outbox_settle_script,
    outbox_erase_script, outbox_forget_script;
extern const struct redis_script replies_put_script, replies_take_script, replies_settle_script,
    replies_erase_script;
extern const struct redis_script session_save_script;

/* For a replica to say that it has a record. */
#define WAIT_MS "2000"

struct checking {
    struct redis_probe probe;
    bool done;
};

static void on_probed(struct redis_probe *probe)
{
    container_of(probe, struct checking, probe)->done = true;
}

/* What has no time to live is given one as soon as it is there. An id that nobody has ("0-1") makes
 * a script look, acknowledge and delete in vain; a lease that ended at "0" is held by who has none.
 * WAIT answers the last number before clearing away. */
int redis_health_check(const char *url, unsigned deadline_ms, unsigned replicas,
                       struct redis_health *health, unsigned *acknowledged, char error[ERROR_MAX])
{
    char wanted[16];
    struct redis_step steps[] = {
        {"sessions", &session_save_script, 2, {"%:m", "%", "", "probe", "10000", "probe", "10000"}},
        {"sessions", .words = {"MGET", "%", "%:m"}},
        {"ended visits", .words = {"SET", "%", "1", "EX", "10"}},
        {"ended visits", .words = {"EXISTS", "%"}},
        {"counters",
         &counters_flush_script,
         3,
         {"%:c", "%:i", "%:d", "1", "probe", "10000", "10", "1", "probe", "1"}},
        {"counters", &counters_read_script, 2, {"%:i", "%:d", "10000", "1", "1", "1", "probe"}},
        {"replies",
         &replies_put_script,
         1,
         {"%:r", "who", "key", "pro", "probe", "9", "10000", "1"}},
        {"replies", .words = {"PEXPIRE", "%:r:of:who", "10000"}},
        {"replies", .words = {"PEXPIRE", "%:r:due", "10000"}},
        {"replies", .words = {"PEXPIRE", "%:r:ages", "10000"}},
        {"replies", &replies_take_script, 1, {"%:r", "1", "1", "1"}},
        {"replies", .words = {"DEL", "%:r:due", "%:r:clock"}},
        {"replies", &replies_settle_script, 1, {"%:r", "who", "0", "pro", "1", "be", "0", "1", ""}},
        {"replies", .words = {"PEXPIRE", "%:r:due", "10000"}},
        {"replies", &replies_settle_script, 1, {"%:r", "who", "0", "pro", "", "be", "9", "1", "1"}},
        {"replies", .words = {"GET", "%:r:newest:who"}},
        {"replies", .words = {"LLEN", "%:r:of:who"}},
        {"replies", &replies_erase_script, 1, {"%:r", "who", "3"}},
        {"outbox", &outbox_put_script, 2, {"%:o", "%:n", "writers", "9", "probe"}},
        {"outbox", .words = {"PEXPIRE", "%:o", "10000"}},
        {"outbox", .words = {"PEXPIRE", "%:n", "10000"}},
        {"outbox",
         &outbox_take_script,
         2,
         {"%:o", "%:n", "writers", "probe", "1", "3600000", "9999"}},
        {"outbox", &outbox_settle_script, 3, {"%:o", "%:k", "%:n", "writers", "9", "0-1", ""}},
        {"outbox", &outbox_erase_script, 1, {"%:o", "writers", "0-1", ""}},
        {"outbox", &outbox_forget_script, 1, {"%:o", "writers", "3600000"}},
        {"outbox", .words = {"WAIT", wanted, WAIT_MS}},
        {"sessions", .words = {"DEL", "%", "%:m", "%:c", "%:i", "%:d", "%:r:put:key", "%:r:sent",
                               "%:o", "%:n"}},
        {0},
    };
    struct redis_step *const wait = &steps[sizeof steps / sizeof *steps - 3];
    struct checking checking = {.probe = {.steps = steps, .done = on_probed}};
    struct redis_probe *probe = &checking.probe;

    *health = (struct redis_health){0};
    *acknowledged = 0;
    if (replicas == 0) /* who waits for none need not be allowed to */
        memmove(wait, wait + 1, 2 * sizeof *wait);
    snprintf(wanted, sizeof wanted, "%u", replicas);
    struct redis_call *call = redis_call_open(url, deadline_ms, error);
    if (call == NULL)
        return -1;
    redis_lane_join(&probe->lane, redis_call_link(call), 1, NULL);
    redis_probe_start(probe);
    while (!checking.done && redis_call_turn(call))
        continue;
    if (probe->status == STORE_REFUSED)
        redis_link_describe(redis_call_link(call), probe->words, error);
    else if (probe->status != STORE_OK)
        snprintf(error, ERROR_MAX, "Redis does not answer");
    *health = probe->health;
    *acknowledged = (unsigned)probe->number;
    redis_lane_leave(&probe->lane);
    redis_call_close(call);
    return probe->status == STORE_OK ? 0 : -1;
}
