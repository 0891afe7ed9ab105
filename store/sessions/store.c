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
#define NOTE_LAYOUT 0xe1
#define NOTE_SIZE sizeof(struct session_note)
#define MARK_UNKNOWN UINT8_MAX
/* For replicas: less than the prompt link's deadline. */
#define WAIT_MS 700
/* Beyond a life by Redis's clock: it says whole seconds, now and then. */
#define AGE_SPARE_S 60

_Static_assert(SEAL_HEAD_SIZE == SESSION_VERSION_SIZE, "the head of a value is its version");
_Static_assert(SEAL_KEY_SIZE == SESSION_KEY_SIZE, "one size of keys");
_Static_assert(KEYED_HASH_KEY_SIZE == SESSION_KEY_SIZE, "one size of keys");
_Static_assert(sizeof NAME_PREFIX + NAME_CHARACTERS <= SESSION_NAME_MAX, "room for a name");
_Static_assert(SESSION_NAME_MAX <= SEAL_LABEL_MAX, "a name is a label");
_Static_assert(NOTE_SIZE == 32, "a note is the same bytes everywhere");

struct session_store *session_store_open(const struct session_settings *settings,
                                         char error[ERROR_MAX])
{
    struct session_store *store = calloc(1, sizeof *store);

    snprintf(error, ERROR_MAX, "out of memory for sessions");
    if (store == NULL)
        return NULL;
    store->settings = *settings;
    if (!settings->in_redis)
        store->settings.replicas = 0;
    store->keys = seal_keys_create(settings->seal_key);
    store->backend = settings->in_redis ? &session_redis : &session_memory;
    snprintf(store->ttl, sizeof store->ttl, "%u", settings->ttl_ms);
    snprintf(store->mark_ttl, sizeof store->mark_ttl, "%u", settings->mark_ttl_ms);
    store->memory = settings->in_redis ? NULL : session_memory_open(&store->settings);
    if (store->keys != NULL && (settings->in_redis || store->memory != NULL))
        return store;
    session_store_close(store);
    return NULL;
}

void session_store_close(struct session_store *store)
{
    if (store == NULL)
        return;
    session_memory_close(store->memory);
    seal_keys_free(store->keys);
    OPENSSL_cleanse(&store->settings, sizeof store->settings);
    free(store);
}

static void on_replicas(void *arg, size_t saves, const char *why_not)
{
    struct session_link *link = arg;

    (void)saves;
    if (why_not != NULL)
        session_health_refused(&link->health, why_not);
}

static int replicas_join(struct session_link *link, struct redis_link *redis)
{
    const struct redis_replicas_settings wanted = {
        .wanted = link->store->settings.replicas,
        .wait_ms = WAIT_MS,
        .told = on_replicas,
        .arg = link,
    };

    return wanted.wanted > 0 ? redis_replicas_join(&link->replicas, redis, &wanted) : 0;
}

struct session_link *session_attach(struct session_store *store, struct redis_link *redis,
                                    const struct store_watch *watch, char error[ERROR_MAX])
{
    const struct session_settings *settings = &store->settings;
    struct session_link *link = calloc(1, sizeof *link);

    snprintf(error, ERROR_MAX, "cannot prepare the session keys");
    if (link == NULL)
        return NULL;
    link->store = store;
    link->names = keyed_hash_create(settings->address_key);
    link->seal = seal_create(store->keys);
    if (link->names == NULL || link->seal == NULL)
        goto failed;
    link->health.serves = !settings->in_redis;
    if (!settings->in_redis)
        return link;
    redis_lane_join(&link->lane, redis, settings->in_flight_max, NULL);
    if (replicas_join(link, redis) == 0 && session_clock_start(&link->clock, redis) == 0 &&
        session_health_start(&link->health, redis, &link->replicas, watch) == 0)
        return link;
    snprintf(error, ERROR_MAX, "out of memory");
failed:
    session_detach(link);
    return NULL;
}

void session_detach(struct session_link *link)
{
    if (link == NULL)
        return;
    redis_lane_leave(&link->lane);
    redis_replicas_leave(&link->replicas);
    session_clock_stop(&link->clock);
    session_health_stop(&link->health);
    keyed_hash_free(link->names);
    seal_free(link->seal);
    free(link);
}

bool session_link_up(const struct session_link *link)
{
    return link->health.serves;
}

const struct redis_health *session_link_health(const struct session_link *link)
{
    return &link->health.found;
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

static void session_clear(struct session *session)
{
    session->length = 0;
    session->mark_length = 0;
    session->too_old = session->asked_time = false;
    session->known = (struct session_known){.note.mark_length = MARK_UNKNOWN};
}

/* On failure the name stays empty, and load and save say STORE_DOWN. */
void session_init(struct session_link *link, struct session *session, const char *address,
                  size_t address_length)
{
    unsigned char digest[KEYED_HASH_SIZE];

    session->ticket = (struct store_ticket){0};
    session_clear(session);
    session->link = link;
    session->bytes = link->clear;
    session->name[0] = '\0';
    memset(session->who, 0, sizeof session->who);
    if (keyed_hash(link->names, address, address_length, digest) != 0)
        return;
    write_name(session->name, digest);
    memcpy(session->who, digest + KEYED_HASH_SIZE - SESSION_WHO_SIZE, SESSION_WHO_SIZE);
    session->subkey = (unsigned)digest[0] << 4 | digest[1] >> 4;
    memcpy(session->mark_name, session->name, SESSION_NAME_MAX);
    memcpy(session->mark_name, MARK_PREFIX, strlen(MARK_PREFIX));
}

/* Loading */

enum store_status session_load(struct session_link *link, struct session *session)
{
    session_wipe(session);
    session_clear(session);
    return session->name[0] != '\0' ? link->store->backend->load(link, session) : STORE_DOWN;
}

/* Whoever can write to Redis may put back what he read there. What was sealed before values told
 * their time is too old at any time. */
static bool is_too_old(const struct seal_opened *opened, unsigned ttl_ms, int64_t now_s)
{
    return opened->time_s == 0 ||
           (now_s > 0 && now_s - opened->time_s > (int64_t)ttl_ms / 1000 + AGE_SPARE_S);
}

/* Takes the note off the end of the bytes. */
static int open_value(struct session *session, struct session_value value, int64_t now_s)
{
    struct session_note *note = &session->known.note;
    struct seal_opened opened;

    if (seal_unwrap(session->link->seal, session->name, value.bytes, value.length, session->bytes,
                    sizeof session->link->clear, &opened) != 0)
        return -1;
    if (is_too_old(&opened, session->link->store->settings.ttl_ms, now_s)) {
        OPENSSL_cleanse(session->bytes, opened.length);
        session->too_old = true;
        return -1;
    }
    if (opened.length < NOTE_SIZE) {
        OPENSSL_cleanse(session->bytes, opened.length);
        return -1;
    }
    session->length = opened.length - NOTE_SIZE;
    memcpy(note, session->bytes + session->length, NOTE_SIZE);
    return note->layout == NOTE_LAYOUT && note->mark_length <= SESSION_MARK_MAX ? 0 : -1;
}

/* The note of another mark than the one that is there says nothing. */
static void find_mark(struct session *session, struct session_value mark, int64_t now_s)
{
    struct session_note *note = &session->known.note;
    const size_t noted = note->mark_length;
    struct seal_opened opened;

    if (mark.length == (noted > 0 ? noted + SEAL_OVERHEAD : 0)) {
        memcpy(session->mark, note->mark, noted);
        session->mark_length = noted;
        return;
    }
    note->mark_length = MARK_UNKNOWN;
    session->mark_length = 0;
    if (seal_unwrap(session->link->seal, session->mark_name, mark.bytes, mark.length, session->mark,
                    SESSION_MARK_MAX, &opened) != 0)
        return;
    if (is_too_old(&opened, session->link->store->settings.mark_ttl_ms, now_s))
        session->too_old = true;
    else
        session->mark_length = opened.length;
}

/* A value that does not open still has a version, so that a save can replace it. */
enum store_status session_loaded(struct session *session, struct session_value value,
                                 struct session_value mark, int64_t now_s)
{
    struct session_known *known = &session->known;
    const bool opened = value.length > 0 && open_value(session, value, now_s) == 0;

    known->version_length =
        value.length < SESSION_VERSION_SIZE ? value.length : SESSION_VERSION_SIZE;
    if (value.length > 0)
        memcpy(known->version, value.bytes, known->version_length);
    if (!opened) {
        session_wipe(session);
        known->note.mark_length = MARK_UNKNOWN;
    }
    find_mark(session, mark, now_s);
    return opened ? STORE_OK : STORE_ABSENT;
}

/* Saving */

/* Whether the mark to be saved is the one that the store has already, written not long ago. */
static bool mark_stays(const struct session *session, uint64_t now_s)
{
    const struct session_note *note = &session->known.note;
    const uint64_t young_s =
        session->link->store->settings.mark_ttl_ms / 1000 / SESSION_MARK_WRITES;

    return session->mark_length == note->mark_length &&
           memcmp(session->mark, note->mark, note->mark_length) == 0 &&
           (note->mark_length == 0 || now_s - le64toh(note->saved_s) < young_s);
}

static void write_note(struct session *session, uint64_t now_s)
{
    struct session_note *note = &session->next.note;

    *note = (struct session_note){.saved_s = htole64(now_s),
                                  .layout = NOTE_LAYOUT,
                                  .mark_length = (uint8_t)session->mark_length};
    memcpy(note->mark, session->mark, session->mark_length);
}

/* Nothing is sealed as nothing. The time is Redis's, by which it is judged, where that is known. */
static int seal_value(struct session *session, const char *name, const unsigned char *clear,
                      size_t length, unsigned char *sealed, struct session_value *value)
{
    const int64_t redis_s = session_clock_now_s(&session->link->clock);
    const struct seal_terms terms = {name, session->subkey, redis_s > 0 ? redis_s : time(NULL)};

    *value = (struct session_value){sealed, length > 0 ? length + SEAL_OVERHEAD : 0};
    return length > 0 ? seal_wrap(session->link->seal, &terms, clear, length, sealed) : 0;
}

static int seal_session(struct session *session, struct session_value *value)
{
    struct session_link *link = session->link;
    struct session_known *next = &session->next;
    const size_t length = session->length;

    memcpy(session->bytes + length, &next->note, NOTE_SIZE);
    if (seal_value(session, session->name, session->bytes, length > 0 ? length + NOTE_SIZE : 0,
                   link->value, value) != 0)
        return -1;
    next->version_length = length > 0 ? SESSION_VERSION_SIZE : 0;
    memcpy(next->version, link->value, next->version_length);
    return 0;
}

enum store_status session_save(struct session_link *link, struct session *session)
{
    const uint64_t now_s = (uint64_t)time(NULL);
    struct session_value value, mark;

    if (session->name[0] == '\0')
        return STORE_DOWN;
    if (session->length > SESSION_BYTES_MAX || session->mark_length > SESSION_MARK_MAX)
        return STORE_FULL;
    const bool stays = mark_stays(session, now_s);
    if (stays)
        session->next.note = session->known.note;
    else
        write_note(session, now_s);
    if (seal_session(session, &value) != 0 ||
        (!stays && seal_value(session, session->mark_name, session->mark, session->mark_length,
                              link->mark, &mark) != 0))
        return STORE_DOWN;
    return link->store->backend->save(link, session, value, stays ? NULL : &mark);
}

enum store_status session_saved(struct session *session)
{
    session->known = session->next;
    return STORE_OK;
}

void session_wipe(struct session *session)
{
    if (session->length > 0)
        OPENSSL_cleanse(session->bytes, session->length + NOTE_SIZE);
    session->length = 0;
}

bool session_may_be_lost(const struct session *session)
{
    return session->link->store->settings.replicas > 0 && session->known.version_length > 0;
}

enum store_status session_forget(struct session_link *link, struct session *session, bool keep_mark)
{
    session_wipe(session);
    session_clear(session);
    return session->name[0] != '\0' ? link->store->backend->forget(link, session, keep_mark)
                                    : STORE_DOWN;
}
