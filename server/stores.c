/* Settings of the stores. */
#include "server/stores.h"

#include <openssl/crypto.h>
#include <string.h>

#define MARK_TTL_MS (24u * 60 * 60 * 1000)
/* With Redis away a person hears so within 2 s. */
#define REDIS_DEADLINE_MS 1500
#define REDIS_IN_FLIGHT_MAX 4096
#define MEMORY_SESSIONS_MAX 1000000

void stores_session_settings(struct session_settings *settings, const struct config *config,
                             const struct keys *keys)
{
    *settings = (struct session_settings){
        .url = config->redis_url,
        .ttl_ms = config->session_timeout_minutes * 60 * 1000,
        .mark_ttl_ms = MARK_TTL_MS,
        .deadline_ms = REDIS_DEADLINE_MS,
        .in_flight_max = REDIS_IN_FLIGHT_MAX,
        .memory_max = MEMORY_SESSIONS_MAX,
    };
    memcpy(settings->address_key, keys->session_address, SESSION_KEY_SIZE);
    memcpy(settings->seal_key, keys->session_seal, SESSION_KEY_SIZE);
}

void stores_session_settings_wipe(struct session_settings *settings)
{
    OPENSSL_cleanse(settings, sizeof *settings);
}
