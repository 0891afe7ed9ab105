/* INFO, CONFIG GET save (who may not ask goes without), then the steps. */
#include "store/redis/probe.h"
#include "store/base/random_name.h"
#include "store/redis/error.h"
#include "store/redis/survey.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_INFO, ASK_SAVE, FIRST_STEP };

static const struct redis_step questions[] = {
    [ASK_INFO] = {"INFO", .words = {"INFO"}},
    [ASK_SAVE] = {"CONFIG", .words = {"CONFIG", "GET", "save"}},
};

static void probe_send(struct redis_probe *probe);

static const struct redis_step *step_now(const struct redis_probe *probe)
{
    return probe->at < FIRST_STEP ? &questions[probe->at] : &probe->steps[probe->at - FIRST_STEP];
}

static bool is_last(const struct redis_step *step)
{
    return step[1].what == NULL;
}

static void probe_end(struct redis_probe *probe, enum store_status status)
{
    free(probe->info);
    probe->info = NULL;
    probe->under_way = false;
    probe->status = status;
    probe->done(probe);
}

/* INFO is kept until it is known whether snapshots are written. */
static void question_answered(struct redis_probe *probe, const struct redisReply *reply)
{
    const char *save = NULL;

    if (probe->at == ASK_INFO && reply->type == REDIS_REPLY_STRING)
        probe->info = strdup(reply->str);
    if (probe->at != ASK_SAVE)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        save = reply->element[1]->str;
    redis_survey_read(&probe->health.survey, probe->info, save);
}

/* Goes on to what comes next: after a refusal, to clearing away. */
static void step_answered(struct redis_probe *probe, const struct redisReply *reply)
{
    const struct redis_step *step = step_now(probe);
    const bool refused = reply->type == REDIS_REPLY_ERROR;

    if (refused && probe->words[0] == '\0') {
        redis_error_write(probe->words, step->what, reply->str);
        probe->health.refusal = redis_error_refusal(reply->str);
    }
    if (reply->type == REDIS_REPLY_INTEGER && !is_last(step))
        probe->number = reply->integer;
    if (refused && !is_last(step))
        while (!is_last(step_now(probe) + 1))
            probe->at++;
}

static void on_reply(const struct redisReply *reply, void *arg)
{
    struct redis_probe *probe = arg;

    if (reply == NULL) {
        probe_end(probe, STORE_DOWN);
        return;
    }
    if (probe->at < FIRST_STEP)
        question_answered(probe, reply);
    else
        step_answered(probe, reply);
    if (probe->at >= FIRST_STEP && is_last(step_now(probe))) {
        probe_end(probe, probe->words[0] == '\0' ? STORE_OK : STORE_REFUSED);
        return;
    }
    probe->at++;
    probe_send(probe);
}

static void probe_send(struct redis_probe *probe)
{
    const struct redis_step *step = step_now(probe);
    char names[REDIS_STEP_WORDS][sizeof probe->name + 8];
    const char *argv[REDIS_STEP_WORDS];
    int argc = 0;

    for (; argc < REDIS_STEP_WORDS && step->words[argc] != NULL; argc++) {
        argv[argc] = step->words[argc];
        if (*argv[argc] == '%') {
            snprintf(names[argc], sizeof names[argc], "%s%s", probe->name, argv[argc] + 1);
            argv[argc] = names[argc];
        }
    }
    const enum store_status status =
        step->script != NULL ? redis_lane_run(&probe->lane, step->script, step->key_count, argc,
                                              argv, NULL, on_reply, probe)
                             : redis_lane_send(&probe->lane, argc, argv, NULL, on_reply, probe);
    if (status != STORE_LATER)
        probe_end(probe, STORE_DOWN);
}

void redis_probe_start(struct redis_probe *probe)
{
    char unique[17] = "";

    if (probe->under_way)
        return;
    probe->under_way = true;
    probe->at = 0;
    probe->words[0] = '\0';
    probe->health = (struct redis_health){0};
    probe->number = 0;
    (void)random_name(unique, sizeof unique);
    snprintf(probe->name, sizeof probe->name, REDIS_PROBE_PREFIX "%s", unique);
    probe_send(probe);
}
