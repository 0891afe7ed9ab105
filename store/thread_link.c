/* Takes what is finished back to its loop, and starts the thread. What the thread does, and how it
 * is told to, is left to the store. */
#include "store/thread_link.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int thread_links_init(struct thread_links *links, bool up)
{
    *links = (struct thread_links){.up = up};
    if (pthread_mutex_init(&links->mutex, NULL) != 0)
        return -1;
    if (pthread_cond_init(&links->finished, NULL) == 0)
        return 0;
    pthread_mutex_destroy(&links->mutex);
    return -1;
}

void thread_links_deinit(struct thread_links *links)
{
    pthread_cond_destroy(&links->finished);
    pthread_mutex_destroy(&links->mutex);
}

int thread_links_run(pthread_t *thread, void *(*run)(void *arg), void *arg,
                     char error[STORE_ERROR_MAX])
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        return 0;
    snprintf(error, STORE_ERROR_MAX, "cannot start the database's thread: %s", strerror(code));
    return -1;
}

/* Calls what has come: a change first, then each `done`. */
static void link_deliver(struct thread_link *link)
{
    struct thread_links *links = link->links;
    char why[STORE_ERROR_MAX];

    pthread_mutex_lock(&links->mutex);
    struct store_ticket *ticket = link->finished;
    link->finished = NULL;
    link->last = &link->finished;
    bool told = link->tellings != links->tellings;
    link->tellings = links->tellings;
    link->up = links->up;
    memcpy(why, links->why, sizeof why);
    pthread_mutex_unlock(&links->mutex);

    if (told && link->watch.changed)
        link->watch.changed(link->watch.arg, link->up, why);
    while (ticket) {
        struct store_ticket *next = ticket->next; /* done may begin another with it */
        link->under_way--;
        ticket->done(ticket);
        ticket = next;
    }
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
    eventfd_t count;

    (void)events;
    eventfd_read(fd, &count);
    link_deliver(arg);
}

int thread_link_attach(struct thread_links *links, struct thread_link *link,
                       struct event_base *base, const struct store_watch *watch,
                       char error[STORE_ERROR_MAX])
{
    *link = (struct thread_link){.links = links};
    link->last = &link->finished;
    if (watch)
        link->watch = *watch;
    link->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (link->wake >= 0)
        link->event = event_new(base, link->wake, EV_READ | EV_PERSIST, on_wake, link);
    if (!link->event || event_add(link->event, NULL) != 0) {
        snprintf(error, STORE_ERROR_MAX, "cannot watch an eventfd: %s", strerror(errno));
        if (link->event)
            event_free(link->event);
        if (link->wake >= 0)
            close(link->wake);
        return -1;
    }
    pthread_mutex_lock(&links->mutex);
    link->up = links->up;
    link->next = links->first;
    links->first = link;
    if (links->tellings > 0)
        eventfd_write(link->wake, 1);
    pthread_mutex_unlock(&links->mutex);
    return 0;
}

void thread_link_detach(struct thread_link *link)
{
    struct thread_links *links = link->links;
    struct thread_link **place = &links->first;

    while (link->under_way > 0) {
        pthread_mutex_lock(&links->mutex);
        while (!link->finished)
            pthread_cond_wait(&links->finished, &links->mutex);
        pthread_mutex_unlock(&links->mutex);
        link_deliver(link);
    }
    pthread_mutex_lock(&links->mutex);
    while (*place != link)
        place = &(*place)->next;
    *place = link->next;
    pthread_mutex_unlock(&links->mutex);
    event_free(link->event);
    close(link->wake);
}

enum store_status thread_link_begin(struct thread_link *link)
{
    if (link->under_way >= THREAD_LINK_MAX)
        return STORE_FULL;
    link->under_way++;
    return STORE_LATER;
}

bool thread_link_down(const struct thread_link *link)
{
    return link->tellings > 0 && !link->up;
}

void thread_link_finish(struct thread_link *link, struct store_ticket *ticket)
{
    if (!link->finished) {
        eventfd_write(link->wake, 1);
        pthread_cond_broadcast(&link->links->finished);
    }
    ticket->next = NULL;
    *link->last = ticket;
    link->last = &ticket->next;
}

void thread_links_tell(struct thread_links *links, bool up, const char *why)
{
    links->up = up;
    links->tellings++;
    snprintf(links->why, sizeof links->why, "%s", why);
    for (struct thread_link *link = links->first; link; link = link->next)
        eventfd_write(link->wake, 1);
}
