/*
 * Links of a store whose work is done by one thread of its own, for all links: how operations that
 * are done come back to the loops they came from, and how these hear whether the store is up. How
 * they get to the thread is the store's affair.
 *
 *     link's thread                            store's thread
 *     thread_link_begin(link); hand over ───►  work …
 *     ticket.done, on the loop  ◄───eventfd──  thread_link_finish(link, ticket)
 *     watch.changed             ◄───eventfd──  thread_links_tell(links, up, why)
 */
#ifndef STORE_THREAD_LINK_H
#define STORE_THREAD_LINK_H

#include "store/ticket.h"
#include <pthread.h>
#include <stddef.h>

struct event;
struct event_base;

struct thread_links {
    pthread_mutex_t mutex; /* the store may guard with it what it hands over */
    /* Guarded by it: */
    pthread_cond_t finished; /* to thread_link_detach */
    struct thread_link *first;
    bool up;
    unsigned tellings; /* so often it was told */
    char why[STORE_ERROR_MAX];
};

struct thread_link {
    struct thread_links *links;
    struct thread_link *next;      /* guarded by the mutex, like the next two */
    struct store_ticket *finished; /* the first of those that go back, */
    struct store_ticket **last;    /* and where the next one goes */
    int wake;                      /* eventfd */
    /* Of the link's thread: */
    struct event *event;
    struct store_watch watch;
    size_t under_way;
    bool up;
    unsigned tellings; /* heard */
};

/* up: what links take it for until they are told. Returns 0, or -1 without memory. */
int thread_links_init(struct thread_links *links, bool up);
/* When no link is attached any more, and the thread has ended. */
void thread_links_deinit(struct thread_links *links);

/* Starts the store's thread, which gets no signals: those are for the program's own. Returns 0, or
 * -1 with error. */
int thread_links_run(pthread_t *thread, void *(*run)(void *arg), void *arg,
                     char error[STORE_ERROR_MAX]);

/* On the thread that runs base. watch may be NULL. Returns 0, or -1 with error. */
int thread_link_attach(struct thread_links *links, struct thread_link *link,
                       struct event_base *base, const struct store_watch *watch,
                       char error[STORE_ERROR_MAX]);
/* Waits for all that is under way; its `done` is called from here. */
void thread_link_detach(struct thread_link *link);

/* Operations that one link may have under way. */
#define THREAD_LINK_MAX 8192

/* One more operation is to be handed over. Returns STORE_LATER, or STORE_FULL. */
enum store_status thread_link_begin(struct thread_link *link);
/* Whether the link has heard that the store is down. */
bool thread_link_down(const struct thread_link *link);

/* By the store's thread, which holds the mutex; the ticket has its status. */
void thread_link_finish(struct thread_link *link, struct store_ticket *ticket);
/* By the store's thread, which holds the mutex: all links hear of it, before what is finished later
 * than now. */
void thread_links_tell(struct thread_links *links, bool up, const char *why);

#endif
