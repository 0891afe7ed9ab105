/*
 * Records in PostgreSQL: one connection for each link, on the link's loop. Whatever claims wait
 * when the connection is free go as one statement.
 *
 *     record_claim ──> link.waiting ──link_drive──> link.batch ──on_answered──> ticket.done
 *                      ≤ WAITING_MAX   one statement             or on_lost
 *
 * Every claim is due CLAIM_MS after it was made. One timer looks at the oldest: when a claim under
 * way is due, the connection is taken for dead. A connection that is lost takes all claims with it,
 * those that wait too, because the outbox keeps them better than we; while it is away, claims are
 * refused at once.
 */
#include "store/claim_list.h"
#include "store/postgres/postgres_claim.h"
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_schema.h"
#include "store/postgres/postgres_sweep.h"
#include "store/postgres/postgres_totals.h"
#include "store/record_backend.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLAIM_MS 3000
#define CONNECT_MS 3000
/* Claims that wait for the connection at most. */
#define WAITING_MAX 8192

struct postgres_store {
    struct record_store store;
    struct postgres_url *url;
};

struct postgres_link {
    struct record_link link;
    struct event_base *base;
    const struct postgres_url *url;
    struct postgres_totals *totals; /* NULL: nobody asked yet */
    struct postgres_connection *connection;
    struct event *timer;
    struct claim_list waiting;
    struct postgres_sweep *sweeper;
    struct postgres_batch *batch; /* under way when the connection is not free */
    int64_t sent_us;              /* of the batch */
    size_t alone; /* so many of those that wait go one by one, to find who made a batch fail */
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_ms(void)
{
    return now_us() / 1000;
}

static void claims_done(struct claim_list *finished)
{
    for (struct record_claim *claim; (claim = claim_list_pop(finished));)
        claim->ticket.done(&claim->ticket);
}

static void batch_send(struct postgres_link *link)
{
    struct postgres_parameters parameters;

    postgres_batch_take(link->batch, &link->waiting, link->alone > 0 ? 1 : POSTGRES_BATCH_MAX);
    if (link->alone > 0)
        link->alone--;
    postgres_batch_parameters(link->batch, &parameters);
    link->sent_us = now_us();
    postgres_connection_send(link->connection, &parameters);
}

/* Those whose first attempt to connect takes too long, or who wait behind others. */
static void waiting_expire(struct postgres_link *link, int64_t now)
{
    struct claim_list expired = {0};

    while (link->waiting.first && link->waiting.first->due_ms <= now) {
        struct record_claim *claim = claim_list_pop(&link->waiting);
        claim->ticket.status = STORE_DOWN;
        claim_list_append(&expired, claim);
    }
    claims_done(&expired);
}

/* When the oldest claim is due. Returns false when there is none. */
static bool link_due_ms(const struct postgres_link *link, int64_t *due)
{
    if (postgres_batch_count(link->batch) > 0)
        *due = postgres_batch_due_ms(link->batch);
    else if (link->waiting.first)
        *due = link->waiting.first->due_ms;
    else
        return false;
    return true;
}

/* Does what is to be done now, and sets the timer for the rest. */
static void link_drive(struct postgres_link *link)
{
    int64_t now = now_ms();
    int64_t due;
    char why[STORE_ERROR_MAX];

    if (postgres_batch_count(link->batch) > 0 && postgres_batch_due_ms(link->batch) <= now) {
        snprintf(why, sizeof why, "no answer within %d ms", CLAIM_MS);
        postgres_connection_fail(link->connection, why);
    }
    waiting_expire(link, now);
    if (link->waiting.first && postgres_connection_free(link->connection))
        batch_send(link);
    if (link_due_ms(link, &due)) {
        int64_t left = due > now ? due - now : 0;
        const struct timeval delay = {left / 1000, left % 1000 * 1000};
        event_add(link->timer, &delay);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    link_drive(arg);
}

static void on_connected(void *arg)
{
    link_drive(arg);
}

static void on_lost(void *arg)
{
    struct postgres_link *link = arg;
    struct claim_list finished = {0};

    postgres_batch_finish_all(link->batch, STORE_DOWN, &finished);
    for (struct record_claim *claim = link->waiting.first; claim; claim = claim->next)
        claim->ticket.status = STORE_DOWN;
    claim_list_move(&finished, &link->waiting, link->waiting.count);
    link->alone = 0;
    claims_done(&finished);
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

static void on_failed(struct postgres_link *link, const PGresult *result)
{
    enum verdict verdict = failure_judge(result);
    bool alone = postgres_batch_count(link->batch) == 1;
    struct claim_list finished = {0};
    char why[STORE_ERROR_MAX];

    if (verdict == GIVE_UP) {
        postgres_result_explain(result, why);
        postgres_connection_fail(link->connection, why);
    } else if (verdict == FIND_GUILTY && alone) {
        postgres_batch_finish_all(link->batch, STORE_DOWN, &finished);
        claims_done(&finished);
    } else {
        if (verdict == FIND_GUILTY)
            link->alone += postgres_batch_count(link->batch);
        postgres_batch_return(link->batch, &link->waiting);
    }
}

static void on_answered(void *arg, const PGresult *result)
{
    struct postgres_link *link = arg;
    struct claim_list finished = {0};

    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        record_link_committed(&link->link, postgres_batch_count(link->batch),
                              now_us() - link->sent_us);
        postgres_batch_finish(link->batch, result, &link->waiting, &finished);
        claims_done(&finished);
    } else {
        on_failed(link, result);
    }
    link_drive(link);
}

/* No server there, or one that is starting or stopping; not one that refuses us. */
static bool is_away(const struct postgres_url *url)
{
    PGPing answer = postgres_url_ping(url);

    return answer == PQPING_NO_RESPONSE || answer == PQPING_REJECT;
}

static int postgres_prepare(const char *text, char report[STORE_ERROR_MAX],
                            char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_migrate(pg, &postgres_record_migrations, report, error);
    else if (url && is_away(url))
        status = RECORD_AWAY;
    if (status == 0)
        postgres_schema_tidy(pg);
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

static int postgres_probe(const char *text, char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_check(pg, &postgres_record_migrations, error);
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

static int postgres_mark(const char *text, const char *name, const char *value, bool remember,
                         char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = postgres_url_parse(text, error);
    PGconn *pg = url ? postgres_connect(url, error) : NULL;
    int status = -1;

    if (pg)
        status = postgres_schema_mark(pg, name, value, remember, error);
    else if (url && is_away(url))
        status = RECORD_AWAY;
    PQfinish(pg);
    postgres_url_free(url);
    return status;
}

static struct record_store *postgres_open(const char *text, char error[STORE_ERROR_MAX])
{
    struct postgres_store *store = calloc(1, sizeof *store);

    if (!store) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return NULL;
    }
    store->store.backend = &record_postgres;
    store->url = postgres_url_parse(text, error);
    if (store->url)
        return &store->store;
    free(store);
    return NULL;
}

static void postgres_close(struct record_store *base)
{
    struct postgres_store *store = (struct postgres_store *)base;

    postgres_url_free(store->url);
    free(store);
}

static void link_free(struct postgres_link *link)
{
    postgres_sweep_free(link->sweeper);
    postgres_totals_close(link->totals);
    postgres_connection_close(link->connection);
    postgres_batch_free(link->batch);
    if (link->timer)
        event_free(link->timer);
    free(link);
}

static struct record_link *postgres_attach(struct record_store *base, struct event_base *loop,
                                           const struct store_watch *watch,
                                           char error[STORE_ERROR_MAX])
{
    struct postgres_link *link = calloc(1, sizeof *link);
    struct postgres_connection_settings settings = {
        .url = ((struct postgres_store *)base)->url,
        .statement = &postgres_claim_statement,
        .schema_version = postgres_record_migrations.count,
        .deadline_ms = CONNECT_MS,
        .connected = on_connected,
        .answered = on_answered,
        .lost = on_lost,
        .arg = link,
    };

    if (!link)
        goto no_memory;
    if (watch)
        settings.watch = *watch;
    link->link.backend = &record_postgres;
    link->base = loop;
    link->url = settings.url;
    link->batch = postgres_batch_create();
    link->timer = evtimer_new(loop, on_timer, link);
    link->sweeper = postgres_sweep_create(loop, settings.url);
    if (!link->batch || !link->timer || !link->sweeper)
        goto no_memory;
    link->connection = postgres_connection_open(loop, &settings, error);
    if (link->connection)
        return &link->link;
    link_free(link);
    return NULL;

no_memory:
    if (link)
        link_free(link);
    snprintf(error, STORE_ERROR_MAX, "out of memory");
    return NULL;
}

static void postgres_detach(struct record_link *base)
{
    struct postgres_link *link = (struct postgres_link *)base;
    int64_t due;

    while (link_due_ms(link, &due)) {
        link_drive(link);
        int64_t left = due - now_ms();
        if (postgres_connection_wait(link->connection, left > 0 ? (int)left : 0) != 0)
            on_lost(link);
    }
    link_free(link);
}

static enum store_status postgres_claim(struct record_link *base, struct record_claim *claim)
{
    struct postgres_link *link = (struct postgres_link *)base;

    if (postgres_connection_down(link->connection))
        return STORE_DOWN;
    if (link->waiting.count >= WAITING_MAX)
        return STORE_FULL;
    claim->due_ms = now_ms() + CLAIM_MS;
    claim_list_append(&link->waiting, claim);
    /* Not sent from here: it may fail, and others may come before the loop turns. */
    event_active(link->timer, EV_TIMEOUT, 0);
    return STORE_LATER;
}

static enum store_status postgres_sweep(struct record_link *base, struct record_sweep *sweep)
{
    struct postgres_link *link = (struct postgres_link *)base;

    if (postgres_connection_down(link->connection))
        return STORE_DOWN;
    return postgres_sweep_step(link->sweeper, sweep);
}

static enum store_status postgres_totals(struct record_link *base, struct record_totals *totals)
{
    struct postgres_link *link = (struct postgres_link *)base;

    if (link->totals == NULL)
        link->totals = postgres_totals_open(link->base, link->url);
    return link->totals != NULL ? postgres_totals_read(link->totals, totals) : STORE_DOWN;
}

static bool postgres_up(const struct record_link *base)
{
    return postgres_connection_up(((const struct postgres_link *)base)->connection);
}

const struct record_backend record_postgres = {
    .scheme = "postgres",
    .prepare = postgres_prepare,
    .probe = postgres_probe,
    .mark = postgres_mark,
    .open = postgres_open,
    .close = postgres_close,
    .attach = postgres_attach,
    .detach = postgres_detach,
    .claim = postgres_claim,
    .sweep = postgres_sweep,
    .totals = postgres_totals,
    .up = postgres_up,
    .reader = &postgres_reader,
    .importer = &postgres_importer,
    .eraser = &postgres_eraser,
};
