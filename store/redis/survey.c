/* INFO is lines "name:value"; a Redis without min-replicas-to-write leaves a line out. */
#include "store/redis/survey.h"

#include <stdlib.h>
#include <string.h>

/* What follows "name:" at the beginning of a line, or NULL. */
static const char *info_value(const char *info, const char *name)
{
    const size_t length = strlen(name);

    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1;
    }
    return NULL;
}

static int64_t info_number(const char *info, const char *name)
{
    const char *value = info_value(info, name);

    return value != NULL ? strtoll(value, NULL, 10) : 0;
}

/* Every session has a time to live, so that volatile-… takes them like allkeys-… */
static void read_eviction(struct redis_survey *survey, const char *info)
{
    const char *policy = info_value(info, "maxmemory_policy");
    const char *limit = info_value(info, "maxmemory");
    const size_t length = policy != NULL ? strcspn(policy, "\r\n") : 0;

    if (length == 0 || length >= sizeof survey->evicts ||
        strncmp(policy, "noeviction", length) == 0)
        return;
    if (strncmp(policy, "allkeys", 7) != 0 && (limit == NULL || *limit == '0'))
        return;
    memcpy(survey->evicts, policy, length);
}

void redis_survey_read(struct redis_survey *survey, const char *info, const char *save)
{
    *survey = (struct redis_survey){0};
    if (info == NULL)
        return;
    survey->known = true;
    read_eviction(survey, info);
    survey->forgets = save != NULL && *save == '\0' && info_value(info, "aof_enabled") != NULL &&
                      info_number(info, "aof_enabled") == 0;
    survey->replicas = (unsigned)info_number(info, "connected_slaves");
    survey->clock_s = info_number(info, "server_time_usec") / 1000000;
    survey->asks_replicas = info_value(info, "min_slaves_good_slaves") != NULL;
}
