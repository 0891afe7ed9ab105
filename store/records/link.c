/* What a thread of the program has of the store: it hands jobs over, and takes what is finished
 * back to its loop. */
#include "store/records/store.h"

#include "store/base/clock.h"
#include "store/base/keyed_hash.h"
#include "store/records/asker.h"
#include "store/records/erased.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define CLAIM_MS 3000
#define TOTALS_MS 1500
#define SWEEP_MS 5000
#define MOVE_MS 5000

/* Calls what has come: a change first, then each `done`. */
static void link_deliver(struct record_link *link)
{
    struct record_store *store = link->store;
    struct record_jobs finished = STAILQ_HEAD_INITIALIZER(finished);
    struct record_job *job;
    char why[ERROR_MAX];

    pthread_mutex_lock(&store->mutex);
    STAILQ_CONCAT(&finished, &link->finished.jobs);
    const bool told = link->tellings != store->tellings;
    link->tellings = store->tellings;
    link->up = store->up;
    memcpy(why, store->why, sizeof why);
    pthread_mutex_unlock(&store->mutex);

    if (told && link->watch.changed != NULL)
        link->watch.changed(link->watch.arg, link->up, why);
    while ((job = STAILQ_FIRST(&finished)) != NULL) {
        STAILQ_REMOVE_HEAD(&finished, entry);
        link->under_way--;
        job->ticket->done(job->ticket);
    }
}

/* Woken by the store, or by record_claim. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct record_link *link = arg;
    eventfd_t count;

    if ((what & EV_WRITE) != 0)
        mailbox_put(&link->store->writer.inbox, &link->claims);
    if ((what & EV_READ) != 0) {
        eventfd_read(fd, &count);
        link_deliver(link);
    }
}

void record_job_finish(struct record_job *job, enum store_status status)
{
    struct record_jobs one = STAILQ_HEAD_INITIALIZER(one);

    job->ticket->status = status;
    STAILQ_INSERT_TAIL(&one, job, entry);
    mailbox_put(&job->link->finished, &one);
}

void record_store_tell(struct record_store *store, bool up, const char *why)
{
    struct record_link *link;

    pthread_mutex_lock(&store->mutex);
    if (up != store->up || (store->dialect == SQL_POSTGRES && strcmp(store->why, why) != 0)) {
        store->up = up;
        store->tellings++;
        snprintf(store->why, sizeof store->why, "%s", why);
        SLIST_FOREACH(link, &store->links, entry)
        mailbox_wake(&link->finished);
    }
    pthread_mutex_unlock(&store->mutex);
}

static void link_free(struct record_link *link)
{
    if (link->event != NULL)
        event_free(link->event);
    mailbox_close(&link->finished);
    keyed_hash_free(link->keyed);
    free(link);
}

struct record_link *record_attach(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[ERROR_MAX])
{
    struct record_link *link = calloc(1, sizeof *link);

    if (link == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    link->store = store;
    STAILQ_INIT(&link->claims);
    if (watch != NULL)
        link->watch = *watch;
    if (mailbox_open(&link->finished, &store->mutex) == 0)
        link->event = event_new(base, link->finished.wake, EV_READ | EV_PERSIST, on_wake, link);
    link->keyed = keyed_hash_create(store->asker_key);
    if (link->keyed == NULL || link->event == NULL || event_add(link->event, NULL) != 0) {
        snprintf(error, ERROR_MAX, "%s",
                 link->keyed == NULL ? "the cryptographic library fails"
                                     : "cannot watch an eventfd");
        link_free(link);
        return NULL;
    }
    pthread_mutex_lock(&store->mutex);
    link->up = store->up && store->tellings == 0; /* else it hears of it */
    SLIST_INSERT_HEAD(&store->links, link, entry);
    if (store->tellings > 0)
        mailbox_wake(&link->finished);
    pthread_mutex_unlock(&store->mutex);
    return link;
}

void record_detach(struct record_link *link)
{
    if (link == NULL)
        return;
    link->detaching = true;
    while (link->under_way > 0) {
        mailbox_put(&link->store->writer.inbox, &link->claims);
        mailbox_wait(&link->finished, -1, -1);
        link_deliver(link);
    }
    pthread_mutex_lock(&link->store->mutex);
    SLIST_REMOVE(&link->store->links, link, record_link, entry);
    pthread_mutex_unlock(&link->store->mutex);
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

/* Adds the job to those of the list, if it may be under way. */
static enum store_status job_begin(struct record_link *link, struct record_jobs *jobs,
                                   struct record_job *job, struct store_ticket *ticket, int64_t ms)
{
    if (link->under_way >= RECORD_UNDER_WAY_MAX)
        return STORE_FULL;
    link->under_way++;
    *job = (struct record_job){.link = link, .ticket = ticket, .due_ms = clock_monotonic_ms() + ms};
    STAILQ_INSERT_TAIL(jobs, job, entry);
    return STORE_LATER;
}

/* A file is tried again for each claim; a server that is away is not. */
enum store_status record_claim(struct record_link *link, struct record_claim *claim)
{
    if (link->store->dialect == SQL_POSTGRES && link_down(link))
        return STORE_DOWN;
    record_asker_sign(link->keyed, claim);
    if (claim->replay != NULL && erased_sign(claim) != 0)
        return STORE_DOWN;
    event_active(link->event, EV_WRITE, 0);
    return job_begin(link, &link->claims, &claim->job, &claim->ticket, CLAIM_MS);
}

enum store_status record_errand_begin(struct record_link *link, struct record_errand *errand,
                                      struct store_ticket *ticket, int64_t ms)
{
    struct record_jobs one = STAILQ_HEAD_INITIALIZER(one);

    errand->error[0] = '\0';
    if (link_down(link) || link->detaching)
        return STORE_DOWN;
    const enum store_status status = job_begin(link, &one, &errand->job, ticket, ms);
    if (status == STORE_LATER)
        mailbox_put(&link->store->maintenance.inbox, &one);
    return status;
}

enum store_status record_sweep(struct record_link *link, struct record_sweep *sweep)
{
    sweep->removed = 0;
    sweep->more = false;
    sweep->errand.run = record_sweep_run;
    return record_errand_begin(link, &sweep->errand, &sweep->ticket, SWEEP_MS);
}

enum store_status record_move(struct record_link *link, struct record_move *move)
{
    move->more = false;
    move->errand.run = record_move_run;
    return record_errand_begin(link, &move->errand, &move->ticket, MOVE_MS);
}

enum store_status record_totals(struct record_link *link, struct record_totals *totals)
{
    totals->all = (struct record_total){0};
    totals->pairs = 0;
    totals->backup_us = INT64_MIN;
    memset(totals->hours, 0, totals->hour_count * sizeof *totals->hours);
    totals->errand.run = record_totals_run;
    const enum store_status status =
        record_errand_begin(link, &totals->errand, &totals->ticket, TOTALS_MS);
    return status == STORE_FULL ? STORE_DOWN : status;
}
