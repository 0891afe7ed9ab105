/*
 * Host names without blocking a loop: the system's resolver has no other form than a blocking one,
 * so each lookup has a thread for its time.
 */
#ifndef STORE_REDIS_LOOKUP_H
#define STORE_REDIS_LOOKUP_H

#include <stddef.h>

struct event_base;
struct redis_lookup;

#define REDIS_ADDRESSES_MAX 8
#define REDIS_ADDRESS_MAX 64

struct redis_addresses {
    char text[REDIS_ADDRESSES_MAX][REDIS_ADDRESS_MAX]; /* numeric, in the system's order */
    size_t count;
    const char *error; /* when count is 0; static */
};

/* done is called once, on the base's loop, and frees the lookup; addresses live during the call.
 * Returns NULL when there is no thread to be had. */
struct redis_lookup *
redis_lookup_start(struct event_base *base, const char *host,
                   void (*done)(const struct redis_addresses *addresses, void *arg), void *arg);
/* done is not called any more. The thread ends by itself. */
void redis_lookup_cancel(struct redis_lookup *lookup);

#endif
