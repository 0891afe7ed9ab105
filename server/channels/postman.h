/*
 * A worker's sender of replies through Meta: takes them from the queue (store/replies.h), posts
 * them (graph.h), and counts and logs how each ended.
 *
 *     struct postman *postman = postman_create(&settings, base, error);
 *     replies_put(postman_replies(postman), &entry);
 *     postman_rest(postman); ... postman_at_rest(postman) ...
 *     postman_free(postman);
 *
 * The body of a reply is the JSON that is posted.
 */
#ifndef SERVER_POSTMAN_H
#define SERVER_POSTMAN_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct hasher;
struct keys;
struct redis_links;
struct replies_link;
struct replies_settings;
struct replies_store;

/* How replies are kept, by configuration and keys; points into config. */
void postman_store_settings(const struct config *config, const struct keys *keys,
                            struct replies_settings *settings);

struct postman_settings {
    const struct config *config; /* borrowed, as hasher and store */
    struct hasher *hasher;       /* the thread's */
    struct replies_store *store;
    const struct redis_links *redis; /* its links borrowed */
};

struct postman;

/* Returns NULL with error. */
struct postman *postman_create(const struct postman_settings *settings, struct event_base *base,
                               char *error, size_t error_size);
/* Cancels what is under way; puts under way finish, in here. */
void postman_free(struct postman *postman);

/* Where to put replies. */
struct replies_link *postman_replies(struct postman *postman);

/* Begins to end: see replies_rest. */
void postman_rest(struct postman *postman);
bool postman_at_rest(const struct postman *postman);

#endif
