/*
 * How threads hand jobs over: a list, and an eventfd that becomes readable with its first job.
 *
 *     link's thread                                      store's threads
 *     mailbox_put(&thread->inbox, jobs)     ────────►    writer.c, maintenance.c
 *     ticket->done(ticket), on the loop     ◄────────    mailbox_put(&link->finished, jobs)
 */
#ifndef STORE_RECORDS_MAILBOX_H
#define STORE_RECORDS_MAILBOX_H

#include "store/records.h"
#include <pthread.h>

STAILQ_HEAD(record_jobs, record_job);

struct mailbox {
    pthread_mutex_t *mutex; /* the store's, which outlives it */
    struct record_jobs jobs;
    int wake; /* eventfd; -1: not open */
};

/* Returns 0, or -1 with errno. */
int mailbox_open(struct mailbox *mailbox, pthread_mutex_t *mutex);
void mailbox_close(struct mailbox *mailbox);

/* From any thread. Takes all jobs of the list. */
void mailbox_put(struct mailbox *mailbox, struct record_jobs *jobs);
void mailbox_wake(struct mailbox *mailbox);

/* Of the thread that it belongs to. Adds all jobs to the end of the list. */
void mailbox_take(struct mailbox *mailbox, struct record_jobs *jobs);
/* Waits until it is woken, or there is something to read from fd (-1: none), or ms have passed; -1:
 * for ever. Returns whether there is something to read. */
bool mailbox_wait(struct mailbox *mailbox, int fd, int64_t ms);

#endif
