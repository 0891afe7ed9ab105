/* Opens and closes the channels by their configuration. */
#include "server/serving/channels.h"

#include "server/channels/meta/meta.h"
#include "server/channels/meta/sender.h"
#include "server/channels/simulator/simulator.h"
#include "server/channels/twilio/twilio.h"
#include "server/serving/setup.h"

int channels_open_sender(struct channels *channels, const struct channels_settings *settings,
                         char error[ERROR_MAX])
{
    const struct config *config = &settings->setup->config;
    const struct sender_settings sender = {.config = config,
                                           .store = settings->replies,
                                           .redis = settings->redis,
                                           .hashes = settings->hashes};

    if (!config_has_meta(config))
        return 0;
    channels->sender = sender_create(&sender, settings->base, error);
    return channels->sender != NULL ? 0 : -1;
}

static int open_meta(struct channels *channels, const struct channels_settings *settings)
{
    const struct meta_settings meta = {.config = &settings->setup->config,
                                       .flow = settings->setup->flow,
                                       .hashes = settings->hashes,
                                       .numbers = settings->numbers,
                                       .records = settings->records,
                                       .counters = settings->counters,
                                       .clock = settings->clock,
                                       .replies = channels_replies(channels)};

    if (channels->sender == NULL)
        return 0;
    channels->meta = meta_create(&meta, settings->exchanges);
    return channels->meta != NULL ? 0 : -1;
}

int channels_open(struct channels *channels, const struct channels_settings *settings)
{
    const struct config *config = &settings->setup->config;

    if (!config->production || config->twilio_auth_token != NULL) {
        channels->twilio = twilio_create(config, settings->exchanges);
        if (channels->twilio == NULL)
            return -1;
    }
    if (!config->production) {
        channels->simulator = simulator_create(settings->exchanges, settings->sessions);
        if (channels->simulator == NULL)
            return -1;
    }
    return open_meta(channels, settings);
}

void channels_free(struct channels *channels)
{
    sender_free(channels->sender);
    channel_free(channels->twilio);
    channel_free(channels->meta);
    channel_free(channels->simulator);
}

struct replies_link *channels_replies(const struct channels *channels)
{
    return channels->sender != NULL ? sender_replies(channels->sender) : NULL;
}

void channels_rest(struct channels *channels)
{
    if (channels->sender != NULL)
        sender_rest(channels->sender);
}

bool channels_at_rest(const struct channels *channels)
{
    return channels->sender == NULL || sender_at_rest(channels->sender);
}
