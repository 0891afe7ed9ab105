/*
 * Host names without blocking a loop: the system's resolver has no other form than a blocking one,
 * so each lookup has a thread for its time.
 */
#ifndef STORE_BASE_RESOLVER_H
#define STORE_BASE_RESOLVER_H

#include <stddef.h>

struct event_base;
struct resolver;

#define RESOLVER_ADDRESSES_MAX 8
#define RESOLVER_ADDRESS_MAX 64

struct resolver_addresses {
    char text[RESOLVER_ADDRESSES_MAX][RESOLVER_ADDRESS_MAX]; /* numeric, in the system's order */
    size_t count;
    const char *error; /* when count is 0; static */
};

/* done is called once, on the base's loop, and frees the lookup; addresses live during the call.
 * Returns NULL when there is no thread to be had. */
struct resolver *resolver_start(struct event_base *base, const char *host,
                                void (*done)(const struct resolver_addresses *addresses, void *arg),
                                void *arg);
/* done is not called any more. The thread ends by itself. */
void resolver_cancel(struct resolver *lookup);

#endif
