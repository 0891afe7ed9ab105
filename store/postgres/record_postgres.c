/*
 * Records in PostgreSQL. One thread writes the claims of all links (postgres_writer.c); sweeping
 * and reading totals have connections of their own on the link's loop, there only while they are
 * used.
 */
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_schema.h"
#include "store/postgres/postgres_sweep.h"
#include "store/postgres/postgres_totals.h"
#include "store/postgres/postgres_writer.h"
#include "store/record_backend.h"

#include <stdio.h>
#include <stdlib.h>

struct postgres_store {
    struct record_store store;
    struct postgres_url *url;
    struct thread_links links;
    struct postgres_writer *writer;
};

struct postgres_link {
    struct record_link link;
    struct postgres_store *store;
    struct event_base *base;
    struct postgres_sweep *sweeper;
    struct postgres_totals *totals; /* NULL: nobody asked yet */
};

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

    if (!store || thread_links_init(&store->links, false) != 0) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        free(store);
        return NULL;
    }
    store->store.backend = &record_postgres;
    store->url = postgres_url_parse(text, error);
    if (store->url)
        store->writer = postgres_writer_start(store->url, &store->links, error);
    if (store->writer)
        return &store->store;
    postgres_url_free(store->url);
    thread_links_deinit(&store->links);
    free(store);
    return NULL;
}

static void postgres_close(struct record_store *base)
{
    struct postgres_store *store = (struct postgres_store *)base;

    postgres_writer_stop(store->writer);
    thread_links_deinit(&store->links);
    postgres_url_free(store->url);
    free(store);
}

static struct record_link *postgres_attach(struct record_store *base, struct event_base *loop,
                                           const struct store_watch *watch,
                                           char error[STORE_ERROR_MAX])
{
    struct postgres_store *store = (struct postgres_store *)base;
    struct postgres_link *link = calloc(1, sizeof *link);

    if (link)
        link->sweeper = postgres_sweep_create(loop, store->url);
    if (!link || !link->sweeper) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        free(link);
        return NULL;
    }
    link->link.backend = &record_postgres;
    link->store = store;
    link->base = loop;
    if (thread_link_attach(&store->links, &link->link.thread, loop, watch, error) == 0)
        return &link->link;
    postgres_sweep_free(link->sweeper);
    free(link);
    return NULL;
}

static void postgres_detach(struct record_link *base)
{
    struct postgres_link *link = (struct postgres_link *)base;

    thread_link_detach(&base->thread);
    postgres_sweep_free(link->sweeper);
    postgres_totals_close(link->totals);
    free(link);
}

static enum store_status postgres_claim(struct record_link *base, struct record_claim *claim)
{
    if (thread_link_down(&base->thread))
        return STORE_DOWN;
    if (thread_link_begin(&base->thread) == STORE_FULL)
        return STORE_FULL;
    postgres_writer_put(((struct postgres_link *)base)->store->writer, claim);
    return STORE_LATER;
}

static enum store_status postgres_sweep(struct record_link *base, struct record_sweep *sweep)
{
    if (thread_link_down(&base->thread))
        return STORE_DOWN;
    return postgres_sweep_step(((struct postgres_link *)base)->sweeper, sweep);
}

static enum store_status postgres_totals(struct record_link *base, struct record_totals *totals)
{
    struct postgres_link *link = (struct postgres_link *)base;

    if (link->totals == NULL)
        link->totals = postgres_totals_open(link->base, link->store->url);
    return link->totals != NULL ? postgres_totals_read(link->totals, totals) : STORE_DOWN;
}

const struct record_backend record_postgres = {
    .scheme = "postgres",
    .has_clock = true,
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
    .reader = &postgres_reader,
    .importer = &postgres_importer,
    .eraser = &postgres_eraser,
};
