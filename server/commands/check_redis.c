/* Whether the configured Redis serves us, and what it may lose. */
#include "server/commands/check_redis.h"

#include "server/commands/finding.h"
#include "server/serving/redis_advice.h"
#include "server/serving/setup.h"
#include "store/marks.h"
#include "store/records.h"
#include <stdio.h>

/* For one command. */
#define DEADLINE_MS 3000
/* Redis's words and the advice in two languages. */
#define TEXT_MAX (ERROR_MAX + 512)

static void print_advice(const char *verdict, const char *words, const struct redis_advice *advice)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof text, "%s%s%s / %s", words, *words != '\0' ? " – " : "", advice->english,
             advice->french);
    print_finding(verdict, "Redis", text);
}

/* Conversations that vanish are as bad as none, and a failover that may lose what its settings
 * promise to keep; what a crash or a failover may lose otherwise is a hint. */
static int check_risks(const struct redis_survey *survey, const struct config *config)
{
    const bool is_bad[REDIS_RISKS] = {
        [REDIS_EVICTS] = true,
        [REDIS_ASKS_NO_REPLICA] = config->session_replicas > 0,
    };
    int status = 0;

    for (unsigned i = 0; i < REDIS_RISKS; i++) {
        const struct redis_advice *advice = redis_risk(i, survey, config->outbox_replicas);
        if (advice == NULL)
            continue;
        print_advice(is_bad[i] ? "bad" : "hint", i == REDIS_EVICTS ? survey->evicts : "", advice);
        if (is_bad[i])
            status = -1;
    }
    return status;
}

static void check_replicas(const struct redis_survey *survey, const struct config *config,
                           unsigned acknowledged)
{
    static const struct redis_advice outbox = {
        "Redis has a replica: with OUTBOX_REPLICAS=1 no code that was told is lost in a failover",
        "Redis a une réplique : avec OUTBOX_REPLICAS=1, une bascule ne perd aucun code dit"};
    static const struct redis_advice session = {
        "Redis has a replica: with SESSION_REPLICAS=1 a failover asks nobody again",
        "Redis a une réplique : avec SESSION_REPLICAS=1, une bascule ne repose aucune question"};
    static const struct redis_advice late = {
        "fewer replicas than OUTBOX_REPLICAS had a record within two seconds",
        "moins de répliques que OUTBOX_REPLICAS ont reçu un enregistrement en deux secondes"};
    const unsigned wanted = config->outbox_replicas;

    if (wanted == 0 && survey->replicas > 0)
        print_advice("hint", "", &outbox);
    else if (acknowledged < wanted && survey->replicas >= wanted)
        print_advice("hint", "", &late);
    if (config->session_replicas == 0 && survey->replicas > 0)
        print_advice("hint", "", &session);
}

/* Without the replicas that sessions ask for, nobody is served. */
static int try_redis(const struct config *config, struct redis_health *health,
                     unsigned *acknowledged, char error[ERROR_MAX])
{
    const unsigned outbox = config->outbox_replicas, session = config->session_replicas;

    if (redis_health_check(config->redis_url, DEADLINE_MS, outbox > session ? outbox : session,
                           health, acknowledged, error) != 0)
        return -1;
    if (*acknowledged >= session)
        return 0;
    snprintf(error, ERROR_MAX, "%u of %u", *acknowledged, session);
    health->refusal = REDIS_LACKS_REPLICAS;
    return -1;
}

/* To which salt and flow it belongs; nothing is said when to these, or to nobody yet. */
static int check_mark(const struct setup *setup)
{
    char error[ERROR_MAX], text[MARKS_TEXT_MAX];
    struct record_marks marks;
    int status = setup_marks(setup, &marks, error);

    if (status == 0) {
        marks_write(text, &marks);
        status = marks_check(setup->config.redis_url, DEADLINE_MS, text, error);
    }
    if (status == MARKS_ABSENT)
        return 0;
    if (status == MARKS_DIFFER)
        print_advice("bad", error, redis_advice(REDIS_IS_FOREIGN));
    else if (status != 0)
        print_finding("bad", "Redis", error);
    return status;
}

int check_redis(const struct setup *setup, int64_t *clock_s)
{
    const struct config *config = &setup->config;
    char error[ERROR_MAX] = "";
    struct redis_health health;
    unsigned acknowledged;
    int status = try_redis(config, &health, &acknowledged, error);
    const struct redis_advice *advice = redis_advice(health.refusal);

    *clock_s = health.survey.clock_s;

    if (status == 0)
        print_finding("ok", "sessions", "Redis answers");
    else if (advice == NULL)
        print_finding("bad", "sessions", error);
    else
        print_advice("bad", error, advice);
    if (check_risks(&health.survey, config) != 0)
        status = -1;
    if (status == 0)
        status = check_mark(setup);
    if (status == 0)
        check_replicas(&health.survey, config, acknowledged);
    return status;
}
