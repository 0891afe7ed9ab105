/*
 * Tries Redis: asks it about itself, then takes steps one after the other, under a name that nobody
 * else has, until one is refused.
 *
 *     redis_lane_join(&probe.lane, link, 1, &watch);
 *     probe.steps = steps; probe.done = on_done;
 *     redis_probe_start(&probe);            when the lane is up; done is called once
 *     redis_lane_leave(&probe.lane);        done is called from here if it is still to be
 */
#ifndef STORE_REDIS_PROBE_H
#define STORE_REDIS_PROBE_H

#include "store/health.h"
#include "store/redis/link.h"

#define REDIS_PROBE_PREFIX "uic:probe:"
#define REDIS_STEP_WORDS 14

/* A command, or a script with its keys and arguments; a word that begins with "%" has the probe's
 * name in its place. */
struct redis_step {
    const char *what; /* for whom it is tried; NULL ends the steps */
    const struct redis_script *script;
    unsigned key_count;
    const char *words[REDIS_STEP_WORDS];
};

struct redis_probe {
    struct redis_lane lane;
    const struct redis_step *steps; /* the last one clears away, and is always taken */
    void (*done)(struct redis_probe *probe);
    /* Found: STORE_OK, STORE_REFUSED with Redis's words, STORE_DOWN. */
    enum store_status status;
    char words[ERROR_MAX];
    struct redis_health health;
    long long number; /* of the last answer that was one, before clearing away */
    /* The probe's own: */
    bool under_way;
    int at;
    char name[32];
    char *info;
};

/* Does nothing while it is under way. */
void redis_probe_start(struct redis_probe *probe);

#endif
