/* An allocator around malloc's that wipes. Our own structs are wiped by their owners. */
#include "server/wiping.h"

#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *memory)
{
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

/* Never in place: realloc itself might move the bytes and leave the old ones behind. */
static void *wipe_and_resize(void *memory, size_t size)
{
    size_t old = memory == NULL ? 0 : malloc_usable_size(memory);
    void *larger;

    if (size > 0 && size <= old)
        return memory;
    larger = malloc(size);
    if (larger == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(larger, memory, old < size ? old : size);
    wipe_and_free(memory);
    return larger;
}

void wiping_start(void)
{
    event_set_mem_functions(malloc, wipe_and_resize, wipe_and_free);
    json_set_alloc_funcs(malloc, wipe_and_free);
}
