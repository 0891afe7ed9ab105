/*
 * The front of the record store: chooses the backend by the URL's scheme and passes calls on.
 * URLs may hold passwords, so errors from here never quote one.
 */
#include "store/record_backend.h"

#include "store/record_asker.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const struct record_backend *const backends[] = {&record_sqlite, &record_postgres};

const struct record_backend *record_backend_find(const char *url, char error[STORE_ERROR_MAX])
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strncmp(url, backends[i]->scheme, strlen(backends[i]->scheme)) == 0)
            return backends[i];
    }
    snprintf(error, STORE_ERROR_MAX,
             "the database URL begins neither with sqlite:/// nor with postgresql://");
    return NULL;
}

int record_store_prepare(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->prepare(url, report, error) : -1;
}

int record_store_probe(const char *url, char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->probe(url, error) : -1;
}

int record_store_mark(const char *url, const char *name, const char *value, bool remember,
                      char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    return backend ? backend->mark(url, name, value, remember, error) : -1;
}

struct record_store *record_store_open(const char *url,
                                       const unsigned char asker_key[RECORD_ASKER_KEY_SIZE],
                                       char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    struct record_store *store = backend ? backend->open(url, error) : NULL;

    if (store)
        memcpy(store->asker_key, asker_key, sizeof store->asker_key);
    return store;
}

void record_store_close(struct record_store *store)
{
    if (!store)
        return;
    OPENSSL_cleanse(store->asker_key, sizeof store->asker_key);
    store->backend->close(store);
}

struct record_link *record_attach(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[STORE_ERROR_MAX])
{
    struct record_asker *asker = record_asker_create(store->asker_key);
    struct record_link *link = NULL;

    if (asker)
        link = store->backend->attach(store, base, watch, error);
    else
        snprintf(error, STORE_ERROR_MAX, "the cryptographic library fails");
    if (link)
        link->asker = asker;
    else
        record_asker_free(asker);
    return link;
}

void record_detach(struct record_link *link)
{
    struct record_asker *asker = link ? link->asker : NULL;

    if (link)
        link->backend->detach(link);
    record_asker_free(asker);
}

void record_watch_commits(struct record_link *link, const struct record_commit_watch *watch)
{
    link->commits = *watch;
}

bool record_link_up(const struct record_link *link)
{
    return link->thread.up;
}

enum store_status record_sweep(struct record_link *link, struct record_sweep *sweep)
{
    sweep->link = link;
    sweep->removed = 0;
    sweep->more = false;
    return link->backend->sweep(link, sweep);
}

enum store_status record_claim(struct record_link *link, struct record_claim *claim)
{
    claim->link = link;
    claim->next = NULL;
    record_asker_sign(link->asker, claim);
    return link->backend->claim(link, claim);
}

enum store_status record_totals(struct record_link *link, struct record_totals *totals)
{
    totals->link = link;
    totals->next = NULL;
    totals->all = (struct record_sums){0};
    totals->backup_us = INT64_MIN;
    memset(totals->hours, 0, totals->hour_count * sizeof *totals->hours);
    return link->backend->totals(link, totals);
}

void record_totals_backup(struct record_totals *totals, const char *when)
{
    if (when == NULL || record_time_parse(when, &totals->backup_us) != 0)
        totals->backup_us = INT64_MIN;
}

void record_totals_put(struct record_totals *totals, int64_t hour_s, const struct record_sums *sums)
{
    const int64_t hour = (hour_s - totals->since_s) / 3600;

    if (hour_s >= totals->since_s && hour < (int64_t)totals->hour_count)
        totals->hours[hour] = *sums;
}
