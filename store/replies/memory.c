/*
 * Replies in memory, shared by the threads of one process and lost with it: one list, with one lock
 * that each operation holds for one walk along it. What is known of a person lies in a slot by the
 * hash, which those few share who wait for each other then: the pace, the keys that were put last,
 * and which reply the one who wrote last has last.
 */
#include "store/base/clock.h"
#include "store/replies/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16384
#define LANE_KEYS 8
#define OUT INT64_MAX

struct kept {
    TAILQ_ENTRY(kept) next;
    int64_t put_at, due; /* OUT while it is taken */
    uint64_t who;
    size_t length;
    unsigned char bytes[];
};

struct lane {
    unsigned visit; /* the take that came by last */
    int64_t paid;
    uint64_t keys[LANE_KEYS];
    size_t next_key;
    uint64_t newest_who, newest_sent_id; /* 0: it was not sent yet */
    int64_t newest_until;
};

struct replies_memory {
    pthread_mutex_t lock;
    TAILQ_HEAD(, kept) queue;
    const struct replies_settings *settings;
    uint64_t length;
    unsigned visit;
    struct lane lanes[LANES];
    size_t oldest_sent;
    int64_t sent[]; /* when the last replies were taken, as many as a second may have */
};

static struct lane *lane_of(struct replies_memory *memory, uint64_t who)
{
    return &memory->lanes[who % LANES];
}

static bool lane_knows(const struct lane *lane, uint64_t key)
{
    for (size_t i = 0; i < LANE_KEYS && i < lane->next_key; i++)
        if (lane->keys[i] == key)
            return true;
    return false;
}

/* With the lock, as all that follows until an operation of the backend. */
static enum store_status append(struct replies_memory *memory, const struct replies_kept *from,
                                uint64_t key)
{
    const bool fits = memory->length < memory->settings->length_max;
    struct kept *kept = fits ? calloc(1, sizeof *kept + from->length) : NULL;
    struct lane *lane = lane_of(memory, from->who);

    if (kept == NULL)
        return STORE_FULL;
    kept->put_at = clock_monotonic_ms();
    kept->who = from->who;
    kept->length = from->length;
    memcpy(kept->bytes, from->bytes, from->length);
    lane->keys[lane->next_key++ % LANE_KEYS] = key;
    lane->newest_who = kept->who;
    lane->newest_sent_id = 0;
    lane->newest_until = kept->put_at + memory->settings->put_ttl_ms;
    TAILQ_INSERT_TAIL(&memory->queue, kept, next);
    memory->length++;
    return STORE_OK;
}

static enum store_status memory_put(struct replies_link *link, struct replies_entry *entry,
                                    const struct replies_kept *kept)
{
    struct replies_memory *memory = link->store->memory;
    enum store_status status = STORE_OK;

    pthread_mutex_lock(&memory->lock);
    if (!lane_knows(lane_of(memory, kept->who), entry->key))
        status = append(memory, kept, entry->key);
    pthread_mutex_unlock(&memory->lock);
    replies_consumer_wake(link);
    return status;
}

/* In how many ms there are fewer than so many in so many ms. */
static int64_t wait_for(const struct replies_memory *memory, unsigned count, int64_t ms,
                        int64_t now)
{
    const unsigned rate = memory->settings->per_second;
    const int64_t first = memory->sent[(memory->oldest_sent + rate - count) % rate];

    return first + ms > now ? first + ms - now : 0;
}

/* How long nobody may be sent anything; 0: one reply may go, and is noted. A second's worth is
 * spread over its tenths, so that on its way to Meta none catches up with those of the second
 * before. */
static int64_t rate_wait(struct replies_memory *memory, int64_t now)
{
    const unsigned rate = memory->settings->per_second;

    if (rate == 0)
        return 0;
    const int64_t second = wait_for(memory, rate, 1000, now);
    const int64_t tenth = wait_for(memory, (rate + 9) / 10, 100, now);
    if (second > 0 || tenth > 0)
        return second > tenth ? second : tenth;
    memory->sent[memory->oldest_sent] = now;
    memory->oldest_sent = (memory->oldest_sent + 1) % rate;
    return 0;
}

/* When it may be taken: never, unless it is the first of its lane that this walk meets. */
static int64_t kept_due(struct replies_memory *memory, const struct kept *kept)
{
    struct lane *lane = lane_of(memory, kept->who);
    const int64_t paced = lane->paid - PACE_AHEAD_MS;

    if (lane->visit == memory->visit)
        return OUT;
    lane->visit = memory->visit;
    return kept->due > paced ? kept->due : paced;
}

/* Whether it is taken; if not, nobody may be sent anything for a while. */
static bool kept_take(struct replies_memory *memory, struct kept *kept, int64_t now,
                      struct replies_taken *taken)
{
    const int64_t wait_ms = rate_wait(memory, now);

    if (wait_ms > 0) {
        taken->wait_ms = wait_ms;
        return false;
    }
    kept->due = OUT;
    taken->kept[taken->count++] = (struct replies_kept){kept->who, kept->bytes, kept->length};
    return true;
}

static void walk(struct replies_memory *memory, unsigned most, struct replies_taken *taken)
{
    const int64_t now = clock_monotonic_ms();
    struct kept *kept = TAILQ_FIRST(&memory->queue);

    *taken = (struct replies_taken){.length = memory->length, .wait_ms = OUT};
    taken->oldest_age_ms = kept != NULL ? now - kept->put_at : 0;
    memory->visit++;
    for (; kept != NULL && taken->wait_ms > 0; kept = TAILQ_NEXT(kept, next)) {
        const int64_t due = kept_due(memory, kept);
        const int64_t wait_ms = due > now ? due - now : 0;
        if (wait_ms == 0 && taken->count < most) {
            if (!kept_take(memory, kept, now, taken))
                return;
        } else if (wait_ms < taken->wait_ms) {
            taken->wait_ms = wait_ms;
        }
    }
}

static enum store_status memory_take(struct replies_link *link, unsigned most)
{
    struct replies_memory *memory = link->store->memory;
    struct replies_taken taken;

    pthread_mutex_lock(&memory->lock);
    walk(memory, most, &taken);
    pthread_mutex_unlock(&memory->lock);
    replies_consumer_taken(link, &taken);
    return STORE_LATER;
}

static void kept_remove(struct replies_memory *memory, struct kept *kept,
                        const struct replies_item *item)
{
    struct lane *lane = lane_of(memory, kept->who);
    const struct kept *later = kept;
    const int64_t now = clock_monotonic_ms();

    if (item->sent)
        lane->paid = (lane->paid > now ? lane->paid : now) + PACE_MS;
    while ((later = TAILQ_NEXT(later, next)) != NULL && later->who != kept->who)
        continue;
    if (later == NULL && lane->newest_who == kept->who)
        lane->newest_sent_id = item->sent ? item->reply.sent_id : 0;
    TAILQ_REMOVE(&memory->queue, kept, next);
    memory->length--;
    free(kept);
}

/* Who took it settles it: no lease ends here. */
static enum store_status memory_settle(struct replies_item *item)
{
    struct replies_memory *memory = item->link->store->memory;
    struct kept *kept;

    pthread_mutex_lock(&memory->lock);
    TAILQ_FOREACH(kept, &memory->queue, next)
    {
        if (kept->due == OUT && kept->who == item->who)
            break;
    }
    kept->due = clock_monotonic_ms() + item->delay_ms;
    memcpy(kept->bytes + kept->length - REPLY_TAIL_SIZE, item->tail, REPLY_TAIL_SIZE);
    if (item->over)
        kept_remove(memory, kept, item);
    pthread_mutex_unlock(&memory->lock);
    replies_consumer_settled(item);
    return STORE_LATER;
}

static enum store_status memory_newest(struct replies_link *link, uint64_t who,
                                       struct replies_newest *newest)
{
    struct replies_memory *memory = link->store->memory;
    const struct lane *lane = lane_of(memory, who);

    pthread_mutex_lock(&memory->lock);
    if (lane->newest_who == who && lane->newest_until > clock_monotonic_ms())
        newest->id = lane->newest_sent_id;
    pthread_mutex_unlock(&memory->lock);
    return newest->id != 0 ? STORE_OK : STORE_ABSENT;
}

struct replies_memory *replies_memory_create(const struct replies_settings *settings)
{
    struct replies_memory *memory =
        calloc(1, sizeof *memory + settings->per_second * sizeof memory->sent[0]);

    if (memory == NULL || pthread_mutex_init(&memory->lock, NULL) != 0) {
        free(memory);
        return NULL;
    }
    TAILQ_INIT(&memory->queue);
    memory->settings = settings;
    for (unsigned i = 0; i < settings->per_second; i++)
        memory->sent[i] = -1000;
    return memory;
}

void replies_memory_free(struct replies_memory *memory)
{
    struct kept *kept;

    if (memory == NULL)
        return;
    while ((kept = TAILQ_FIRST(&memory->queue)) != NULL) {
        TAILQ_REMOVE(&memory->queue, kept, next);
        free(kept);
    }
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

const struct replies_backend replies_in_memory = {memory_put, memory_take, memory_settle,
                                                  memory_newest};
