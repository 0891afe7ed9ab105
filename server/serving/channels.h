/*
 * The channels that one worker has open, and who sends Meta's replies.
 *
 *     channels_open_sender(&channels, ...);    before the exchanges, which ask it what it sent last
 *     channels_open(&channels, ...);
 */
#ifndef SERVER_SERVING_CHANNELS_H
#define SERVER_SERVING_CHANNELS_H

#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct channel;
struct counters_link;
struct event_base;
struct exchange_service;
struct keyed_hashes;
struct phone_numbers;
struct meta_clock;
struct record_link;
struct replies_link;
struct replies_store;
struct redis_links;
struct sender;
struct session_link;
struct setup;

/* Zeroed at first. Those that are closed are NULL. */
struct channels {
    struct channel *twilio;
    struct channel *meta;
    struct channel *simulator;
    struct sender *sender; /* with meta */
};

/* Everything is borrowed. */
struct channels_settings {
    const struct setup *setup;
    struct event_base *base;
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    struct replies_store *replies;
    const struct redis_links *redis;
    struct meta_clock *clock;
    struct exchange_service *exchanges; /* for channels_open, as what follows */
    struct session_link *sessions;
    struct record_link *records;
    struct counters_link *counters;
};

/* Returns 0, or -1 with error; channels_free is due in both cases. */
int channels_open_sender(struct channels *channels, const struct channels_settings *settings,
                         char error[ERROR_MAX]);
/* Opens those that are configured; in production none that anybody could write to. Returns 0 or
 * -1. */
int channels_open(struct channels *channels, const struct channels_settings *settings);
/* When no exchange answers through them any more; before the connections to Redis go. */
void channels_free(struct channels *channels);

/* The replies of the sender, or NULL without one. */
struct replies_link *channels_replies(const struct channels *channels);
/* Before the end: nothing more is sent. Whether nothing is under way. */
void channels_rest(struct channels *channels);
bool channels_at_rest(const struct channels *channels);

#endif
