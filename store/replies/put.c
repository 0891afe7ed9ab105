/* The replies' front: seals what is put and says whose it is. */
#include "store/redis.h"
#include "store/replies/backend.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

struct replies_store *replies_open(const struct replies_settings *settings, char error[ERROR_MAX])
{
    struct replies_store *store = calloc(1, sizeof *store);

    snprintf(error, ERROR_MAX, "out of memory");
    if (store == NULL)
        return NULL;
    store->settings = *settings;
    store->backend = settings->in_redis ? &replies_in_redis : &replies_in_memory;
    store->keys = seal_keys_create(settings->seal_key);
    if (store->keys != NULL &&
        (settings->in_redis || (store->memory = replies_memory_create(&store->settings)) != NULL))
        return store;
    replies_close(store);
    return NULL;
}

void replies_close(struct replies_store *store)
{
    if (store == NULL)
        return;
    replies_memory_free(store->memory);
    seal_keys_free(store->keys);
    OPENSSL_cleanse(&store->settings, sizeof store->settings);
    free(store);
}

static void on_connection(void *arg, bool up, const char *why)
{
    struct replies_link *link = arg;

    if (link->watch.connection.changed != NULL)
        link->watch.connection.changed(link->watch.connection.arg, up, why);
    if (up)
        replies_consumer_wake(link);
}

static void join_redis(struct replies_link *link, struct redis_link *redis)
{
    const unsigned most = link->store->settings.in_flight_max;

    if (!link->store->settings.in_redis)
        return;
    redis_lane_join(&link->puts, redis, most, &(struct store_watch){on_connection, link});
    redis_lane_join(&link->takes, redis, most, NULL);
}

struct replies_link *replies_attach(struct replies_store *store, struct event_base *base,
                                    const struct redis_links *redis,
                                    const struct replies_sender *sender,
                                    const struct replies_watch *watch, char error[ERROR_MAX])
{
    struct replies_link *link = calloc(1, sizeof *link);

    snprintf(error, ERROR_MAX, "cannot prepare the replies' keys, or out of memory");
    if (link == NULL)
        return NULL;
    link->store = store;
    if (watch != NULL)
        link->watch = *watch;
    if (sender != NULL)
        link->sender = *sender;
    TAILQ_INIT(&link->out);
    TAILQ_INIT(&link->unsettled);
    link->seal = seal_create(store->keys);
    link->addresses = keyed_hash_create(store->settings.address_key);
    join_redis(link, redis->prompt);
    if (link->seal != NULL && link->addresses != NULL &&
        (sender == NULL || replies_consumer_start(link, base) == 0))
        return link;
    replies_detach(link);
    return NULL;
}

void replies_detach(struct replies_link *link)
{
    if (link == NULL)
        return;
    replies_consumer_stop(link);
    redis_lane_leave(&link->puts);
    redis_lane_leave(&link->takes);
    replies_consumer_free(link);
    seal_free(link->seal);
    keyed_hash_free(link->addresses);
    free(link);
}

bool replies_link_up(const struct replies_link *link)
{
    return !link->store->settings.in_redis || redis_lane_up(&link->puts);
}

enum store_status replies_put(struct replies_link *link, struct replies_entry *entry)
{
    unsigned char bytes[REPLY_KEPT_MAX];
    struct replies_kept kept = {.bytes = bytes};

    if (!replies_link_up(link))
        return STORE_DOWN;
    entry->link = link;
    kept.length = replies_entry_seal(link->seal, entry, bytes);
    if (kept.length == 0 ||
        keyed_hash_number(link->addresses, entry->address, entry->address_length, &kept.who) != 0)
        return STORE_DOWN;
    return link->store->backend->put(link, entry, &kept);
}

enum store_status replies_newest(struct replies_link *link, struct replies_newest *newest)
{
    uint64_t who;

    newest->id = 0;
    if (!replies_link_up(link) ||
        keyed_hash_number(link->addresses, newest->address, newest->address_length, &who) != 0)
        return STORE_DOWN;
    return link->store->backend->newest(link, who, newest);
}
