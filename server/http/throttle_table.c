/* Wrong tokens, counted by address. */
#include "server/http/throttle_table.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

/* Addresses of one bucket are slowed together, which costs the right token some seconds at most. */
#define BUCKETS 4096

struct bucket {
    unsigned failures;
    int64_t failed_ms; /* the last of these */
    int64_t due_ms;    /* when the last response is out */
};

struct throttle_table {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    struct bucket buckets[BUCKETS];
};

struct throttle_table *throttle_table_create(void)
{
    struct throttle_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    if (RAND_bytes((unsigned char *)&table->seed, sizeof table->seed) != 1) {
        free(table);
        return NULL;
    }
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

void throttle_table_free(struct throttle_table *table)
{
    if (table == NULL)
        return;
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static unsigned wait_after(unsigned failures)
{
    unsigned wait_ms = THROTTLE_FIRST_MS;

    while (--failures > 0 && wait_ms < THROTTLE_LONGEST_MS)
        wait_ms *= 2;
    return wait_ms < THROTTLE_LONGEST_MS ? wait_ms : THROTTLE_LONGEST_MS;
}

/* A right one changes nothing: who shares the address of whoever guesses does not help him. */
static unsigned bucket_wait(struct bucket *bucket, bool right, int64_t now_ms)
{
    if (right)
        return bucket->due_ms > now_ms ? (unsigned)(bucket->due_ms - now_ms) : 0;
    if (now_ms - bucket->failed_ms >= THROTTLE_FORGET_MS)
        bucket->failures = 0;
    bucket->failures++;
    bucket->failed_ms = now_ms;
    const unsigned wait_ms = wait_after(bucket->failures);
    if (bucket->due_ms < now_ms + wait_ms)
        bucket->due_ms = now_ms + wait_ms;
    return wait_ms;
}

unsigned throttle_table_wait(struct throttle_table *table, const struct client_address *who,
                             bool right, int64_t now_ms)
{
    const struct client_address counted = client_address_counted_as(who);

    pthread_mutex_lock(&table->lock);
    unsigned wait_ms = bucket_wait(
        &table->buckets[client_address_hash(&counted, table->seed) % BUCKETS], right, now_ms);
    pthread_mutex_unlock(&table->lock);
    return wait_ms;
}
