/*
 * Counts by key, in a table of a fixed size, for any thread. It is locked from count_begin to
 * count_end, whatever count_begin returned.
 */
#ifndef STORE_BASE_COUNT_TABLE_H
#define STORE_BASE_COUNT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Each set has room for so many of the keys that are equal modulo the number of sets. */
#define COUNT_SETS 16384
#define COUNT_SET_SIZE 8

struct count {
    uint64_t key;
    int64_t since;  /* when it was taken, in the caller's unit */
    unsigned count; /* 0: free */
};

struct count_table;

/* A count is over when it is as old as life, or when the clock was set back; with 0 for life,
 * never. Returns NULL when out of memory. */
struct count_table *count_table_create(uint64_t life);
/* NULL is allowed. */
void count_table_free(struct count_table *table);

/* The count of a key. When it has none, a new one takes a free place, or that of the smallest other
 * one, if this is smaller than keep: 1 is for free places alone, 0 is to look only. Else returns
 * NULL. *full: it looked for a place, and none was free. */
struct count *count_begin(struct count_table *table, uint64_t key, int64_t now, unsigned keep,
                          bool *full);
void count_end(struct count_table *table);

#endif
