/* Opens the process-wide limits. */
#include "server/serving/limits.h"

#include "server/exchange/quota.h"
#include "server/http/client_address.h"
#include "server/http/throttle_table.h"
#include "server/telemetry/log.h"
#include <stddef.h>
#include <sys/resource.h>

/* How often one number is asked in a day whether it is the same person: who has it on every code
 * would stop reading it. */
#define QUESTIONS_PER_DAY 3
/* Descriptors for everything but connections: stores, files, and what each worker needs. */
#define DESCRIPTORS_KEPT 64
#define DESCRIPTORS_OF_WORKER 16

/* MAX_CONNECTIONS, or as many as the system lets this process have. */
static unsigned find_connections_max(const struct config *config)
{
    const rlim_t kept = DESCRIPTORS_KEPT + (rlim_t)config->workers * DESCRIPTORS_OF_WORKER;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return config->max_connections;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= kept + config->max_connections)
        return config->max_connections;
    log_write(LOG_WARNING, "fewer_connections",
              log_text("reason", "the system allows too few open files for MAX_CONNECTIONS"),
              log_number("files", (int64_t)limit.rlim_cur));
    return limit.rlim_cur > kept ? (unsigned)(limit.rlim_cur - kept) : 1;
}

int limits_open(struct limits *limits, const struct config *config)
{
    const struct quota_limits allowed = {config->messages_per_minute, config->codes_per_day,
                                         QUESTIONS_PER_DAY};

    limits->connections_max = find_connections_max(config);
    limits->quota = quota_create(&allowed);
    limits->clients = clients_create(config->trusted_proxies, config->connections_per_address);
    limits->throttle_table = throttle_table_create();
    return limits->quota != NULL && limits->clients != NULL && limits->throttle_table != NULL ? 0
                                                                                              : -1;
}

void limits_close(struct limits *limits)
{
    quota_free(limits->quota);
    clients_free(limits->clients);
    throttle_table_free(limits->throttle_table);
    *limits = (struct limits){0};
}
