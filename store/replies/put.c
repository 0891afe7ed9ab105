/*
 * The replies' front: seals what is put and says whose it is. Keeping is the backends' affair,
 * sending the drain's.
 */
#include "store/replies.h"
#include "store/replies/backend.h"
#include "store/replies/drain.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

struct replies_store *replies_open(const struct replies_settings *settings,
                                   char error[STORE_ERROR_MAX])
{
    const struct replies_backend *backend = settings->in_redis ? &replies_redis : &replies_memory;
    struct replies_store *store = backend->open(settings, error);

    if (store == NULL)
        return NULL;
    store->backend = backend;
    store->settings = *settings;
    return store;
}

void replies_close(struct replies_store *store)
{
    if (store == NULL)
        return;
    OPENSSL_cleanse(&store->settings, sizeof(store->settings));
    store->backend->close(store);
}

static void on_connection(void *arg, bool up, const char *why)
{
    struct replies_link *link = arg;

    if (link->connection.changed != NULL)
        link->connection.changed(link->connection.arg, up, why);
    if (up && link->drain != NULL)
        replies_drain_wake(link->drain);
}

struct replies_link *replies_attach(struct replies_store *store, struct event_base *base,
                                    const struct redis_links *redis,
                                    const struct replies_sender *sender,
                                    const struct replies_watch *watch, char error[STORE_ERROR_MAX])
{
    struct replies_link *link = store->backend->attach(store, redis, on_connection, error);

    if (link == NULL)
        return NULL;
    if (watch != NULL)
        link->connection = watch->connection;
    link->seal = seal_create(store->settings.seal_key);
    if (link->seal == NULL) {
        snprintf(error, STORE_ERROR_MAX, "cannot prepare the replies' key");
        goto failed;
    }
    if (sender == NULL)
        return link;
    link->drain = replies_drain_start(link, base, sender, watch);
    if (link->drain != NULL)
        return link;
    snprintf(error, STORE_ERROR_MAX, "cannot start to send replies");
failed:
    replies_detach(link);
    return NULL;
}

void replies_detach(struct replies_link *link)
{
    if (link == NULL)
        return;
    struct replies_drain *drain = link->drain;
    struct seal *seal = link->seal;

    if (drain != NULL)
        replies_drain_stop(drain);
    link->store->backend->detach(link);
    if (drain != NULL)
        replies_drain_free(drain);
    seal_free(seal);
}

bool replies_link_up(const struct replies_link *link)
{
    return link->store->backend->up(link);
}

int replies_who(const unsigned char address_key[REPLIES_KEY_SIZE], const char *address,
                size_t length, uint64_t *who)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;

    if (HMAC(EVP_sha256(), address_key, REPLIES_KEY_SIZE, (const unsigned char *)address, length,
             digest, &size) == NULL)
        return -1;
    *who = 0;
    for (size_t i = 0; i < sizeof(*who); i++)
        *who = *who << 8 | digest[i];
    return 0;
}

enum store_status replies_put(struct replies_link *link, struct replies_entry *entry)
{
    unsigned char sealed[REPLY_SEALED_MAX];
    struct replies_kept kept = {.sealed = sealed};

    if (!replies_link_up(link))
        return STORE_DOWN;
    entry->link = link;
    kept.length = replies_entry_seal(link->seal, entry, sealed);
    if (kept.length == 0 || replies_who(link->store->settings.address_key, entry->address,
                                        entry->address_length, &kept.who) < 0)
        return STORE_DOWN;
    entry->partition = replies_partition(kept.who);
    return link->store->backend->put(link, entry, &kept);
}

enum store_status replies_newest(struct replies_link *link, struct replies_newest *newest)
{
    uint64_t who;

    newest->id = 0;
    if (!replies_link_up(link) || replies_who(link->store->settings.address_key, newest->address,
                                              newest->address_length, &who) < 0)
        return STORE_DOWN;
    return link->store->backend->newest(link, who, newest);
}

void reply_done(struct replies_link *link, struct reply *reply, enum reply_end end,
                int64_t delay_ms)
{
    replies_drain_done(link->drain, reply, end, delay_ms);
}

void replies_rest(struct replies_link *link)
{
    if (link->drain != NULL)
        replies_drain_rest(link->drain);
}

bool replies_at_rest(const struct replies_link *link)
{
    return link->drain == NULL || replies_drain_at_rest(link->drain);
}

void replies_set_pace(struct replies_link *link, const struct replies_drain_pace *pace)
{
    replies_drain_set_pace(link->drain, pace);
}
