/*
 * The front of the session store: it turns addresses into names and sessions into sealed values,
 * and hands both to a backend. Whatever a backend holds was made here.
 */
#include "store/base/keyed_hash.h"
#include "store/sessions/backend.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_PREFIX "uic:s:"
#define MARK_PREFIX "uic:m:"
#define NAME_CHARACTERS 22
/* A mark that is younger than this part of its life need not be saved again. */
#define MARK_LIFE_PARTS 24
#define MARK_UNKNOWN SIZE_MAX

_Static_assert(SEAL_HEAD_SIZE == SESSION_VERSION_SIZE, "the head of a value is its version");
_Static_assert(SEAL_KEY_SIZE == SESSION_KEY_SIZE, "one size of keys");
_Static_assert(KEYED_HASH_KEY_SIZE == SESSION_KEY_SIZE, "one size of keys");
_Static_assert(sizeof NAME_PREFIX + NAME_CHARACTERS <= SESSION_NAME_MAX, "room for a name");

/* A link's own contexts, armed with the keys once, and room for the values of one save. */
struct session_crypto {
    struct keyed_hash *names;
    struct seal *seal;
    unsigned char value[SESSION_SEALED_MAX];
    unsigned char mark[SESSION_MARK_SEALED_MAX];
};

static void crypto_free(struct session_crypto *crypto)
{
    if (crypto == NULL)
        return;
    keyed_hash_free(crypto->names);
    seal_free(crypto->seal);
    free(crypto);
}

static struct session_crypto *crypto_create(const struct session_settings *settings)
{
    struct session_crypto *crypto = calloc(1, sizeof *crypto);
    if (crypto == NULL)
        return NULL;
    crypto->names = keyed_hash_create(settings->address_key);
    crypto->seal = seal_create(settings->seal_key);
    if (crypto->names == NULL || crypto->seal == NULL) {
        crypto_free(crypto);
        return NULL;
    }
    return crypto;
}

struct session_store *session_store_open(const struct session_settings *settings,
                                         char error[STORE_ERROR_MAX])
{
    const struct session_backend *backend = settings->in_redis ? &session_redis : &session_memory;
    struct session_store *store = backend->open(settings, error);
    if (store == NULL)
        return NULL;
    store->backend = backend;
    store->settings = *settings;
    return store;
}

void session_store_close(struct session_store *store)
{
    if (store == NULL)
        return;
    OPENSSL_cleanse(&store->settings, sizeof store->settings);
    store->backend->close(store);
}

struct session_link *session_attach(struct session_store *store, struct redis_link *redis,
                                    const struct store_watch *watch, char error[STORE_ERROR_MAX])
{
    struct session_crypto *crypto = crypto_create(&store->settings);
    if (crypto == NULL) {
        snprintf(error, STORE_ERROR_MAX, "cannot prepare the session keys");
        return NULL;
    }
    struct session_link *link = store->backend->attach(redis, store->settings.in_flight_max, watch);
    if (link == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        crypto_free(crypto);
        return NULL;
    }
    link->store = store;
    link->crypto = crypto;
    return link;
}

void session_detach(struct session_link *link)
{
    if (link == NULL)
        return;
    struct session_crypto *crypto = link->crypto;
    link->store->backend->detach(link);
    crypto_free(crypto);
}

bool session_link_up(const struct session_link *link)
{
    return link->store->backend->up(link);
}

const struct redis_health *session_link_health(const struct session_link *link)
{
    return link->store->backend->health(link);
}

/* The first characters of digest in base64url; three bytes make four of them. */
static void write_name(char name[SESSION_NAME_MAX], const unsigned char digest[KEYED_HASH_SIZE])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t at = strlen(NAME_PREFIX);

    memcpy(name, NAME_PREFIX, at);
    for (size_t i = 0; i < NAME_CHARACTERS; i++) {
        const unsigned char *group = digest + i / 4 * 3;
        unsigned bits = (unsigned)group[0] << 16 | (unsigned)group[1] << 8 | group[2];
        name[at++] = letters[bits >> (18 - i % 4 * 6) & 63];
    }
    name[at] = '\0';
}

/* On failure the name stays empty, and load and save say STORE_DOWN. */
void session_init(struct session_link *link, struct session *session, const char *address,
                  size_t address_length)
{
    unsigned char digest[KEYED_HASH_SIZE];

    session->ticket = (struct store_ticket){0};
    session->length = 0;
    session->mark_length = 0;
    session->old_mark_length = MARK_UNKNOWN;
    session->version_length = 0;
    session->link = link;
    session->name[0] = '\0';
    if (keyed_hash(link->crypto->names, address, address_length, digest) == 0)
        write_name(session->name, digest);
}

enum store_status session_load(struct session_link *link, struct session *session)
{
    session->length = 0;
    session->mark_length = 0;
    session->old_mark_length = MARK_UNKNOWN;
    session->version_length = 0;
    if (session->name[0] == '\0')
        return STORE_DOWN;
    return link->store->backend->load(link, session);
}

enum store_status session_save(struct session_link *link, struct session *session)
{
    if (session->name[0] == '\0')
        return STORE_DOWN;
    if (session->length > SESSION_BYTES_MAX || session->mark_length > SESSION_MARK_MAX)
        return STORE_FULL;
    return link->store->backend->save(link, session);
}

enum store_status session_forget(struct session_link *link, struct session *session, bool keep_mark)
{
    session->length = 0;
    session->mark_length = 0;
    session->old_mark_length = MARK_UNKNOWN;
    session->version_length = 0;
    if (session->name[0] == '\0')
        return STORE_DOWN;
    return link->store->backend->forget(link, session, keep_mark);
}

void session_mark_name(const struct session *session, char name[SESSION_NAME_MAX])
{
    memcpy(name, session->name, SESSION_NAME_MAX);
    memcpy(name, MARK_PREFIX, strlen(MARK_PREFIX));
}

static int seal_value(struct seal *seal, const char *name, const unsigned char *clear,
                      size_t length, unsigned char *sealed, struct session_value *value)
{
    *value = (struct session_value){0};
    if (length == 0)
        return 0;
    if (seal_wrap(seal, name, clear, length, sealed) != 0)
        return -1;
    *value = (struct session_value){sealed, length + SEAL_OVERHEAD};
    return 0;
}

static int seal_mark(struct session *session, struct session_value *mark)
{
    struct session_crypto *crypto = session->link->crypto;
    unsigned char clear[SESSION_MARK_TIME_SIZE + SESSION_MARK_MAX];
    char mark_name[SESSION_NAME_MAX];
    const uint64_t now_s = htole64((uint64_t)time(NULL));

    session_mark_name(session, mark_name);
    memcpy(clear, &now_s, SESSION_MARK_TIME_SIZE);
    memcpy(clear + SESSION_MARK_TIME_SIZE, session->mark, session->mark_length);
    return seal_value(crypto->seal, mark_name, clear,
                      session->mark_length > 0 ? SESSION_MARK_TIME_SIZE + session->mark_length : 0,
                      crypto->mark, mark);
}

static void open_mark(struct session *session, struct session_value mark)
{
    unsigned char clear[SESSION_MARK_TIME_SIZE + SESSION_MARK_MAX];
    char mark_name[SESSION_NAME_MAX];
    uint64_t saved_s;
    size_t length;

    session_mark_name(session, mark_name);
    session->old_mark_length = 0;
    if (mark.length == 0 ||
        seal_unwrap(session->link->crypto->seal, mark_name, mark.bytes, mark.length, clear,
                    sizeof clear, &length) != 0 ||
        length <= SESSION_MARK_TIME_SIZE)
        return;
    session->mark_length = length - SESSION_MARK_TIME_SIZE;
    memcpy(session->mark, clear + SESSION_MARK_TIME_SIZE, session->mark_length);
    memcpy(&saved_s, clear, SESSION_MARK_TIME_SIZE);
    session->old_mark_s = (int64_t)le64toh(saved_s);
    memcpy(session->old_mark, session->mark, session->mark_length);
    session->old_mark_length = session->mark_length;
}

bool session_mark_stays(const struct session *session)
{
    const int64_t life_s = session->link->store->settings.mark_ttl_ms / 1000;
    const int64_t now_s = time(NULL);

    if (session->mark_length != session->old_mark_length ||
        memcmp(session->mark, session->old_mark, session->mark_length) != 0)
        return false;
    return session->mark_length == 0 ||
           (session->old_mark_s <= now_s && session->old_mark_s > now_s - life_s / MARK_LIFE_PARTS);
}

int session_seal(struct session *session, struct session_value *value, struct session_value *mark)
{
    struct session_crypto *crypto = session->link->crypto;

    if (seal_value(crypto->seal, session->name, session->bytes, session->length, crypto->value,
                   value) != 0 ||
        (mark != NULL && seal_mark(session, mark) != 0))
        return -1;
    session->next_version_length = value->length > 0 ? SESSION_VERSION_SIZE : 0;
    memcpy(session->next_version, crypto->value, session->next_version_length);
    return 0;
}

/* A value that does not open still has a version, so that a save can replace it. */
enum store_status session_loaded(struct session *session, struct session_value value,
                                 struct session_value mark)
{
    struct seal *seal = session->link->crypto->seal;

    open_mark(session, mark);
    if (value.length == 0)
        return STORE_ABSENT;
    session->version_length =
        value.length < SESSION_VERSION_SIZE ? value.length : SESSION_VERSION_SIZE;
    memcpy(session->version, value.bytes, session->version_length);
    if (seal_unwrap(seal, session->name, value.bytes, value.length, session->bytes,
                    SESSION_BYTES_MAX, &session->length) != 0) {
        session->length = 0;
        return STORE_ABSENT;
    }
    return STORE_OK;
}

enum store_status session_saved(struct session *session)
{
    session->version_length = session->next_version_length;
    memcpy(session->version, session->next_version, session->next_version_length);
    if (!session_mark_stays(session)) {
        memcpy(session->old_mark, session->mark, session->mark_length);
        session->old_mark_length = session->mark_length;
        session->old_mark_s = time(NULL);
    }
    return STORE_OK;
}
