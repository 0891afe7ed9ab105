/* Allocators that wipe, in front of malloc's. libevent's keeps what a thread gave back for its next
 * request, which takes a good hundred pieces of the same few sizes. Our own structs are wiped by
 * their owners. */
#include "server/security/zeroing_allocator.h"

#include "store/base/poison.h"
#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Pieces are powers of two from 64 to 4096, head included, and begin with a cache line, of which
 * most of libevent's need one; larger ones go to malloc and back. */
#define POOLS 7
#define PIECE_MIN 64
/* What a thread keeps of each size at most. */
#define KEPT_MAX 32768
#define KEPT_BYTES_MAX ((size_t)4 << 20)
/* A piece is fetched into the cache when the sixth before it is taken: the requests under way have
 * more than it holds. */
#define FETCH_AHEAD 6

/* Stands before each piece of memory. */
struct block {
    alignas(max_align_t) size_t room;
};

/* What is kept is not chained through itself, as that would wait for each piece in turn. */
struct pool {
    size_t count;
    struct block **kept; /* room for KEPT_MAX, from the thread's first piece on */
};

static _Thread_local struct pool pools[POOLS];
static pthread_key_t thread_end;

/* The pool of pieces that hold so many bytes; NULL when there is none. */
static struct pool *pool_of(size_t size)
{
    const size_t piece = size + sizeof(struct block);
    const unsigned index = piece <= PIECE_MIN ? 0 : 58 - (unsigned)__builtin_clzll(piece - 1);

    return index < POOLS ? &pools[index] : NULL;
}

/* The memory of a block, of which no more is to be touched than was asked for. */
static void *open_block(struct block *block, size_t size)
{
    void *memory = block + 1;

    memory_unpoison(memory, size);
    memory_poison((char *)memory + size, block->room - size);
    return memory;
}

static void *take_block(size_t size)
{
    struct pool *pool = size > SIZE_MAX / 2 ? NULL : pool_of(size);
    struct block *block;

    if (pool != NULL && pool->count > 0) {
        block = pool->kept[--pool->count];
        if (pool->count >= FETCH_AHEAD)
            __builtin_prefetch(pool->kept[pool->count - FETCH_AHEAD], 1);
        return open_block(block, size);
    }
    if (size > SIZE_MAX / 2)
        return NULL;
    const size_t room = pool != NULL ? ((size_t)PIECE_MIN << (pool - pools)) - sizeof *block : size;
    block = pool != NULL ? aligned_alloc(PIECE_MIN, sizeof *block + room)
                         : malloc(sizeof *block + room);
    if (block == NULL)
        return NULL;
    block->room = room;
    return open_block(block, size);
}

/* What a thread kept goes with it. */
static void pools_free(void *arg)
{
    struct pool *mine = arg;

    for (size_t i = 0; i < POOLS; i++) {
        while (mine[i].count > 0)
            free(mine[i].kept[--mine[i].count]);
        free(mine[i].kept);
        mine[i].kept = NULL;
    }
}

static bool keep(struct pool *pool, struct block *block)
{
    if (pool->count == KEPT_MAX || pool->count * block->room > KEPT_BYTES_MAX)
        return false;
    if (pool->kept == NULL && pthread_setspecific(thread_end, pools) == 0)
        pool->kept = malloc(KEPT_MAX * sizeof(struct block *));
    if (pool->kept == NULL)
        return false;
    memory_poison(block + 1, block->room);
    pool->kept[pool->count++] = block;
    return true;
}

static void give_back(void *memory)
{
    struct block *block;

    if (memory == NULL)
        return;
    block = (struct block *)memory - 1;
    memory_unpoison(memory, block->room);
    explicit_bzero(memory, block->room);
    struct pool *pool = pool_of(block->room);
    if (pool == NULL || !keep(pool, block))
        free(block);
}

/* Never in place: realloc itself might move the bytes and leave the old ones behind. */
static void *resize(void *memory, size_t size)
{
    size_t old = memory == NULL ? 0 : ((struct block *)memory - 1)->room;

    if (size > 0 && size <= old)
        return open_block((struct block *)memory - 1, size);
    void *larger = take_block(size);
    if (larger == NULL)
        return NULL;
    if (memory != NULL) {
        memory_unpoison(memory, old);
        memcpy(larger, memory, old < size ? old : size);
    }
    give_back(memory);
    return larger;
}

/* For jansson and libcurl, which have memory from before we came. */
static void wipe_and_free(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* Never in place, as above. */
static void *wipe_and_resize(void *memory, size_t size)
{
    const size_t old = memory == NULL ? 0 : malloc_usable_size(memory);
    void *other = malloc(size);

    if (other == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(other, memory, old < size ? old : size);
    wipe_and_free(memory);
    return other;
}

void zeroing_allocator_start(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, wipe_and_resize, strdup,
                         calloc);
    if (pthread_key_create(&thread_end, pools_free) != 0)
        abort(); /* there is no memory to begin with */
    event_set_mem_functions(take_block, resize, give_back);
    json_set_alloc_funcs(malloc, wipe_and_free);
}
