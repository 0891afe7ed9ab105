/* Memory that is kept for its next use: until then the address sanitizer, where it runs, reports
 * whoever touches it. */
#ifndef STORE_BASE_POISON_H
#define STORE_BASE_POISON_H

#include <stddef.h>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

static inline void memory_poison(void *memory, size_t size)
{
    ASAN_POISON_MEMORY_REGION(memory, size);
}

static inline void memory_unpoison(void *memory, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
}

#endif
