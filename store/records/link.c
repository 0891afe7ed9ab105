/* What a thread of the program has of the store: hands its operations over, and takes what is
 * finished back to its loop. */
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/records/asker.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLAIM_MS 3000
#define TOTALS_MS 1500
#define SWEEP_MS 5000

/* Calls what has come: a change first, then each `done`. */
static void link_deliver(struct record_link *link)
{
    struct record_store *store = link->store;
    char why[STORE_ERROR_MAX];

    pthread_mutex_lock(&store->mutex);
    struct store_ticket *ticket = link->finished;
    link->finished = NULL;
    link->last = &link->finished;
    bool told = link->tellings != store->tellings;
    link->tellings = store->tellings;
    link->up = store->up;
    memcpy(why, store->why, sizeof why);
    pthread_mutex_unlock(&store->mutex);

    if (told && link->watch.changed)
        link->watch.changed(link->watch.arg, link->up, why);
    while (ticket != NULL) {
        struct store_ticket *next = ticket->next;
        link->under_way--;
        ticket->done(ticket);
        ticket = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    eventfd_t count;

    (void)what;
    eventfd_read(fd, &count);
    link_deliver(arg);
}

void record_link_finish(struct record_link *link, struct store_ticket *ticket)
{
    if (!link->finished) {
        eventfd_write(link->wake, 1);
        pthread_cond_broadcast(&link->store->finished);
    }
    ticket->next = NULL;
    *link->last = ticket;
    link->last = &ticket->next;
}

void record_store_tell(struct record_store *store, bool up, const char *why)
{
    struct record_link *link;

    store->up = up;
    store->tellings++;
    snprintf(store->why, sizeof store->why, "%s", why);
    SLIST_FOREACH(link, &store->links, entry)
    eventfd_write(link->wake, 1);
}

static void link_free(struct record_link *link)
{
    if (link->event)
        event_free(link->event);
    if (link->wake >= 0)
        close(link->wake);
    record_asker_free(link->asker);
    free(link);
}

static struct record_link *link_create(struct record_store *store, struct event_base *base,
                                       char error[STORE_ERROR_MAX])
{
    struct record_link *link = calloc(1, sizeof *link);

    if (link == NULL) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    link->store = store;
    link->last = &link->finished;
    link->asker = record_asker_create(store->asker_key);
    link->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (link->wake >= 0)
        link->event = event_new(base, link->wake, EV_READ | EV_PERSIST, on_wake, link);
    if (link->asker && link->event && event_add(link->event, NULL) == 0)
        return link;
    snprintf(error, STORE_ERROR_MAX, "%s%s",
             link->asker ? "cannot watch an eventfd: " : "the cryptographic library fails",
             link->asker ? strerror(errno) : "");
    link_free(link);
    return NULL;
}

struct record_link *record_attach(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[STORE_ERROR_MAX])
{
    struct record_link *link = link_create(store, base, error);

    if (link == NULL)
        return NULL;
    if (watch != NULL)
        link->watch = *watch;
    pthread_mutex_lock(&store->mutex);
    link->up = store->up && store->tellings == 0; /* else it hears of it */
    SLIST_INSERT_HEAD(&store->links, link, entry);
    if (store->tellings > 0)
        eventfd_write(link->wake, 1);
    pthread_mutex_unlock(&store->mutex);
    return link;
}

/* What the link asked for and nobody has begun ends here. The caller holds the mutex. */
static void errands_drop(struct record_link *link)
{
    struct record_errands kept = STAILQ_HEAD_INITIALIZER(kept);
    struct record_errand *errand;

    while ((errand = STAILQ_FIRST(&link->store->errands)) != NULL) {
        STAILQ_REMOVE_HEAD(&link->store->errands, entry);
        if (errand->link != link) {
            STAILQ_INSERT_TAIL(&kept, errand, entry);
            continue;
        }
        if (errand->run == record_sweep_run)
            link->store->sweeping = false;
        errand->ticket->status = STORE_DOWN;
        record_link_finish(link, errand->ticket);
    }
    STAILQ_CONCAT(&link->store->errands, &kept);
}

void record_detach(struct record_link *link)
{
    struct record_store *store = link != NULL ? link->store : NULL;

    if (link == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    errands_drop(link);
    pthread_mutex_unlock(&store->mutex);
    while (link->under_way > 0) {
        pthread_mutex_lock(&store->mutex);
        while (!link->finished)
            pthread_cond_wait(&store->finished, &store->mutex);
        pthread_mutex_unlock(&store->mutex);
        link_deliver(link);
    }
    pthread_mutex_lock(&store->mutex);
    SLIST_REMOVE(&store->links, link, record_link, entry);
    pthread_mutex_unlock(&store->mutex);
    link_free(link);
}

void record_watch_commits(struct record_link *link, const struct record_commit_watch *watch)
{
    link->commits = *watch;
}

bool record_link_up(const struct record_link *link)
{
    return link->up;
}

/* Whether the link has heard that the store is down. */
static bool link_down(const struct record_link *link)
{
    return link->tellings > 0 && !link->up;
}

/* A file is tried again for each claim; a server that is away is not. */
enum store_status record_claim(struct record_link *link, struct record_claim *claim)
{
    struct record_store *store = link->store;
    bool wakes;

    if (store->dialect == SQL_POSTGRES && link_down(link))
        return STORE_DOWN;
    if (link->under_way >= RECORD_UNDER_WAY_MAX)
        return STORE_FULL;
    link->under_way++;
    claim->link = link;
    claim->due_ms = clock_monotonic_ms() + CLAIM_MS;
    record_asker_sign(link->asker, claim);
    pthread_mutex_lock(&store->mutex);
    STAILQ_INSERT_TAIL(&store->claims, claim, entry);
    wakes = store->writer_idle;
    store->writer_idle = false;
    pthread_mutex_unlock(&store->mutex);
    if (wakes)
        eventfd_write(store->writer.wake, 1);
    return STORE_LATER;
}

static enum store_status errand_hand_over(struct record_link *link, struct record_errand *errand,
                                          struct store_ticket *ticket, int64_t ms)
{
    struct record_store *store = link->store;
    const bool sweeps = errand->run == record_sweep_run;

    errand->error[0] = '\0';
    if (link_down(link))
        return STORE_DOWN;
    if (link->under_way >= RECORD_UNDER_WAY_MAX)
        return STORE_FULL;
    errand->link = link;
    errand->ticket = ticket;
    errand->due_ms = clock_monotonic_ms() + ms;
    pthread_mutex_lock(&store->mutex);
    const bool refused = sweeps && store->sweeping;
    if (!refused) {
        store->sweeping |= sweeps;
        STAILQ_INSERT_TAIL(&store->errands, errand, entry);
    }
    pthread_mutex_unlock(&store->mutex);
    if (refused)
        return STORE_FULL;
    link->under_way++;
    eventfd_write(store->maintenance.wake, 1);
    return STORE_LATER;
}

enum store_status record_sweep(struct record_link *link, struct record_sweep *sweep)
{
    sweep->removed = 0;
    sweep->more = false;
    sweep->errand.run = record_sweep_run;
    return errand_hand_over(link, &sweep->errand, &sweep->ticket, SWEEP_MS);
}

enum store_status record_totals(struct record_link *link, struct record_totals *totals)
{
    enum store_status status;

    totals->all = (struct record_sums){0};
    totals->backup_us = INT64_MIN;
    memset(totals->hours, 0, totals->hour_count * sizeof *totals->hours);
    totals->errand.run = record_totals_run;
    status = errand_hand_over(link, &totals->errand, &totals->ticket, TOTALS_MS);
    return status == STORE_FULL ? STORE_DOWN : status;
}
