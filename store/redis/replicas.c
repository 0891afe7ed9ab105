/*
 * A WAIT is for all that its connection wrote before, and answers come in the order of the
 * commands: whatever was answered before the WAIT is, was written before it. So its answer is for
 * everybody who waits by then. When the connection is lost, nobody knows whether replicas had what
 * it wrote.
 */
#include "store/redis/replicas.h"
#include "store/redis/error.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>

/* A ticket's `done` may write again, and wait for that. */
static void tickets_finish(struct redis_replicas *replicas, enum store_status status)
{
    struct store_ticket *ticket, *next = replicas->waiting;

    replicas->waiting = NULL;
    replicas->count = 0;
    while ((ticket = next) != NULL) {
        next = ticket->next;
        store_ticket_finish(ticket, status);
    }
}

static void on_waited(const struct redisReply *reply, void *arg)
{
    struct redis_replicas *replicas = arg;
    const struct redis_replicas_settings *settings = &replicas->settings;

    if (reply == NULL) {
        tickets_finish(replicas, STORE_DOWN);
        return;
    }
    const bool safe = reply->type == REDIS_REPLY_INTEGER && reply->integer >= settings->wanted;
    settings->told(settings->arg, replicas->count,
                   safe                               ? NULL
                   : reply->type == REDIS_REPLY_ERROR ? reply->str
                                                      : REDIS_TOO_FEW);
    tickets_finish(replicas, safe ? STORE_OK : STORE_UNREPLICATED);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct redis_replicas *replicas = arg;
    char wanted[16], wait_ms[16];

    (void)fd;
    (void)what;
    snprintf(wanted, sizeof wanted, "%u", replicas->settings.wanted);
    snprintf(wait_ms, sizeof wait_ms, "%u", replicas->settings.wait_ms);
    const char *const argv[] = {"WAIT", wanted, wait_ms};
    if (redis_lane_send(&replicas->lane, 3, argv, NULL, on_waited, replicas) != STORE_LATER)
        on_waited(NULL, replicas);
}

/* Once what else is to be done in this turn of the loop is done: it may be answers to more writes.
 */
void redis_replicas_await(struct redis_replicas *replicas, struct store_ticket *ticket)
{
    ticket->next = replicas->waiting;
    replicas->waiting = ticket;
    replicas->count++;
    if (replicas->lane.in_flight == 0)
        event_active(replicas->due, EV_TIMEOUT, 0);
}

int redis_replicas_join(struct redis_replicas *replicas, struct redis_link *link,
                        const struct redis_replicas_settings *settings)
{
    *replicas = (struct redis_replicas){.settings = *settings};
    redis_lane_join(&replicas->lane, link, 1, NULL);
    replicas->due = evtimer_new(redis_link_base(link), on_due, replicas);
    return replicas->due != NULL ? 0 : -1;
}

void redis_replicas_leave(struct redis_replicas *replicas)
{
    redis_lane_leave(&replicas->lane);
    if (replicas->due != NULL)
        event_free(replicas->due);
    replicas->due = NULL;
    tickets_finish(replicas, STORE_DOWN);
}
