/* Queues of people; see the header for a person's states. */
#include "store/replies/people.h"
#include "store/base/clock.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* What Meta documents of messages to one person. */
#define PACE_MS 6000
#define BURST 45

#define BUCKETS 4096

enum person_state { QUIET, READY, OUT, RESTING };

STAILQ_HEAD(item_queue, replies_item);

struct person {
    LIST_ENTRY(person) in_bucket;
    LIST_ENTRY(person) in_partition;
    TAILQ_ENTRY(person) in_ready;
    struct people *people;
    uint64_t who;
    unsigned partition;
    enum person_state state;
    struct item_queue items;
    int64_t paid_until; /* when all that was sent will have been, at PACE_MS each */
    struct event timer; /* in RESTING and QUIET */
};

LIST_HEAD(person_list, person);
TAILQ_HEAD(person_queue, person);

struct people {
    struct event_base *base;
    void (*ready)(void *arg);
    void *arg;
    size_t count;
    struct person_queue in_ready;
    struct person_list partitions[REPLIES_PARTITIONS];
    struct person_list buckets[BUCKETS];
};

struct replies_item *replies_item_create(unsigned partition, const struct replies_kept *kept)
{
    struct replies_item *item = calloc(1, sizeof(*item) + kept->length);

    if (item == NULL)
        return NULL;
    item->partition = partition;
    item->who = kept->who;
    strncpy(item->id, kept->id, sizeof(item->id) - 1);
    item->length = kept->length;
    memcpy(item->sealed, kept->sealed, kept->length);
    return item;
}

void replies_item_free(struct replies_item *item)
{
    replies_entry_wipe(&item->reply);
    free(item);
}

struct people *people_create(struct event_base *base, void (*ready)(void *arg), void *arg)
{
    struct people *people = calloc(1, sizeof(*people));

    if (people == NULL)
        return NULL;
    people->base = base;
    people->ready = ready;
    people->arg = arg;
    TAILQ_INIT(&people->in_ready);
    return people;
}

static void nobody(void *arg, struct replies_item *item)
{
    (void)arg;
    (void)item;
}

void people_free(struct people *people)
{
    if (people == NULL)
        return;
    for (unsigned i = 0; i < REPLIES_PARTITIONS; i++)
        people_forget(people, i, nobody, NULL);
    free(people);
}

/* The hash that chose the partition does not choose the bucket. */
static struct person_list *bucket_of(struct people *people, uint64_t who)
{
    return &people->buckets[who / REPLIES_PARTITIONS % BUCKETS];
}

/* All of them from `item` on. */
static void items_free(struct replies_item *item)
{
    while (item != NULL) {
        struct replies_item *next = STAILQ_NEXT(item, next);
        replies_item_free(item);
        item = next;
    }
}

static void person_free(struct person *person)
{
    items_free(STAILQ_FIRST(&person->items));
    if (person->state == READY)
        TAILQ_REMOVE(&person->people->in_ready, person, in_ready);
    event_del(&person->timer);
    LIST_REMOVE(person, in_bucket);
    LIST_REMOVE(person, in_partition);
    person->people->count--;
    free(person);
}

static void person_rest(struct person *person, enum person_state state, int64_t ms)
{
    person->state = state;
    event_add(&person->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

/* Something waits: now, or when his pace allows it. */
static void person_wait(struct person *person)
{
    int64_t wait = person->paid_until - (BURST - 1) * PACE_MS - clock_monotonic_ms();

    if (wait > 0) {
        person_rest(person, RESTING, wait);
        return;
    }
    event_del(&person->timer);
    person->state = READY;
    TAILQ_INSERT_TAIL(&person->people->in_ready, person, in_ready);
}

static void person_next(struct person *person)
{
    int64_t remembered = person->paid_until - clock_monotonic_ms();

    if (!STAILQ_EMPTY(&person->items))
        person_wait(person);
    else if (remembered > 0)
        person_rest(person, QUIET, remembered);
    else
        person_free(person);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct person *person = arg;
    struct people *people = person->people;
    bool was_resting = person->state == RESTING;

    (void)fd;
    (void)what;
    person_next(person);
    if (was_resting)
        people->ready(people->arg);
}

static struct person *person_find(struct people *people, uint64_t who)
{
    struct person *person;

    LIST_FOREACH(person, bucket_of(people, who), in_bucket)
    {
        if (person->who == who)
            return person;
    }
    person = calloc(1, sizeof(*person));
    if (person == NULL)
        return NULL;
    person->people = people;
    person->who = who;
    person->partition = replies_partition(who);
    STAILQ_INIT(&person->items);
    evtimer_assign(&person->timer, people->base, on_timer, person);
    LIST_INSERT_HEAD(bucket_of(people, who), person, in_bucket);
    LIST_INSERT_HEAD(&people->partitions[person->partition], person, in_partition);
    people->count++;
    return person;
}

int people_add(struct people *people, uint64_t who, struct replies_item *item)
{
    struct person *person = person_find(people, who);

    if (person == NULL)
        return -1;
    item->person = person;
    STAILQ_INSERT_TAIL(&person->items, item, next);
    if (person->state == QUIET)
        person_wait(person);
    return 0;
}

struct replies_item *people_next(struct people *people)
{
    struct person *person = TAILQ_FIRST(&people->in_ready);

    if (person == NULL)
        return NULL;
    TAILQ_REMOVE(&people->in_ready, person, in_ready);
    person->state = OUT;
    return STAILQ_FIRST(&person->items);
}

void people_put_back(struct people *people, struct replies_item *item)
{
    struct person *person = item->person;

    person->state = READY;
    TAILQ_INSERT_HEAD(&people->in_ready, person, in_ready);
}

void people_done(struct people *people, struct replies_item *item, bool sent)
{
    struct person *person = item->person;
    int64_t now = clock_monotonic_ms();

    (void)people;
    STAILQ_REMOVE_HEAD(&person->items, next);
    item->person = NULL;
    if (sent)
        person->paid_until = (person->paid_until > now ? person->paid_until : now) + PACE_MS;
    person_next(person);
}

void people_later(struct people *people, struct replies_item *item, int64_t delay_ms)
{
    (void)people;
    person_rest(item->person, RESTING, delay_ms);
}

void people_forget_waiting(struct people *people, unsigned partition)
{
    struct person *person, *next;

    for (person = LIST_FIRST(&people->partitions[partition]); person != NULL; person = next) {
        next = LIST_NEXT(person, in_partition);
        if (person->state != OUT) {
            person_free(person);
            continue;
        }
        struct replies_item *out = STAILQ_FIRST(&person->items);
        items_free(STAILQ_NEXT(out, next));
        STAILQ_INIT(&person->items);
        STAILQ_INSERT_HEAD(&person->items, out, next);
    }
}

void people_forget(struct people *people, unsigned partition,
                   void (*out)(void *arg, struct replies_item *item), void *arg)
{
    struct person *person;

    while ((person = LIST_FIRST(&people->partitions[partition])) != NULL) {
        if (person->state == OUT)
            out(arg, STAILQ_FIRST(&person->items));
        person_free(person);
    }
}

bool people_ready(const struct people *people)
{
    return !TAILQ_EMPTY(&people->in_ready);
}

size_t people_count(const struct people *people)
{
    return people->count;
}
