/* Wrong tokens, counted by address. */
#include "server/http/throttle_table.h"

#include "store/base/count_table.h"
#include <openssl/rand.h>
#include <stdlib.h>

/* Addresses of one bucket are slowed together, which costs the right token some seconds at most;
 * and so the table has room for each key. */
#define BUCKETS 4096

struct throttle_table {
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    struct count_table *failures;
};

struct throttle_table *throttle_table_create(void)
{
    struct throttle_table *table = calloc(1, sizeof *table);

    if (table != NULL && RAND_bytes((unsigned char *)&table->seed, sizeof table->seed) == 1 &&
        (table->failures = count_table_create(0)) != NULL)
        return table;
    free(table);
    return NULL;
}

void throttle_table_free(struct throttle_table *table)
{
    if (table == NULL)
        return;
    count_table_free(table->failures);
    free(table);
}

static unsigned wait_after(unsigned failures)
{
    unsigned wait_ms = THROTTLE_FIRST_MS;

    while (--failures > 0 && wait_ms < THROTTLE_LONGEST_MS)
        wait_ms *= 2;
    return wait_ms < THROTTLE_LONGEST_MS ? wait_ms : THROTTLE_LONGEST_MS;
}

static unsigned failure_add(struct count *failures, int64_t now_ms)
{
    if (now_ms - failures->since >= THROTTLE_FORGET_MS)
        failures->count = 0;
    failures->count++;
    if (failures->since < now_ms) /* now that of another thread may be later */
        failures->since = now_ms;
    return wait_after(failures->count);
}

/* How long the answer of the last wrong one still waits. */
static unsigned failure_left(const struct count *failures, int64_t now_ms)
{
    const int64_t due_ms = failures->since + wait_after(failures->count);

    return failures->count > 0 && due_ms > now_ms ? (unsigned)(due_ms - now_ms) : 0;
}

/* A right one changes nothing: who shares the address of whoever guesses does not help him. */
unsigned throttle_table_wait(struct throttle_table *table, const struct client_address *who,
                             bool right, int64_t now_ms)
{
    const uint64_t key = client_address_hash(who, table->seed) % BUCKETS;
    bool full;
    struct count *failures = count_begin(table->failures, key, now_ms, 1, &full);
    unsigned wait_ms = right ? failure_left(failures, now_ms) : failure_add(failures, now_ms);

    count_end(table->failures);
    return wait_ms;
}
