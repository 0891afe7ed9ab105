/* A list under a mutex, and an eventfd. */
#include "store/records/mailbox.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_open(struct mailbox *mailbox, pthread_mutex_t *mutex)
{
    mailbox->mutex = mutex;
    STAILQ_INIT(&mailbox->jobs);
    mailbox->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return mailbox->wake < 0 ? -1 : 0;
}

void mailbox_close(struct mailbox *mailbox)
{
    if (mailbox->wake >= 0)
        close(mailbox->wake);
}

void mailbox_wake(struct mailbox *mailbox)
{
    eventfd_write(mailbox->wake, 1);
}

/* Woken under the mutex: once the jobs are taken, the mailbox may be gone. */
void mailbox_put(struct mailbox *mailbox, struct record_jobs *jobs)
{
    pthread_mutex_t *mutex = mailbox->mutex;

    pthread_mutex_lock(mutex);
    if (STAILQ_EMPTY(&mailbox->jobs))
        mailbox_wake(mailbox);
    STAILQ_CONCAT(&mailbox->jobs, jobs);
    pthread_mutex_unlock(mutex);
}

void mailbox_take(struct mailbox *mailbox, struct record_jobs *jobs)
{
    pthread_mutex_lock(mailbox->mutex);
    STAILQ_CONCAT(jobs, &mailbox->jobs);
    pthread_mutex_unlock(mailbox->mutex);
}

bool mailbox_wait(struct mailbox *mailbox, int fd, int64_t ms)
{
    struct pollfd ready[] = {{.fd = mailbox->wake, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    eventfd_t count;

    poll(ready, 2, (int)ms);
    if (ready[0].revents != 0)
        eventfd_read(mailbox->wake, &count);
    return ready[1].revents != 0;
}
