/*
 * A lookup is owned by two, its thread and its loop; the one who lets go last frees it. The thread
 * announces its end through an eventfd.
 */
#include "store/base/resolver.h"

#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Lookups at one time in the whole process: a silent name server must not fill it with threads. */
#define THREADS_MAX 64

static atomic_int threads;

struct resolver {
    atomic_int owners;
    int finished; /* eventfd */
    struct event *event;
    void (*done)(const struct resolver_addresses *addresses, void *arg);
    void *arg;
    char *host;
    struct resolver_addresses addresses;
};

static void lookup_release(struct resolver *lookup)
{
    if (atomic_fetch_sub(&lookup->owners, 1) > 1)
        return;
    close(lookup->finished);
    free(lookup->host);
    free(lookup);
}

static void collect(struct resolver_addresses *addresses, const struct addrinfo *list)
{
    for (; list != NULL && addresses->count < RESOLVER_ADDRESSES_MAX; list = list->ai_next) {
        char *text = addresses->text[addresses->count];
        if (getnameinfo(list->ai_addr, list->ai_addrlen, text, RESOLVER_ADDRESS_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0)
            addresses->count++;
    }
}

static void *lookup_run(void *arg)
{
    struct resolver *lookup = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;

    int result = getaddrinfo(lookup->host, NULL, &hints, &list);
    if (result == 0) {
        collect(&lookup->addresses, list);
        freeaddrinfo(list);
    }
    if (lookup->addresses.count == 0)
        lookup->addresses.error = gai_strerror(result == 0 ? EAI_NONAME : result);

    const uint64_t one = 1;
    while (write(lookup->finished, &one, sizeof one) < 0)
        continue;
    lookup_release(lookup);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

static void lookup_finished(evutil_socket_t finished, short what, void *arg)
{
    struct resolver *lookup = arg;
    uint64_t count;
    (void)what;

    if (read(finished, &count, sizeof count) < 0)
        return;
    event_free(lookup->event);
    lookup->done(&lookup->addresses, lookup->arg);
    lookup_release(lookup);
}

/* The thread takes no signals: those are for the loops. */
static int start_thread(struct resolver *lookup)
{
    pthread_t thread;
    sigset_t all, before;

    if (atomic_fetch_add(&threads, 1) >= THREADS_MAX) {
        atomic_fetch_sub(&threads, 1);
        return -1;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&thread, NULL, lookup_run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0)
        return pthread_detach(thread);
    atomic_fetch_sub(&threads, 1);
    return -1;
}

struct resolver *resolver_start(struct event_base *base, const char *host,
                                void (*done)(const struct resolver_addresses *addresses, void *arg),
                                void *arg)
{
    struct resolver *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return NULL;
    atomic_init(&lookup->owners, 1);
    lookup->done = done;
    lookup->arg = arg;
    lookup->host = strdup(host);
    lookup->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lookup->event = event_new(base, lookup->finished, EV_READ, lookup_finished, lookup);
    if (lookup->host == NULL || lookup->finished < 0 || lookup->event == NULL ||
        event_add(lookup->event, NULL) < 0)
        goto failed;
    atomic_fetch_add(&lookup->owners, 1);
    if (start_thread(lookup) == 0)
        return lookup;
    atomic_fetch_sub(&lookup->owners, 1);
failed:
    if (lookup->event != NULL)
        event_free(lookup->event);
    lookup_release(lookup);
    return NULL;
}

void resolver_cancel(struct resolver *lookup)
{
    event_free(lookup->event);
    lookup_release(lookup);
}
