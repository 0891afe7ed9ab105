/* Loads what most commands begin with. */
#include "server/serving/setup.h"
#include "server/config/file.h"
#include "server/config/local_day.h"
#include "server/security/salt_check.h"
#include "store/records.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flow *setup_flow(const char *file_name, FILE *errors)
{
    char *text = NULL, *report = NULL;
    size_t length;
    const char *name = "ciu-rdc.json", *json = flow_default_json(&length);
    if (file_name != NULL) {
        name = file_name;
        json = text = file_read(file_name, FLOW_FILE_MAX, &length);
    }
    if (json == NULL) {
        fprintf(errors, "%s: cannot be read: %s\n", name, strerror(errno));
        return NULL;
    }
    struct flow *flow = flow_load(name, json, length, &report);
    if (flow == NULL) {
        const char *why = report != NULL ? report : "out of memory";
        size_t end = strlen(why);
        fprintf(errors, "%s%s", why, end > 0 && why[end - 1] == '\n' ? "" : "\n");
    }
    free(report);
    free(text);
    return flow;
}

int setup_open(struct setup *setup, const char *env_file, const char *flow_file, FILE *errors)
{
    *setup = (struct setup){0};
    int status = config_load(&setup->config, env_file, errors);
    setup->flow = setup_flow(flow_file != NULL ? flow_file : setup->config.flow_file, errors);
    if (status < 0 || !setup->flow)
        return -1;
    if (setup->config.production)
        flow_withhold_unproofread(setup->flow);
    if (keys_derive(&setup->keys, setup->config.uic_salt) != 0) {
        fputs("the cryptographic library failed to derive the keys\n", errors);
        return -1;
    }
    return 0;
}

int setup_marks(const struct setup *setup, struct record_marks *marks, char error[ERROR_MAX])
{
    snprintf(error, ERROR_MAX, "the cryptographic library failed");
    return salt_marks(setup->config.uic_salt, flow_id(setup->flow), marks);
}

int setup_check_salt(const struct setup *setup, bool remember, const char **subject,
                     char error[ERROR_MAX])
{
    struct record_marks marks;
    const struct salt_checked checked = {.marks = &marks,
                                         .flow_id = flow_id(setup->flow),
                                         .database_url = setup->config.database_url};

    *subject = "UIC_SALT";
    if (setup_marks(setup, &marks, error) != 0)
        return -1;
    return salt_check(&checked, remember, subject, error);
}

void setup_close(struct setup *setup)
{
    keys_wipe(&setup->keys);
    flow_free(setup->flow);
    config_free(&setup->config);
    setup->flow = NULL;
}

/* How long an expired session can be told, at least. */
#define MARK_MS (24 * 60 * 60 * 1000)

void setup_session(const struct setup *setup, struct session_settings *settings)
{
    *settings = (struct session_settings){
        .in_redis = setup->config.redis_url != NULL,
        .ttl_ms = setup->config.session_timeout_minutes * 60 * 1000,
        .mark_ttl_ms = MARK_MS / (SESSION_MARK_WRITES - 1) * SESSION_MARK_WRITES,
        .in_flight_max = 4096,
        .memory_max = 100000,
    };
    memcpy(settings->address_key, setup->keys.session_address, sizeof settings->address_key);
    memcpy(settings->seal_key, setup->keys.session_seal, sizeof settings->seal_key);
}

void setup_counters(const struct setup *setup, const struct counting *counting,
                    struct counters_settings *settings)
{
    *settings = (struct counters_settings){
        .in_redis = setup->config.redis_url != NULL,
        .fields = counting->fields,
        .field_count = counting->field_count,
        .steps = counting->steps,
        .step_count = flow_step_count(setup->flow),
        .generation = counting->generation,
        .life_minutes = setup->config.session_timeout_minutes,
        .day_of = local_day,
    };
}
