/*
 * What is written to PostgreSQL: a thread with a loop, and one connection on it for all workers, so
 * that as many claims as wait go as one statement.
 *
 *     postgres_writer_put ──> inbox ──eventfd──> waiting ──drive──> batch ──on_answered──> done
 *     (any thread)                               one statement             or on_lost
 *
 * Every claim is due CLAIM_MS after it was made. One timer looks at the oldest: when a claim under
 * way is due, the connection is taken for dead. A connection that is lost takes all claims with it,
 * those that wait too, because the outbox keeps them better than we; while it is away, claims are
 * refused at once.
 *
 * The mutex of the links guards inbox, idle and stopping; everything else is the thread's own.
 */
#include "store/postgres/postgres_writer.h"

#include "store/base/clock.h"
#include "store/postgres/postgres_claim.h"
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_result.h"
#include "store/postgres/postgres_schema.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLAIM_MS 3000
#define CONNECT_MS 3000

struct postgres_writer {
    struct thread_links *links;
    pthread_t thread;
    int wake; /* eventfd, for the thread */
    struct claim_list inbox;
    bool idle; /* asleep, with nothing to do */
    bool stopping;
    struct event_base *base;
    struct event *woken;
    struct postgres_connection *connection;
    struct event *timer;
    struct claim_list waiting;
    struct postgres_batch *batch; /* under way when the connection is not free */
    int64_t sent_us;              /* of the batch */
    size_t alone; /* so many of those that wait go one by one, to find who made a batch fail */
};

/* Claims with their statuses, on their way back. */
static void claims_done(struct postgres_writer *writer, struct claim_list *finished)
{
    if (!finished->first)
        return;
    pthread_mutex_lock(&writer->links->mutex);
    for (struct record_claim *claim; (claim = claim_list_pop(finished));)
        thread_link_finish(&claim->link->thread, &claim->ticket);
    pthread_mutex_unlock(&writer->links->mutex);
}

static void inbox_take(struct postgres_writer *writer)
{
    pthread_mutex_lock(&writer->links->mutex);
    claim_list_move(&writer->waiting, &writer->inbox, writer->inbox.count);
    pthread_mutex_unlock(&writer->links->mutex);
}

/* Whether the inbox is empty; if there is nothing else to come back for either, the next claim has
 * to wake the thread. */
static bool inbox_left(struct postgres_writer *writer)
{
    bool empty;

    pthread_mutex_lock(&writer->links->mutex);
    empty = !writer->inbox.first;
    writer->idle = empty && !writer->waiting.first && postgres_batch_count(writer->batch) == 0;
    pthread_mutex_unlock(&writer->links->mutex);
    return empty;
}

/* The first of those that wait finds the database away. */
static void waiting_refuse(struct postgres_writer *writer, struct claim_list *finished)
{
    struct record_claim *claim = claim_list_pop(&writer->waiting);

    claim->ticket.status = STORE_DOWN;
    claim_list_append(finished, claim);
}

static void batch_send(struct postgres_writer *writer)
{
    struct postgres_parameters parameters;

    postgres_batch_take(writer->batch, &writer->waiting,
                        writer->alone > 0 ? 1 : POSTGRES_BATCH_MAX);
    if (writer->alone > 0)
        writer->alone--;
    postgres_batch_parameters(writer->batch, &parameters);
    writer->sent_us = clock_monotonic_us();
    postgres_connection_send(writer->connection, &parameters);
}

/* All of them while the connection is down; else those whose first attempt to connect takes too
 * long, or who wait behind others. */
static void waiting_expire(struct postgres_writer *writer, int64_t now)
{
    bool down = postgres_connection_down(writer->connection);
    struct claim_list finished = {0};

    while (writer->waiting.first && (down || writer->waiting.first->due_ms <= now))
        waiting_refuse(writer, &finished);
    claims_done(writer, &finished);
}

/* When the oldest claim is due. Returns false when there is none. */
static bool writer_due_ms(const struct postgres_writer *writer, int64_t *due)
{
    if (postgres_batch_count(writer->batch) > 0)
        *due = postgres_batch_first(writer->batch)->due_ms;
    else if (writer->waiting.first)
        *due = writer->waiting.first->due_ms;
    else
        return false;
    return true;
}

/* Does what is to be done now, and sets the timer for the rest. */
static void writer_drive(struct postgres_writer *writer)
{
    int64_t now = clock_monotonic_ms();
    int64_t due;
    char why[STORE_ERROR_MAX];

    if (postgres_batch_count(writer->batch) > 0 &&
        postgres_batch_first(writer->batch)->due_ms <= now) {
        snprintf(why, sizeof why, "no answer within %d ms", CLAIM_MS);
        postgres_connection_fail(writer->connection, why);
    }
    do {
        inbox_take(writer);
        waiting_expire(writer, now);
        if (writer->waiting.first && postgres_connection_free(writer->connection))
            batch_send(writer);
    } while (!inbox_left(writer));
    if (writer_due_ms(writer, &due)) {
        int64_t left = due > now ? due - now : 0;
        const struct timeval delay = {left / 1000, left % 1000 * 1000};
        event_add(writer->timer, &delay);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    writer_drive(arg);
}

static void on_connected(void *arg)
{
    writer_drive(arg);
}

/* All claims go back together. */
static void on_lost(void *arg)
{
    struct postgres_writer *writer = arg;
    struct claim_list finished = {0};

    inbox_take(writer);
    postgres_batch_finish_all(writer->batch, STORE_DOWN, &finished);
    while (writer->waiting.first)
        waiting_refuse(writer, &finished);
    claims_done(writer, &finished);
    writer->alone = 0;
    event_active(writer->timer, EV_TIMEOUT, 0); /* for what comes meanwhile */
}

/* What a failed statement means for its claims. */
enum verdict {
    MAKE_AGAIN,  /* another instance was in the way, and has ended its transaction */
    FIND_GUILTY, /* one of the claims, or a row that it wants */
    GIVE_UP,     /* the server */
};

static enum verdict failure_judge(const PGresult *result)
{
    static const struct {
        const char *sqlstate;
        const char *constraint;
        enum verdict verdict;
    } rules[] = {
        {"40001", "", MAKE_AGAIN}, /* serialization failure */
        {"40P01", "", MAKE_AGAIN}, /* deadlock */
        /* The code was free when the statement began. Now it is seen whether it is another
         * person's, or this person's own by another message. */
        {"23505", "uic_records_uic_code_key", MAKE_AGAIN},
        {"23", "", FIND_GUILTY},    /* another constraint: an id after a careless import */
        {"22", "", FIND_GUILTY},    /* a character that the server does not take */
        {"55P03", "", FIND_GUILTY}, /* lock timeout: another program holds a row */
    };
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    for (size_t i = 0; sqlstate && i < sizeof rules / sizeof rules[0]; i++) {
        if (strncmp(sqlstate, rules[i].sqlstate, strlen(rules[i].sqlstate)) == 0 &&
            (rules[i].constraint[0] == '\0' ||
             (constraint && strcmp(constraint, rules[i].constraint) == 0)))
            return rules[i].verdict;
    }
    return GIVE_UP;
}

static void on_failed(struct postgres_writer *writer, const PGresult *result)
{
    enum verdict verdict = failure_judge(result);
    bool alone = postgres_batch_count(writer->batch) == 1;
    struct claim_list finished = {0};
    char why[STORE_ERROR_MAX];

    if (verdict == GIVE_UP) {
        postgres_result_explain(result, why);
        postgres_connection_fail(writer->connection, why);
    } else if (verdict == FIND_GUILTY && alone) {
        postgres_batch_finish_all(writer->batch, STORE_DOWN, &finished);
        claims_done(writer, &finished);
    } else {
        if (verdict == FIND_GUILTY)
            writer->alone += postgres_batch_count(writer->batch);
        postgres_batch_return(writer->batch, &writer->waiting);
    }
}

static void on_answered(void *arg, const PGresult *result)
{
    struct postgres_writer *writer = arg;
    struct claim_list finished = {0};

    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        record_link_committed(postgres_batch_first(writer->batch)->link,
                              postgres_batch_count(writer->batch),
                              clock_monotonic_us() - writer->sent_us);
        postgres_batch_finish(writer->batch, result, &writer->waiting, &finished);
        claims_done(writer, &finished);
    } else {
        on_failed(writer, result);
    }
    writer_drive(writer);
}

static void on_changed(void *arg, bool up, const char *why)
{
    struct postgres_writer *writer = arg;

    pthread_mutex_lock(&writer->links->mutex);
    thread_links_tell(writer->links, up, why);
    pthread_mutex_unlock(&writer->links->mutex);
}

static void on_woken(evutil_socket_t fd, short what, void *arg)
{
    struct postgres_writer *writer = arg;
    eventfd_t count;
    bool stopping;

    (void)what;
    eventfd_read(fd, &count);
    pthread_mutex_lock(&writer->links->mutex);
    stopping = writer->stopping;
    pthread_mutex_unlock(&writer->links->mutex);
    if (stopping)
        event_base_loopbreak(writer->base);
    else
        writer_drive(writer);
}

static void *writer_run(void *arg)
{
    struct postgres_writer *writer = arg;

    event_base_dispatch(writer->base);
    return NULL;
}

static void writer_free(struct postgres_writer *writer)
{
    postgres_connection_close(writer->connection);
    postgres_batch_free(writer->batch);
    if (writer->timer)
        event_free(writer->timer);
    if (writer->woken)
        event_free(writer->woken);
    if (writer->wake >= 0)
        close(writer->wake);
    if (writer->base)
        event_base_free(writer->base);
    free(writer);
}

static int writer_prepare(struct postgres_writer *writer, const struct postgres_url *url,
                          char error[STORE_ERROR_MAX])
{
    const struct postgres_connection_settings settings = {
        .url = url,
        .statement = &postgres_claim_statement,
        .schema_version = postgres_record_migrations.count,
        .deadline_ms = CONNECT_MS,
        .watch = {on_changed, writer},
        .connected = on_connected,
        .answered = on_answered,
        .lost = on_lost,
        .arg = writer,
    };

    writer->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    writer->base = event_base_new();
    writer->batch = postgres_batch_create();
    if (writer->wake < 0 || !writer->base || !writer->batch)
        goto failed;
    writer->timer = evtimer_new(writer->base, on_timer, writer);
    writer->woken = event_new(writer->base, writer->wake, EV_READ | EV_PERSIST, on_woken, writer);
    if (!writer->timer || !writer->woken || event_add(writer->woken, NULL) != 0)
        goto failed;
    writer->connection = postgres_connection_open(writer->base, &settings, error);
    return writer->connection ? 0 : -1;

failed:
    snprintf(error, STORE_ERROR_MAX, "cannot make the loop of the database's thread: %s",
             strerror(errno));
    return -1;
}

struct postgres_writer *postgres_writer_start(const struct postgres_url *url,
                                              struct thread_links *links,
                                              char error[STORE_ERROR_MAX])
{
    struct postgres_writer *writer = calloc(1, sizeof *writer);

    if (!writer) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    writer->links = links;
    writer->idle = true;
    if (writer_prepare(writer, url, error) == 0 &&
        thread_links_run(&writer->thread, writer_run, writer, error) == 0)
        return writer;
    writer_free(writer);
    return NULL;
}

void postgres_writer_stop(struct postgres_writer *writer)
{
    pthread_mutex_lock(&writer->links->mutex);
    writer->stopping = true;
    pthread_mutex_unlock(&writer->links->mutex);
    eventfd_write(writer->wake, 1);
    pthread_join(writer->thread, NULL);
    writer_free(writer);
}

void postgres_writer_put(struct postgres_writer *writer, struct record_claim *claim)
{
    bool idle;

    claim->due_ms = clock_monotonic_ms() + CLAIM_MS;
    pthread_mutex_lock(&writer->links->mutex);
    claim_list_append(&writer->inbox, claim);
    idle = writer->idle;
    writer->idle = false;
    pthread_mutex_unlock(&writer->links->mutex);
    if (idle)
        eventfd_write(writer->wake, 1);
}
