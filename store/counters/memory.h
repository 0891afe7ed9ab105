/* Private to the counters: all links' counts, where there is no Redis. Any thread. */
#ifndef STORE_COUNTERS_MEMORY_H
#define STORE_COUNTERS_MEMORY_H

#include "store/counters/batch.h"

struct counters_memory;

/* Returns NULL when memory is out. */
struct counters_memory *counters_memory_create(const struct counters_settings *settings);
void counters_memory_free(struct counters_memory *memory);
void counters_memory_take(struct counters_memory *memory, const struct counters_batch *batch);
void counters_memory_read(struct counters_memory *memory, struct counters_reading *reading,
                          int64_t now_s);

#endif
