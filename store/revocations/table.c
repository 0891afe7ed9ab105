/* What was ended, as a table of hashes in this process, and the same as keys in Redis, for the
 * others. */
#include "store/revocations.h"

#include "store/base/clock.h"
#include "store/base/hex.h"
#include "store/redis/link.h"
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands under way on one link: all that is known at once, and what is asked beside it. */
#define IN_FLIGHT_MAX (REVOCATIONS_MAX + 256)
#define KEY_PREFIX "uic:ended:"
#define KEY_MAX (sizeof KEY_PREFIX + 2 * REVOCATION_HASH_SIZE)

/* Redis what is known. */
static const struct timeval tell_every = {2, 0};

struct known {
    unsigned char hash[REVOCATION_HASH_SIZE];
    int64_t end_s; /* in the past: the row is free */
};

struct revocations {
    pthread_mutex_t lock;
    struct known known[REVOCATIONS_MAX];
};

struct revocations_link {
    struct revocations *revocations;
    struct redis_lane redis; /* for this process alone, on no link */
    struct event *timer;
    bool up;
};

int revocation_init(struct revocation *revocation, const char *text, size_t length, int64_t end_s)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    *revocation = (struct revocation){.end_s = end_s};
    if (SHA256((const unsigned char *)text, length, digest) == NULL)
        return -1;
    memcpy(revocation->hash, digest, REVOCATION_HASH_SIZE);
    return 0;
}

/* In this process */

/* With the lock: its row; or, when it has none, the one that runs out first. */
static struct known *known_row(struct revocations *revocations, const unsigned char *hash)
{
    struct known *first = &revocations->known[0];

    for (struct known *row = first; row < revocations->known + REVOCATIONS_MAX; row++) {
        if (memcmp(row->hash, hash, REVOCATION_HASH_SIZE) == 0)
            return row;
        if (row->end_s < first->end_s)
            first = row;
    }
    return first;
}

static void known_add(struct revocations *revocations, const struct revocation *revocation)
{
    pthread_mutex_lock(&revocations->lock);
    struct known *row = known_row(revocations, revocation->hash);
    memcpy(row->hash, revocation->hash, REVOCATION_HASH_SIZE);
    row->end_s = revocation->end_s;
    pthread_mutex_unlock(&revocations->lock);
}

static bool known_has(struct revocations *revocations, const struct revocation *revocation)
{
    pthread_mutex_lock(&revocations->lock);
    const struct known *row = known_row(revocations, revocation->hash);
    const bool found = memcmp(row->hash, revocation->hash, REVOCATION_HASH_SIZE) == 0 &&
                       row->end_s > clock_wall_s();
    pthread_mutex_unlock(&revocations->lock);
    return found;
}

/* In Redis */

static void key_write(char key[KEY_MAX], const unsigned char hash[REVOCATION_HASH_SIZE])
{
    hex_write(hash, REVOCATION_HASH_SIZE, stpcpy(key, KEY_PREFIX));
}

/* SET KEY 1 EX SECONDS, with one second more for clocks that differ. */
static enum store_status key_set(struct revocations_link *link,
                                 const unsigned char hash[REVOCATION_HASH_SIZE], int64_t end_s,
                                 void (*callback)(const struct redisReply *reply, void *arg),
                                 void *arg)
{
    const int64_t left_s = end_s - clock_wall_s() + 1;
    char key[KEY_MAX], seconds[24];

    if (left_s <= 0)
        return STORE_OK;
    key_write(key, hash);
    snprintf(seconds, sizeof seconds, "%" PRId64, left_s);
    const char *argv[] = {"SET", key, "1", "EX", seconds};

    return redis_lane_send(&link->redis, 5, argv, NULL, callback, arg);
}

static void on_set(const struct redisReply *reply, void *arg)
{
    struct revocation *revocation = arg;
    const bool done = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    store_ticket_finish(&revocation->ticket, done ? STORE_OK : STORE_DOWN);
}

static void on_found(const struct redisReply *reply, void *arg)
{
    struct revocation *revocation = arg;
    enum store_status status = STORE_DOWN;

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
        status = reply->integer > 0 ? STORE_OK : STORE_ABSENT;
    if (status == STORE_OK)
        known_add(revocation->revocations, revocation);
    store_ticket_finish(&revocation->ticket, status);
}

/* Tells Redis all that this process knows. */
static void known_tell(struct revocations_link *link)
{
    struct revocations *revocations = link->revocations;

    pthread_mutex_lock(&revocations->lock);
    for (size_t i = 0; i < REVOCATIONS_MAX; i++)
        (void)key_set(link, revocations->known[i].hash, revocations->known[i].end_s, NULL, NULL);
    pthread_mutex_unlock(&revocations->lock);
}

/* A clock of Redis's that was set forward ends keys before their time. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct revocations_link *link = arg;

    (void)fd;
    (void)what;
    if (link->up)
        known_tell(link);
}

static void on_changed(void *arg, bool up, const char *why)
{
    struct revocations_link *link = arg;

    (void)why;
    if (up && !link->up)
        known_tell(link);
    link->up = up;
}

/* The front */

enum store_status revocation_add(struct revocations_link *link, struct revocation *revocation)
{
    known_add(link->revocations, revocation);
    return link->redis.link != NULL
               ? key_set(link, revocation->hash, revocation->end_s, on_set, revocation)
               : STORE_OK;
}

enum store_status revocation_find(struct revocations_link *link, struct revocation *revocation)
{
    char key[KEY_MAX];

    if (known_has(link->revocations, revocation))
        return STORE_OK;
    if (link->redis.link == NULL)
        return STORE_ABSENT;
    key_write(key, revocation->hash);
    revocation->revocations = link->revocations;
    const char *argv[] = {"EXISTS", key};

    return redis_lane_send(&link->redis, 2, argv, NULL, on_found, revocation);
}

/* Life */

struct revocations *revocations_open(void)
{
    struct revocations *revocations = calloc(1, sizeof *revocations);

    if (revocations != NULL)
        pthread_mutex_init(&revocations->lock, NULL);
    return revocations;
}

void revocations_close(struct revocations *revocations)
{
    if (revocations == NULL)
        return;
    pthread_mutex_destroy(&revocations->lock);
    free(revocations);
}

struct revocations_link *revocations_attach(struct revocations *revocations,
                                            struct redis_link *redis)
{
    struct revocations_link *link = calloc(1, sizeof *link);

    if (link == NULL)
        return NULL;
    link->revocations = revocations;
    if (redis == NULL)
        return link;
    redis_lane_join(&link->redis, redis, IN_FLIGHT_MAX, &(struct store_watch){on_changed, link});
    link->timer = event_new(redis_link_base(redis), -1, EV_PERSIST, on_timer, link);
    if (link->timer != NULL && event_add(link->timer, &tell_every) == 0)
        return link;
    revocations_detach(link);
    return NULL;
}

void revocations_detach(struct revocations_link *link)
{
    if (link == NULL)
        return;
    redis_lane_leave(&link->redis);
    if (link->timer != NULL)
        event_free(link->timer);
    free(link);
}
