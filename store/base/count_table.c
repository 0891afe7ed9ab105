/* Sets of a few places: a key has its place anywhere in one of them. */
#include "store/base/count_table.h"

#include <pthread.h>
#include <stdlib.h>

struct count_table {
    pthread_mutex_t lock;
    uint64_t oldest; /* age that is not over */
    struct count sets[COUNT_SETS][COUNT_SET_SIZE];
};

struct count_table *count_table_create(uint64_t life)
{
    struct count_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    table->oldest = life - 1; /* of 0: any age */
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

void count_table_free(struct count_table *table)
{
    if (table == NULL)
        return;
    pthread_mutex_destroy(&table->lock);
    free(table);
}

/* 0 of one that is over. Of a clock that was set back, the age is a large one. */
static unsigned count_now(const struct count_table *table, const struct count *count, int64_t now)
{
    return (uint64_t)(now - count->since) > table->oldest ? 0 : count->count;
}

struct count *count_begin(struct count_table *table, uint64_t key, int64_t now, unsigned keep,
                          bool *full)
{
    struct count *set = table->sets[key % COUNT_SETS];
    struct count *least = set;

    *full = false;
    pthread_mutex_lock(&table->lock);
    for (struct count *each = set; each < set + COUNT_SET_SIZE; each++)
        if (each->key == key && count_now(table, each, now) > 0)
            return each;
    if (keep == 0)
        return NULL;
    for (size_t i = 0; i < COUNT_SET_SIZE && count_now(table, least, now) > 0; i++)
        if (count_now(table, &set[i], now) < count_now(table, least, now))
            least = &set[i];
    *full = count_now(table, least, now) > 0;
    if (*full && least->count >= keep)
        return NULL;
    *least = (struct count){.key = key, .since = now};
    return least;
}

void count_end(struct count_table *table)
{
    pthread_mutex_unlock(&table->lock);
}
