/*
 * Between record.c and its backends: what a backend fills in. Its own store and link begin with
 * these structs; the functions mean what store/record.h says of their namesakes.
 */
#ifndef STORE_RECORD_BACKEND_H
#define STORE_RECORD_BACKEND_H

#include "store/record.h"

struct record_backend {
    const char *scheme; /* how its URLs begin */
    int (*prepare)(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX]);
    int (*probe)(const char *url, char error[STORE_ERROR_MAX]);
    int (*mark)(const char *url, const char *name, const char *value, bool remember,
                char error[STORE_ERROR_MAX]);
    struct record_store *(*open)(const char *url, char error[STORE_ERROR_MAX]);
    void (*close)(struct record_store *store);
    struct record_link *(*attach)(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[STORE_ERROR_MAX]);
    void (*detach)(struct record_link *link);
    enum store_status (*claim)(struct record_link *link, struct record_claim *claim);
    bool (*up)(const struct record_link *link);
};

struct record_store {
    const struct record_backend *backend;
};

struct record_link {
    const struct record_backend *backend;
    struct record_commit_watch commits;
};

/* After each transaction, by the thread that made it. */
static inline void record_link_committed(const struct record_link *link, size_t claims,
                                         int64_t took_us)
{
    if (link->commits.committed)
        link->commits.committed(link->commits.arg, claims, took_us);
}

extern const struct record_backend record_sqlite;
extern const struct record_backend record_postgres;

#endif
