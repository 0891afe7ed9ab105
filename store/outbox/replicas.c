/*
 * One WAIT at a time: it is for all that this connection wrote before, and Redis carries out
 * nothing else on it meanwhile. So a WAIT is asked only for entries whose put was answered on the
 * same connection; when that is lost, nobody knows whether replicas had them.
 */
#include "store/outbox/link.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* Less than a command's deadline. */
#define WAIT_MS "1000"

/* A ticket's `done` may put another entry. */
static void tickets_finish(struct outbox_link *link, struct store_ticket **list,
                           enum store_status status)
{
    struct store_ticket *ticket;

    while ((ticket = *list) != NULL) {
        *list = ticket->next;
        link->unsafe_count--;
        store_ticket_finish(ticket, status);
    }
}

static void wait_send(struct outbox_link *link);

static void on_waited(const struct redisReply *reply, void *arg)
{
    struct outbox_link *link = arg;
    const bool safe = reply != NULL && reply->type == REDIS_REPLY_INTEGER &&
                      reply->integer >= (long long)link->settings.replicas;

    if (reply != NULL)
        link->watch.replicated(link->watch.arg, link->asked_count,
                               safe                               ? NULL
                               : reply->type == REDIS_REPLY_ERROR ? reply->str
                                                                  : "too few in time");
    tickets_finish(link, &link->asked, safe ? STORE_OK : STORE_DOWN);
    if (reply == NULL)
        tickets_finish(link, &link->waiting, STORE_DOWN);
    else if (link->waiting != NULL)
        wait_send(link);
}

static void wait_send(struct outbox_link *link)
{
    char wanted[16];

    snprintf(wanted, sizeof wanted, "%u", link->settings.replicas);
    const char *const argv[] = {"WAIT", wanted, WAIT_MS};

    link->asked = link->waiting;
    link->waiting = NULL;
    link->asked_count = link->unsafe_count;
    if (redis_lane_send(&link->waits, 3, argv, NULL, on_waited, link) != STORE_LATER)
        on_waited(NULL, link);
}

void outbox_replicas_await(struct outbox_link *link, struct outbox_entry *entry)
{
    entry->ticket.next = link->waiting;
    link->waiting = &entry->ticket;
    link->unsafe_count++;
    if (link->asked == NULL)
        wait_send(link);
}
