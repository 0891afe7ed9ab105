/* Opens the process-wide halves of the stores, each with what the set-up says of it. */
#include "server/serving/shared_stores.h"

#include "server/channels/meta/sender.h"
#include "server/config/local_day.h"
#include "server/security/salt_check.h"
#include "server/serving/setup.h"
#include "server/telemetry/log.h"
#include "store/base/seal.h"
#include "store/records.h"
#include "store/replies.h"
#include "store/revocations.h"
#include "store/sessions.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

/* Whether a database that is away lets the start go on. */
static bool goes_on_without(const struct config *config, int status, const char *error)
{
    if (status != RECORD_AWAY || config->redis_url == NULL)
        return false;
    log_write(LOG_ERROR, "database_away", log_text("reason", error),
              log_text("meanwhile", "codes go by the outbox"));
    return true;
}

static int prepare_records(const struct shared_stores *shared, const struct setup *setup,
                           const char **subject, char error[ERROR_MAX])
{
    const struct config *config = &setup->config;
    const struct salt_checked checked = {&shared->marks, flow_id(setup->flow),
                                         config->database_url};
    char report[ERROR_MAX];

    *subject = "DATABASE_URL";
    int status = record_store_prepare(config->database_url, report, error);
    if (status == 0) {
        log_write(LOG_INFO, "database_prepared", log_text("report", report));
        status = salt_check(&checked, false, subject, error);
    }
    /* Whose codes it holds is asked again whenever it is connected. */
    return goes_on_without(config, status, error) ? 0 : status;
}

static int open_records(struct shared_stores *shared, const struct setup *setup,
                        const char **subject, char error[ERROR_MAX])
{
    *subject = "UIC_SALT";
    if (setup_marks(setup, &shared->marks, error) != 0)
        return -1;
    marks_write(shared->mark, &shared->marks);
    const int status = prepare_records(shared, setup, subject, error);
    if (status != 0)
        return status;
    *subject = "DATABASE_URL";
    shared->records = record_store_open(setup->config.database_url, setup->keys.record_asker,
                                        &shared->marks, error);
    return shared->records != NULL ? 0 : -1;
}

static int open_sessions(struct shared_stores *shared, const struct setup *setup,
                         const char **subject, char error[ERROR_MAX])
{
    const char *redis_url = setup->config.redis_url;
    struct session_settings settings;

    *subject = "REDIS_URL";
    if (redis_url != NULL && redis_url_parse(&shared->redis, redis_url, error) != 0)
        return -1;
    shared->redis.mark = shared->mark;
    shared->redis.is_ours = &shared->redis_is_ours;
    snprintf(error, ERROR_MAX, "the cryptographic library fails");
    if (redis_url != NULL &&
        (shared->outbox_keys = seal_keys_create(setup->keys.outbox_seal)) == NULL)
        return -1;
    *subject = "sessions";
    setup_session(setup, &settings);
    settings.replicas = setup->config.session_replicas;
    shared->sessions = session_store_open(&settings, error);
    OPENSSL_cleanse(&settings, sizeof settings);
    if (shared->sessions == NULL)
        return -1;
    snprintf(error, ERROR_MAX, "out of memory");
    shared->revocations = revocations_open();
    return shared->revocations != NULL ? 0 : -1;
}

static int open_replies(struct shared_stores *shared, const struct setup *setup,
                        const char **subject, char error[ERROR_MAX])
{
    struct replies_settings settings;

    if (!config_has_meta(&setup->config))
        return 0;
    *subject = "replies";
    sender_store_settings(&setup->config, &setup->keys, &settings);
    shared->replies = replies_open(&settings, error);
    OPENSSL_cleanse(&settings, sizeof settings);
    return shared->replies != NULL ? 0 : -1;
}

/* "id version workers" */
static int name_instance(struct shared_stores *shared, unsigned workers)
{
    uint64_t id;

    if (RAND_bytes((unsigned char *)&id, sizeof id) != 1)
        return -1;
    snprintf(shared->instance, sizeof shared->instance, "%016" PRIx64 " %s %u", id, PROGRAM_VERSION,
             workers);
    return 0;
}

static int open_counters(struct shared_stores *shared, const struct setup *setup,
                         const char **subject, char error[ERROR_MAX])
{
    struct counters_settings settings;

    *subject = "counters";
    counting_init(&shared->counting, setup->flow);
    setup_counters(setup, &shared->counting, &settings);
    settings.instance = shared->instance;
    local_day_use(setup->config.time_zone);
    snprintf(error, ERROR_MAX, "no randomness");
    if (name_instance(shared, setup->config.workers) == 0)
        shared->counters = counters_open(&settings, error);
    return shared->counters != NULL ? 0 : -1;
}

int shared_stores_open(struct shared_stores *shared, const struct setup *setup,
                       const char **subject, char error[ERROR_MAX])
{
    const int status = open_records(shared, setup, subject, error);
    if (status != 0)
        return status;
    if (open_sessions(shared, setup, subject, error) != 0 ||
        open_replies(shared, setup, subject, error) != 0)
        return -1;
    return open_counters(shared, setup, subject, error);
}

void shared_stores_close(struct shared_stores *shared)
{
    counters_close(shared->counters);
    revocations_close(shared->revocations);
    if (shared->sessions != NULL)
        session_store_close(shared->sessions);
    if (shared->records != NULL)
        record_store_close(shared->records);
    if (shared->replies != NULL)
        replies_close(shared->replies);
    seal_keys_free(shared->outbox_keys);
    redis_url_deinit(&shared->redis);
}
