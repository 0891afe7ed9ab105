/* Counts wrong tries by address. Waiting itself is left to login.c. */
#include "server/admin/tries.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct peer who;
    unsigned failures;
    int64_t failed_ms; /* the last of these */
    int64_t due_ms;    /* when its answer is out */
};

struct tries {
    pthread_mutex_t lock;
    struct place places[TRIES_WAITING_MAX];
};

struct tries *tries_create(void)
{
    struct tries *tries = calloc(1, sizeof *tries);

    if (tries != NULL)
        pthread_mutex_init(&tries->lock, NULL);
    return tries;
}

void tries_free(struct tries *tries)
{
    if (tries == NULL)
        return;
    pthread_mutex_destroy(&tries->lock);
    free(tries);
}

static bool is_taken(const struct place *place, int64_t now_ms)
{
    return place->failures > 0 && now_ms - place->failed_ms < TRIES_FORGET_MS;
}

/* The place of an address. Without one: the place to give it, empty, which is a free one or that of
 * the wrong try longest ago that was answered; NULL when none was. */
static struct place *place_of(struct tries *tries, const struct peer *who, int64_t now_ms)
{
    struct place *oldest = NULL;

    for (size_t i = 0; i < TRIES_WAITING_MAX; i++) {
        struct place *place = &tries->places[i];

        if (!is_taken(place, now_ms))
            *place = (struct place){.failed_ms = INT64_MIN, .due_ms = INT64_MIN};
        else if (memcmp(place->who.bytes, who->bytes, sizeof who->bytes) == 0)
            return place;
        if (place->due_ms <= now_ms && (oldest == NULL || place->failed_ms < oldest->failed_ms))
            oldest = place;
    }
    if (oldest != NULL)
        *oldest = (struct place){.who = *who, .due_ms = INT64_MIN};
    return oldest;
}

static unsigned wait_after(unsigned failures)
{
    unsigned wait_ms = TRIES_FIRST_MS;

    while (--failures > 0 && wait_ms < TRIES_LONGEST_MS)
        wait_ms *= 2;
    return wait_ms < TRIES_LONGEST_MS ? wait_ms : TRIES_LONGEST_MS;
}

static enum tries_verdict judge(struct place *place, bool right, int64_t now_ms, unsigned *wait_ms)
{
    if (place == NULL || place->due_ms > now_ms)
        return TRY_REFUSED;
    if (right) {
        place->failures = 0;
        return TRY_RIGHT;
    }
    place->failures++;
    *wait_ms = wait_after(place->failures);
    place->failed_ms = now_ms;
    place->due_ms = now_ms + *wait_ms;
    return TRY_WRONG;
}

enum tries_verdict tries_judge(struct tries *tries, const struct peer *who, bool right,
                               int64_t now_ms, unsigned *wait_ms)
{
    const struct peer counted = peer_counted_as(who);
    enum tries_verdict verdict;

    pthread_mutex_lock(&tries->lock);
    verdict = judge(place_of(tries, &counted, now_ms), right, now_ms, wait_ms);
    pthread_mutex_unlock(&tries->lock);
    return verdict;
}
