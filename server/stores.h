/* How the configuration becomes the stores' settings: the one place that knows the limits. */
#ifndef SERVER_STORES_H
#define SERVER_STORES_H

#include "server/config.h"
#include "server/keys.h"
#include "store/session.h"

/* The strings are borrowed from config. */
void stores_session_settings(struct session_settings *settings, const struct config *config,
                             const struct keys *keys);
void stores_session_settings_wipe(struct session_settings *settings);

#endif
