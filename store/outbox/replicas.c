/*
 * One WAIT at a time: it is for all that this connection wrote before, and Redis carries out
 * nothing else on it meanwhile. So a WAIT is asked only for entries whose put was answered on the
 * same connection; when that is lost, nobody knows whether replicas had them.
 */
#include "store/outbox/replicas.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* Less than a command's deadline. */
#define WAIT_MS "1000"

void outbox_replicas_join(struct outbox_replicas *replicas, struct redis_link *link,
                          unsigned wanted, const struct outbox_watch *watch)
{
    *replicas = (struct outbox_replicas){.wanted = wanted, .watch = *watch};
    redis_lane_join(&replicas->lane, link, 1, NULL);
}

void outbox_replicas_leave(struct outbox_replicas *replicas)
{
    redis_lane_leave(&replicas->lane);
}

/* A ticket's `done` may put another entry. */
static void tickets_finish(struct outbox_replicas *replicas, struct store_ticket **list,
                           enum store_status status)
{
    struct store_ticket *ticket;

    while ((ticket = *list) != NULL) {
        *list = ticket->next;
        replicas->count--;
        store_ticket_finish(ticket, status);
    }
}

static void wait_send(struct outbox_replicas *replicas);

static void on_waited(const struct redisReply *reply, void *arg)
{
    struct outbox_replicas *replicas = arg;
    const bool safe = reply != NULL && reply->type == REDIS_REPLY_INTEGER &&
                      reply->integer >= (long long)replicas->wanted;

    if (reply != NULL)
        replicas->watch.replicated(replicas->watch.arg, replicas->asked_count,
                                   safe                               ? NULL
                                   : reply->type == REDIS_REPLY_ERROR ? reply->str
                                                                      : "too few in time");
    tickets_finish(replicas, &replicas->asked, safe ? STORE_OK : STORE_DOWN);
    if (reply == NULL)
        tickets_finish(replicas, &replicas->waiting, STORE_DOWN);
    else if (replicas->waiting != NULL)
        wait_send(replicas);
}

static void wait_send(struct outbox_replicas *replicas)
{
    char wanted[16];

    snprintf(wanted, sizeof wanted, "%u", replicas->wanted);
    const char *const argv[] = {"WAIT", wanted, WAIT_MS};

    replicas->asked = replicas->waiting;
    replicas->waiting = NULL;
    replicas->asked_count = replicas->count;
    if (redis_lane_send(&replicas->lane, 3, argv, NULL, on_waited, replicas) != STORE_LATER)
        on_waited(NULL, replicas);
}

void outbox_replicas_await(struct outbox_replicas *replicas, struct outbox_entry *entry)
{
    entry->ticket.next = replicas->waiting;
    replicas->waiting = &entry->ticket;
    replicas->count++;
    if (replicas->asked == NULL)
        wait_send(replicas);
}
