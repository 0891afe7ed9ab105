/* Counts in windows that begin with the first thing counted. What is said to somebody whose
 * allowance is spent is left to the exchange. */
#include "server/allowance.h"

#include <pthread.h>
#include <stdlib.h>

#define MINUTE_S 60
#define DAY_S 86400

/* An address has its place in one of the sets; where a set is full, the place that was used
 * longest ago is given away. */
#define SETS 8192
#define PLACES 8
#define LOCKS 64

struct window {
    int64_t start_s;
    unsigned count;
};

struct place {
    uint64_t who;
    int64_t used_s; /* 0: free */
    struct window messages;
    struct window codes;
    bool told;
};

struct allowance {
    struct allowance_limits limits;
    pthread_mutex_t locks[LOCKS];
    struct place sets[SETS][PLACES];
};

struct allowance *allowance_create(const struct allowance_limits *limits)
{
    struct allowance *allowance = calloc(1, sizeof *allowance);

    if (allowance == NULL)
        return NULL;
    allowance->limits = *limits;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&allowance->locks[i], NULL);
    return allowance;
}

void allowance_free(struct allowance *allowance)
{
    if (allowance == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&allowance->locks[i]);
    free(allowance);
}

static pthread_mutex_t *lock_of(struct allowance *allowance, uint64_t who)
{
    return &allowance->locks[who % LOCKS];
}

/* Under the lock: the place of an address, perhaps taken from another. */
static struct place *place_of(struct allowance *allowance, uint64_t who, int64_t now_s)
{
    struct place *set = allowance->sets[who % SETS];
    struct place *place = &set[0];

    for (size_t i = 0; i < PLACES; i++) {
        if (set[i].who == who && set[i].used_s != 0) {
            set[i].used_s = now_s;
            return &set[i];
        }
        if (set[i].used_s < place->used_s)
            place = &set[i];
    }
    *place = (struct place){.who = who, .used_s = now_s};
    return place;
}

/* The count of a window that is open; one that is over begins anew. A clock that was set back
 * opens a new one, too. */
static unsigned count_of(struct window *window, int64_t length_s, int64_t now_s)
{
    if (now_s < window->start_s || now_s - window->start_s >= length_s)
        *window = (struct window){now_s, 0};
    return window->count;
}

enum allowance_verdict allowance_message(struct allowance *allowance, uint64_t who, int64_t now_s,
                                         bool *first)
{
    const struct allowance_limits *limits = &allowance->limits;
    enum allowance_verdict verdict = ALLOWANCE_LEFT;
    struct place *place;

    pthread_mutex_lock(lock_of(allowance, who));
    place = place_of(allowance, who, now_s);
    if (limits->codes_per_day > 0 && count_of(&place->codes, DAY_S, now_s) >= limits->codes_per_day)
        verdict = ALLOWANCE_CODES_SPENT;
    else if (limits->messages_per_minute > 0 &&
             count_of(&place->messages, MINUTE_S, now_s) >= limits->messages_per_minute)
        verdict = ALLOWANCE_MESSAGES_SPENT;
    else
        place->messages.count++;
    *first = verdict != ALLOWANCE_LEFT && !place->told;
    place->told = verdict != ALLOWANCE_LEFT;
    pthread_mutex_unlock(lock_of(allowance, who));
    return verdict;
}

void allowance_code(struct allowance *allowance, uint64_t who, int64_t now_s)
{
    struct place *place;

    pthread_mutex_lock(lock_of(allowance, who));
    place = place_of(allowance, who, now_s);
    count_of(&place->codes, DAY_S, now_s);
    place->codes.count++;
    pthread_mutex_unlock(lock_of(allowance, who));
}
