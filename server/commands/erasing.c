/*
 * Visits the stores one after the other. A session's name is a keyed hash of the address that the
 * channel gave the person, so each channel's addresses of the number and the user ids are tried.
 */
#include "server/commands/erasing.h"

#include "server/channels/meta/sender.h"
#include "server/exchange/person.h"
#include "store/base/seal.h"
#include "store/outbox.h"
#include "store/records.h"
#include "store/redis.h"
#include "store/replies.h"
#include "store/sessions.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* What stands before the number in the addresses of channels. */
static const char *const schemes[] = {"whatsapp:", "meta:", "simulator:"};

/* For one Redis command. */
#define DEADLINE_MS 3000
/* A scheme and a phone number or user id. */
#define ADDRESS_MAX (RECORD_PHONE_MAX + 16)

/* A session being forgotten. */
struct visit {
    struct session session;
    bool done;
};

static void on_done(struct store_ticket *ticket)
{
    ((struct visit *)ticket)->done = true;
}

static enum store_status session_end(struct erasing *erasing, struct redis_call *redis,
                                     struct session_link *link, const char *address)
{
    const bool dry_run = erasing->dry_run;
    struct visit visit = {0};
    enum store_status status;

    session_init(link, &visit.session, address, strlen(address));
    visit.session.ticket.done = on_done;
    status =
        dry_run ? session_load(link, &visit.session) : session_forget(link, &visit.session, false);
    if (status == STORE_LATER) {
        while (!visit.done && redis_call_turn(redis))
            continue;
        status = visit.session.ticket.status;
    }
    erasing->marks += dry_run && status == STORE_ABSENT && visit.session.mark_length > 0;
    session_wipe(&visit.session);
    return status;
}

/* The person's next address of all: through each channel by each number, and by each user id; "" where
 * it is somebody else's by now. Returns false after the last. */
static bool address_next(const struct erasing *erasing, size_t i, char address[ADDRESS_MAX])
{
    const size_t channels = sizeof schemes / sizeof *schemes;
    const struct record_identifiers *person = erasing->person;
    const char *scheme = schemes[i % channels];
    const size_t name = i / channels;
    const unsigned char *user_id;

    address[0] = '\0';
    if (name < person->number_count && person->numbers[name].is_shared)
        return true;
    if (name < person->number_count)
        snprintf(address, ADDRESS_MAX, "%s%s", scheme, person->numbers[name].clear);
    else if ((user_id = record_identifiers_user_id(person, name - person->number_count)) != NULL)
        person_address_of_user_id(scheme, user_id, address);
    else
        return false;
    return true;
}

static int sessions_visit(struct erasing *erasing, struct redis_call *redis,
                          struct session_link *link, char error[ERROR_MAX])
{
    char address[ADDRESS_MAX];

    for (size_t i = 0; address_next(erasing, i, address); i++) {
        if (address[0] == '\0')
            continue;
        enum store_status status = session_end(erasing, redis, link, address);
        if (status != STORE_OK && status != STORE_ABSENT) {
            snprintf(error, ERROR_MAX, "sessions: %s", store_status_name(status));
            return -1;
        }
        erasing->sessions += status == STORE_OK;
    }
    return 0;
}

static int sessions_erase(struct erasing *erasing, struct redis_call *redis, char error[ERROR_MAX])
{
    struct session_settings settings;
    struct session_link *link = NULL;
    int status = -1;

    setup_session(erasing->setup, &settings);
    struct session_store *store = session_store_open(&settings, error);
    OPENSSL_cleanse(&settings, sizeof settings);
    if (store != NULL)
        link = session_attach(store, redis_call_link(redis), NULL, error);
    if (link != NULL)
        status = sessions_visit(erasing, redis, link, error);
    session_detach(link);
    session_store_close(store);
    return status;
}

static int outbox_visit(struct erasing *erasing, struct redis_call *redis, char error[ERROR_MAX])
{
    struct seal_keys *keys = seal_keys_create(erasing->setup->keys.outbox_seal);
    struct outbox_erasure erasure = {
        .keys = keys,
        .person = erasing->person,
        .code = erasing->code,
        .delete = erasing->delete,
        .dry_run = erasing->dry_run,
    };

    snprintf(error, ERROR_MAX, "the cryptographic library fails");
    if (keys == NULL)
        return -1;
    const int status = outbox_erase(&erasure, redis, error);
    seal_keys_free(keys);
    erasing->outbox = (int64_t)erasure.found;
    erasing->has_answers = erasure.has_answers;
    memcpy(erasing->answers, erasure.answers, sizeof erasing->answers);
    erasing->unreadable = (int64_t)erasure.unreadable;
    return status;
}

static int replies_visit(struct erasing *erasing, struct redis_call *redis, char error[ERROR_MAX])
{
    struct replies_settings settings;
    char address[ADDRESS_MAX];
    int status = 0;

    sender_store_settings(&erasing->setup->config, &erasing->setup->keys, &settings);
    for (size_t i = 0; status == 0 && address_next(erasing, i, address); i++) {
        size_t found = 0;
        if (address[0] == '\0')
            continue;
        status = replies_erase(&settings, redis, address, erasing->dry_run, &found, error);
        erasing->replies += (int64_t)found;
    }
    OPENSSL_cleanse(&settings, sizeof settings);
    return status;
}

int erasing_run(struct erasing *erasing, char error[ERROR_MAX])
{
    int status = -1;

    if (erasing->setup->config.redis_url == NULL)
        return 0;
    struct redis_call *redis =
        redis_call_open(erasing->setup->config.redis_url, DEADLINE_MS, error);
    if (redis == NULL)
        return -1;
    if (erasing->person == NULL ||
        (sessions_erase(erasing, redis, error) == 0 && replies_visit(erasing, redis, error) == 0))
        status = outbox_visit(erasing, redis, error);
    redis_call_close(redis);
    return status;
}
