/* Counts wrong tries by address. */
#include "server/http/tries.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

/* Addresses of one place are slowed together, which costs the right token some seconds at most. */
#define PLACES 4096

struct place {
    unsigned failures;
    int64_t failed_ms; /* the last of these */
    int64_t due_ms;    /* when the last answer is out */
};

struct tries {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose addresses of one place */
    struct place places[PLACES];
};

struct tries *tries_create(void)
{
    struct tries *tries = calloc(1, sizeof *tries);

    if (tries == NULL)
        return NULL;
    if (RAND_bytes((unsigned char *)&tries->seed, sizeof tries->seed) != 1) {
        free(tries);
        return NULL;
    }
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

static unsigned wait_after(unsigned failures)
{
    unsigned wait_ms = TRIES_FIRST_MS;

    while (--failures > 0 && wait_ms < TRIES_LONGEST_MS)
        wait_ms *= 2;
    return wait_ms < TRIES_LONGEST_MS ? wait_ms : TRIES_LONGEST_MS;
}

/* A right one changes nothing: who shares the address of whoever guesses does not help him. */
static unsigned place_wait(struct place *place, bool right, int64_t now_ms)
{
    if (right)
        return place->due_ms > now_ms ? (unsigned)(place->due_ms - now_ms) : 0;
    if (now_ms - place->failed_ms >= TRIES_FORGET_MS)
        place->failures = 0;
    place->failures++;
    place->failed_ms = now_ms;
    const unsigned wait_ms = wait_after(place->failures);
    if (place->due_ms < now_ms + wait_ms)
        place->due_ms = now_ms + wait_ms;
    return wait_ms;
}

unsigned tries_wait(struct tries *tries, const struct peer *who, bool right, int64_t now_ms)
{
    const struct peer counted = peer_counted_as(who);
    unsigned wait_ms;

    pthread_mutex_lock(&tries->lock);
    wait_ms = place_wait(&tries->places[peer_hash(&counted, tries->seed) % PLACES], right, now_ms);
    pthread_mutex_unlock(&tries->lock);
    return wait_ms;
}
