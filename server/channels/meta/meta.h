/*
 * Meta's Cloud API: signed JSON with messages of many people. Replies do not go into the response:
 * each goes into the queue of replies, from where it is sent, and the request is answered with 200
 * when the last is safe there.
 */
#ifndef SERVER_CHANNELS_META_META_H
#define SERVER_CHANNELS_META_META_H

#include "server/channels/channel.h"
#include "server/channels/meta/message.h"
#include "server/config/config.h"

#define META_PATH "/whatsapp/meta"

struct counters_link;
struct flow;
struct keyed_hashes;
struct meta_clock;
struct phone_numbers;
struct record_link;
struct replies_link;

/* What the channel of one worker needs; borrowed. */
struct meta_settings {
    const struct config *config;
    const struct flow *flow;
    struct keyed_hashes *hashes; /* the thread's */
    struct phone_numbers *numbers;
    struct record_link *records; /* its channel lives longer */
    struct replies_link *replies;
    struct meta_clock *clock;       /* of all workers */
    struct counters_link *counters; /* counts what became of replies */
};

/* Returns NULL when out of memory. */
struct channel *meta_create(const struct meta_settings *settings,
                            struct exchange_service *exchanges);

#endif
