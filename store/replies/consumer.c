/*
 * The way of each reply through a link with a sender:
 *
 *     kept --on_look: take--> out --reply_done--> being settled --> gone, or kept
 *      ^                       |                    |      ^
 *      +--- the lease ended ---+     Redis is away: v      | on_look, again and again
 *                                                  unsettled
 *
 * A look comes when something was put here, when a reply of ours came to its end, when the last
 * look said, and each second or so. Settling again does no harm: it names the very reply.
 *
 * Invariants: at most one take is under way; what is out, being settled or unsettled is no more
 * than the sender takes.
 */
#include "store/base/backoff.h"
#include "store/base/clock.h"
#include "store/replies/backend.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* A reply of another salt's, for those who have it: they look more often. */
#define OTHER_KEY_MS 2000

/* Between two looks that only time asks for. */
#define LOOK_LEAST_MS 20

static void look_in(struct replies_link *link, int64_t ms)
{
    const struct timeval wait = clock_timeval(ms);

    event_add(link->look, &wait);
}

void replies_consumer_wake(struct replies_link *link)
{
    if (link->look != NULL && !link->stopped)
        event_active(link->look, EV_TIMEOUT, 0);
}

/* Settling */

static void item_settle(struct replies_item *item)
{
    OPENSSL_cleanse(item->clear, item->size);
    if (item->link->store->backend->settle(item) != STORE_LATER)
        replies_consumer_unsettled(item);
}

void replies_consumer_unsettled(struct replies_item *item)
{
    TAILQ_INSERT_TAIL(&item->link->unsettled, item, next);
}

void replies_consumer_settled(struct replies_item *item)
{
    struct replies_link *link = item->link;

    free(item);
    link->held--;
    replies_consumer_wake(link);
}

static void settle_again(struct replies_link *link)
{
    struct replies_items failed = TAILQ_HEAD_INITIALIZER(failed);
    struct replies_item *item;

    TAILQ_CONCAT(&failed, &link->unsettled, next);
    while ((item = TAILQ_FIRST(&failed)) != NULL) {
        TAILQ_REMOVE(&failed, item, next);
        item_settle(item);
    }
}

static unsigned char count_byte(unsigned count)
{
    return count < UINT8_MAX ? (unsigned char)count : UINT8_MAX;
}

static void item_put_off(struct replies_item *item, unsigned attempts, int64_t delay_ms)
{
    item->tail[0] = count_byte(attempts);
    item->tail[1] = count_byte(item->reply.memo);
    item->delay_ms = delay_ms < REPLY_DELAY_MAX_MS ? delay_ms : REPLY_DELAY_MAX_MS;
    item_settle(item);
}

static void item_end(struct replies_item *item, bool sent)
{
    item->over = true;
    item->sent = sent;
    item_settle(item);
}

void reply_done(struct reply *reply, enum reply_end end, int64_t delay_ms)
{
    struct replies_item *item = (struct replies_item *)reply;

    TAILQ_REMOVE(&item->link->out, item, next);
    if (end == REPLY_LATER)
        item_put_off(item, reply->attempts + 1, delay_ms);
    else
        item_end(item, end == REPLY_SENT);
}

/* Handing out */

/* By our clock and by the queue's: one that jumps makes no reply old. */
static bool is_too_old(const struct replies_link *link, const struct reply *reply)
{
    const int64_t age_max_ms = link->store->settings.age_max_ms;

    return clock_wall_ms() - reply->created_ms > age_max_ms && link->oldest_age_ms > age_max_ms;
}

static void item_drop(struct replies_item *item, enum reply_drop drop)
{
    const struct replies_watch *watch = &item->link->watch;

    item_end(item, false);
    if (watch->dropped != NULL)
        watch->dropped(watch->arg, drop);
}

static struct replies_item *item_create(struct replies_link *link, const struct replies_kept *kept,
                                        int64_t lease_end)
{
    struct replies_item *item = calloc(1, sizeof *item + kept->length);

    if (item == NULL)
        return NULL;
    item->link = link;
    item->size = kept->length;
    item->reply.arg = link->sender.arg;
    item->who = kept->who;
    item->lease_end = lease_end;
    item->token_length = kept->length < REPLY_TOKEN_SIZE ? kept->length : REPLY_TOKEN_SIZE;
    memcpy(item->token, kept->bytes, item->token_length);
    link->held++;
    return item;
}

/* Without memory its lease ends by itself. What came too late to be sent within it is given back.
 */
static void kept_hand_out(struct replies_link *link, const struct replies_kept *kept,
                          int64_t lease_end, bool late)
{
    struct replies_item *item = item_create(link, kept, lease_end);

    if (item == NULL)
        return;
    const int opened =
        replies_entry_open(link->seal, kept->bytes, kept->length, item->clear, &item->reply);
    if (opened == SEAL_OTHER_KEY) {
        item_put_off(item, item->reply.attempts, OTHER_KEY_MS);
    } else if (opened != 0) {
        item_drop(item, REPLY_DAMAGED);
    } else if (late) {
        item_put_off(item, item->reply.attempts, 0);
    } else if (is_too_old(link, &item->reply)) {
        item_drop(item, REPLY_TOO_OLD);
    } else {
        TAILQ_INSERT_TAIL(&link->out, item, next);
        link->sender.send(&item->reply);
    }
}

/* In memory nobody else sends what waits: so all goes on until nothing does. */
static bool gives_up(const struct replies_link *link)
{
    return link->resting && link->store->settings.in_redis;
}

void replies_consumer_taken(struct replies_link *link, const struct replies_taken *taken)
{
    const bool again = link->again;

    link->taking = link->again = false;
    if (taken == NULL)
        return;
    const bool late =
        gives_up(link) || clock_monotonic_ms() - link->took_at > link->store->settings.lease_ms / 4;
    link->told[0] = '\0';
    link->length = taken->length;
    link->oldest_age_ms = taken->oldest_age_ms;
    if (link->watch.length != NULL)
        link->watch.length(link->watch.arg, taken->length, taken->oldest_age_ms);
    for (size_t i = 0; i < taken->count; i++)
        kept_hand_out(link, &taken->kept[i], taken->lease_end, late);
    if (again || (taken->wait_ms == 0 && link->held < link->sender.handed_out_max))
        replies_consumer_wake(link);
    else if (taken->wait_ms > 0 && taken->wait_ms < link->store->settings.look_ms)
        look_in(link, taken->wait_ms > LOOK_LEAST_MS ? taken->wait_ms : LOOK_LEAST_MS);
}

static unsigned room_of(const struct replies_link *link)
{
    const unsigned most = link->sender.handed_out_max;
    const unsigned room = most > link->held ? most - link->held : 0;

    return room < TAKE_MAX ? room : TAKE_MAX;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct replies_link *link = arg;
    const unsigned look_ms = link->store->settings.look_ms;

    (void)fd;
    (void)what;
    look_in(link, link->resting ? LOOK_LEAST_MS : backoff_jitter_ms(look_ms));
    settle_again(link);
    link->again = link->taking;
    if (link->taking || gives_up(link))
        return;
    link->taking = true;
    link->took_at = clock_monotonic_ms();
    if (link->store->backend->take(link, room_of(link)) != STORE_LATER)
        link->taking = false;
}

/* Life */

int replies_consumer_start(struct replies_link *link, struct event_base *base)
{
    link->look = evtimer_new(base, on_look, link);
    if (link->look == NULL)
        return -1;
    look_in(link, 0);
    return 0;
}

void replies_rest(struct replies_link *link)
{
    link->resting = true;
    replies_consumer_wake(link);
}

bool replies_at_rest(const struct replies_link *link)
{
    if (!TAILQ_EMPTY(&link->out))
        return false;
    if (link->store->settings.in_redis)
        return (link->held == 0 && !link->taking) || !replies_link_up(link);
    return link->held == 0 && link->length == 0;
}

/* What is cancelled is given back, if the backend still can. */
void replies_consumer_stop(struct replies_link *link)
{
    struct replies_item *item;

    link->stopped = true;
    if (link->look != NULL)
        event_del(link->look);
    while ((item = TAILQ_FIRST(&link->out)) != NULL) {
        TAILQ_REMOVE(&link->out, item, next);
        link->sender.cancel(&item->reply);
        item_put_off(item, item->reply.attempts, 0);
    }
}

void replies_consumer_free(struct replies_link *link)
{
    struct replies_item *item;

    while ((item = TAILQ_FIRST(&link->unsettled)) != NULL) {
        TAILQ_REMOVE(&link->unsettled, item, next);
        free(item);
    }
    if (link->look != NULL)
        event_free(link->look);
}
