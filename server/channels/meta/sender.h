/*
 * A worker's sender of replies through Meta: takes them from the queue, posts them, and counts
 * and logs how each ended.
 *
 *     struct sender *sender = sender_create(&settings, base, error);
 *     replies_put(sender_replies(sender), &entry);
 *     sender_rest(sender); ... sender_at_rest(sender) ...
 *     sender_free(sender);
 *
 * The body of a reply is the JSON that is posted.
 */
#ifndef SERVER_CHANNELS_META_SENDER_H
#define SERVER_CHANNELS_META_SENDER_H

#include "store/base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct keyed_hashes;
struct keys;
struct redis_links;
struct replies_link;
struct replies_settings;
struct replies_store;

/* How replies are kept, by configuration and keys; points into config. */
void sender_store_settings(const struct config *config, const struct keys *keys,
                           struct replies_settings *settings);

struct sender_settings {
    const struct config *config; /* borrowed, as hashes and store */
    struct keyed_hashes *hashes; /* the thread's */
    struct replies_store *store;
    const struct redis_links *redis; /* its links borrowed */
};

struct sender;

/* Returns NULL with error. */
struct sender *sender_create(const struct sender_settings *settings, struct event_base *base,
                             char error[ERROR_MAX]);
/* Cancels what is under way; puts under way finish, in here. */
void sender_free(struct sender *sender);

/* Where to put replies. */
struct replies_link *sender_replies(struct sender *sender);

/* Begins to end: see replies_rest. */
void sender_rest(struct sender *sender);
bool sender_at_rest(const struct sender *sender);

#endif
